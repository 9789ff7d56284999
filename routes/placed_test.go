package routes

import (
	"strings"
	"testing"
	"time"
)

const placed = `version: 1
backends:
  monolith: {urls: [http://127.0.0.1:3000]}
defaults:
  legacy: monolith
  new: monolith
  compare: {rules: [{path: $.a, ignore: true, until: 2026-11-25}]}
routes:
  - name: show
    match: GET /show
    compare:
      rules:
        - {path: $.b, ignore: true, until: 2026-11-26}
  - {name: list, match: GET /list}
`

func TestRulesKnowTheirPlace(t *testing.T) {
	table, err := Parse("routes.yaml", []byte(placed))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range table.Routes() {
		for _, rule := range r.Rules() {
			got = append(got, r.Name+" "+rule.String()+" "+rule.Position.String())
		}
	}
	want := "show $.a ignore routes.yaml:7:21\nshow $.b ignore routes.yaml:13:11\nlist $.a ignore routes.yaml:7:21"
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
	if rules := table.Default().Rules(); len(rules) > 1 {
		t.Errorf("the default route has %v", rules)
	}
}

// A rule is warned of from the day after its last, once, where it stands.
func TestOverdueRulesAreWarnedOf(t *testing.T) {
	table, err := Parse("routes.yaml", []byte(placed))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		reason, now string
		want        []string
	}{
		{"before", "2026-11-25T23:59:59Z", nil},
		{"one is over", "2026-11-26T00:00:01Z", []string{"$.a"}},
		{"both are", "2026-11-27T00:00:01Z", []string{"$.a", "$.b"}},
	}
	for _, tt := range tests {
		now, err := time.Parse(time.RFC3339, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range table.warnings(now) {
			if text := w.Error(); strings.Contains(text, "was meant to be needed until") {
				_, after, _ := strings.Cut(text, "the rule ")
				path, _, _ := strings.Cut(after, " ")
				got = append(got, path)
			}
		}
		if strings.Join(got, " ") != strings.Join(tt.want, " ") {
			t.Errorf("%s: warned of %v, want %v", tt.reason, got, tt.want)
		}
	}
}
