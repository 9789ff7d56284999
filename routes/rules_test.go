package routes

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

// TestRulesAreReadWhole reads a rule with each field, and shows it.
func TestRulesAreReadWhole(t *testing.T) {
	const file = `version: 1
backends:
  monolith: {urls: [http://127.0.0.1:3000]}
  accounts: {urls: [http://127.0.0.1:4000]}
defaults:
  legacy: monolith
  new: accounts
  compare:
    rules:
      - {path: "header:Location", rewrite: {from: "http://new:8080", to: "https://shop.example"}, side: new}
routes:
  - match: GET /a
    compare:
      rules:
        - {path: $.items, unordered: true, by: $.sku}
        - {path: $.rows, by: $.id}
        - {path: $.ref, matches: '[A-Z]{2}-\d+', side: new, kind: value}
        - {path: $.token, format: hex, owner: payments, until: 2027-01-31, why: made anew}
        - {path: $.note, empty: missing}
        - {path: $.state, case: ignore}
        - {path: $.self, rewrite: {from: /v2/, to: ""}}
        - {path: $.user, rename: account}
        - {path: $..*, ignore: true, kind: added}
`
	want := []struct {
		rule compare.Rule
		text string
	}{
		{compare.Rule{Path: "header:Location", Rewrite: compare.Rewrite{From: "http://new:8080", To: "https://shop.example"}, Side: "new"}, `header:Location rewrite "http://new:8080" to "https://shop.example" side new`},
		{compare.Rule{Path: "$.items", Unordered: true, By: "$.sku"}, "$.items unordered by $.sku"},
		{compare.Rule{Path: "$.rows", By: "$.id"}, "$.rows by $.id"},
		{compare.Rule{Path: "$.ref", Matches: `[A-Z]{2}-\d+`, Side: "new", Kind: compare.KindValue}, `$.ref matches [A-Z]{2}-\d+ side new kind value`},
		{compare.Rule{Path: "$.token", Format: "hex", Owner: "payments", Until: "2027-01-31", Why: "made anew"}, "$.token format hex (owner payments, until 2027-01-31, made anew)"},
		{compare.Rule{Path: "$.note", Empty: "missing"}, "$.note empty missing"},
		{compare.Rule{Path: "$.state", Case: "ignore"}, "$.state case ignore"},
		{compare.Rule{Path: "$.self", Rewrite: compare.Rewrite{From: "/v2/"}}, `$.self rewrite "/v2/" to ""`},
		{compare.Rule{Path: "$.user", Rename: "account"}, "$.user rename account"},
		{compare.Rule{Path: "$..*", Ignore: true, Kind: compare.KindAdded}, "$..* ignore kind added"},
	}
	table, err := Parse("routes.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	explained := table.Explain("GET", "/a").Rules
	list := table.Route("GET /a").Compare.List()
	if len(list) != len(want) || len(explained) != len(want) {
		t.Fatalf("%d rules, %d explained", len(list), len(explained))
	}
	for i, w := range want {
		if list[i] != w.rule {
			t.Errorf("rule %d is %+v", i+1, list[i])
		}
		if explained[i].Rule != w.text {
			t.Errorf("rule %d is shown as %q, not %q", i+1, explained[i].Rule, w.text)
		}
	}
	if at := explained[len(want)-1].From; !strings.HasPrefix(at, "routes.yaml:23:") {
		t.Errorf("the last rule is said to stand at %s", at)
	}
}

// TestRulesTravelAsJSON holds that a rule is the same behind the API, and that it
// says there no more than what was written.
func TestRulesTravelAsJSON(t *testing.T) {
	rules := []compare.Rule{
		{Path: "$.a", Rewrite: compare.Rewrite{From: "x"}, Side: "legacy"},
		{Path: "$.b", By: "$.id"},
		{Path: "$.c", Ignore: true, Kind: compare.KindMissing},
	}
	text, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"path":"$.a","rewrite":{"from":"x","to":""},"side":"legacy"},{"path":"$.b","by":"$.id"},{"path":"$.c","ignore":true,"kind":"missing"}]`
	if string(text) != want {
		t.Errorf("got %s", text)
	}
	var back []compare.Rule
	if err := json.Unmarshal(text, &back); err != nil || !slices.Equal(back, rules) {
		t.Errorf("got %+v, %v", back, err)
	}
}
