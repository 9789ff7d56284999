package routes

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const recheckFile = `version: 1
backends:
  monolith: {urls: [http://127.0.0.1:3000], rollback: header}
  accounts: {urls: [http://127.0.0.1:4000], rollback: header}
defaults:
  legacy: monolith
  new: accounts
  stage: shadow
  shadow: {run: both, recheck: {delay: 1500ms, writes: true}}
routes:
  - {name: show, match: "GET /accounts/{id}"}
  - {name: often, match: GET /often, shadow: {recheck: {tries: 3, share: 25%}}}
  - {name: never, match: GET /never, shadow: {recheck: {share: 0%}}}
  - {name: create, match: POST /accounts}
  - {name: new-only, match: PUT /accounts, shadow: {run: new}}
  - {name: plain, match: POST /plain, shadow: {recheck: {writes: false}}}
`

func TestRecheckSettings(t *testing.T) {
	table, err := Parse("routes.yaml", []byte(recheckFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reason, method, path string
		want                 Recheck
		says                 string
	}{
		{"inherited, and writes has no meaning here", "GET", "/accounts/1", Recheck{1500 * time.Millisecond, 1, 1, false}, "both sides are asked again 1.5s later"},
		{"stated beside what is inherited", "GET", "/often", Recheck{1500 * time.Millisecond, 3, 0.25, false},
			"both sides are asked again up to 3 times, each 1.5s later, in 25% of the requests; in the rest it counts at once"},
		{"switched off", "GET", "/never", Recheck{1500 * time.Millisecond, 1, 0, false}, "it counts at once: re-check share 0%"},
		{"a write with run: both", "POST", "/accounts", Recheck{1500 * time.Millisecond, 1, 1, true},
			"both sides are run again at once, before the live call, which waits up to 250ms more for each"},
		{"taken back where only one side runs", "PUT", "/accounts", Recheck{1500 * time.Millisecond, 1, 1, false}, "it counts at once: a write is not asked again"},
		{"switched off for writes", "POST", "/plain", Recheck{1500 * time.Millisecond, 1, 1, false}, "it counts at once: a write is not asked again"},
	} {
		r, _ := table.Match(c.method, c.path)
		if r.Shadow.Recheck != c.want {
			t.Errorf("%s: %+v, want %+v", c.reason, r.Shadow.Recheck, c.want)
		}
		var b strings.Builder
		if _, err := table.Explain(c.method, c.path).WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "where it differs   "+c.says+"\n") {
			t.Errorf("%s: explain does not say %q:\n%s", c.reason, c.says, b.String())
		}
	}
	var tree strings.Builder
	if err := table.WriteTree(&tree); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"shadow.recheck.delay: 1.5s", "shadow.recheck.tries: 3  shadow.recheck.share: 25%", "shadow.recheck.writes: false"} {
		if !strings.Contains(tree.String(), want) {
			t.Errorf("the tree does not say %q:\n%s", want, tree.String())
		}
	}
}

// TestRecheckShare: the share is held, the same requests are in it wherever
// asked, and it has nothing to do with other shares.
func TestRecheckShare(t *testing.T) {
	table, err := Parse("routes.yaml", []byte(recheckFile))
	if err != nil {
		t.Fatal(err)
	}
	replica, err := Parse("routes.yaml", []byte(recheckFile))
	if err != nil {
		t.Fatal(err)
	}
	often := table.Route("often")
	in, both := 0, 0
	const n = 10000
	for i := range n {
		id := fmt.Sprintf("0192f0c1-%d", i)
		if often.Rechecked(id) != replica.Route("often").Rechecked(id) || !table.Route("show").Rechecked(id) || table.Route("never").Rechecked(id) {
			t.Fatalf("request %s", id)
		}
		if often.Rechecked(id) {
			in++
			if often.InShare("another purpose", id, 0.25) {
				both++
			}
		}
	}
	if in < n*23/100 || in > n*27/100 || both < in*21/100 || both > in*29/100 {
		t.Errorf("%d of %d are in a share of 25%%, %d of these in another", in, n, both)
	}
}
