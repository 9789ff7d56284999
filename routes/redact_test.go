package routes

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/internal/redact"
)

const redacting = `version: 1
backends:
  a: {urls: [http://127.0.0.1:1]}
  b: {urls: [http://127.0.0.1:2]}
defaults:
  legacy: a
  new: b
  redact: {names: [nick], patterns: ['ACME-\d{6}']}
routes:
  - match: /shop
    redact: {email: true, names: [X-Tenant]}
    routes:
      - {name: show, match: "GET /show/{id}"}
      - name: quiet
        match: GET /quiet
        redact: {email: false, patterns: ['\d{3}-\d{2}']}
  - name: reset
    match: GET /reset/{token}
    rewrite: {new: {path: "/v2/r/{token}"}}
`

// TestRedact holds that what a node adds to what is a secret holds below it too,
// and that no names and patterns are taken back.
func TestRedact(t *testing.T) {
	table := parse(t, redacting)
	for _, c := range []struct {
		route           string
		email           bool
		names, patterns []string
	}{
		{"show", true, []string{"X-Tenant", "nick"}, []string{`ACME-\d{6}`}},
		{"quiet", false, []string{"X-Tenant", "nick"}, []string{`ACME-\d{6}`, `\d{3}-\d{2}`}},
		{"reset", false, []string{"nick"}, []string{`ACME-\d{6}`}},
		{"(default)", false, []string{"nick"}, []string{`ACME-\d{6}`}},
	} {
		r := table.Route(c.route)
		if r == nil {
			r = table.Default()
		}
		if diff := cmp.Diff([]any{c.email, c.names, c.patterns}, []any{r.Redact.Email(), r.Redact.Names(), r.Redact.Patterns()}); diff != "" {
			t.Errorf("%s: %s", c.route, diff)
		}
	}
	all := table.Redaction()
	if diff := cmp.Diff([]any{true, []string{"X-Tenant", "nick"}, []string{`ACME-\d{6}`, `\d{3}-\d{2}`}}, []any{all.Email(), all.Names(), all.Patterns()}); diff != "" {
		t.Errorf("all routes: %s", diff)
	}
	key := redact.New([]byte("key"))
	for path, gone := range map[string]string{"/reset/hunter2": "reset", "/v2/r/hunter2": "reset", "http://h/v2/r/hunter2": "reset"} {
		if got := key.Under(table.Route(gone).Redact).Target(path); strings.Contains(got, "hunter2") {
			t.Errorf("the token of the route's path is in %s", got)
		}
	}
	with, _, err := table.WithStages(map[string]StageSetting{"show": {Stage: StageShadow}})
	if err != nil || !with.Route("show").Redact.Email() || !with.Redaction().Email() {
		t.Errorf("a stage that is set live takes redaction back: %v", err)
	}
	var b bytes.Buffer
	if _, err := table.Explain("GET", "/shop/quiet").WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"redact.email", "redact.names           nick, X-Tenant", `redact.patterns        ACME-\d{6}, \d{3}-\d{2}`} {
		if !strings.Contains(b.String(), line) {
			t.Errorf("explain does not say %q:\n%s", line, b.String())
		}
	}
}

// TestTooManyPatterns: a line of the log is looked through for all of them.
func TestTooManyPatterns(t *testing.T) {
	var b strings.Builder
	b.WriteString(redacting)
	for node := range 5 {
		fmt.Fprintf(&b, "  - match: GET /n%d\n    redact: {patterns: [", node)
		for i := range 45 {
			fmt.Fprintf(&b, "'n%d-%d', ", node, i)
		}
		b.WriteString("]}\n")
	}
	_, err := Parse("routes.yaml", []byte(b.String()))
	if err == nil || !strings.Contains(err.Error(), "redact.patterns of all nodes are 227") || !strings.Contains(err.Error(), "a file may have at most 200") {
		t.Error(err)
	}
}
