package compare_test

import (
	"slices"
	"testing"

	"github.com/quackproxy/quack/compare"
)

// pairList knows some pairs.
type pairList []compare.Pair

func (l pairList) New(name, legacy string) (string, bool) {
	i := slices.IndexFunc(l, func(p compare.Pair) bool { return p.Name == name && p.Legacy == legacy })
	if i < 0 {
		return "", false
	}
	return l[i].New, true
}

func (l pairList) Legacy(name, new string) (string, bool) {
	i := slices.IndexFunc(l, func(p compare.Pair) bool { return p.Name == name && p.New == new })
	if i < 0 {
		return "", false
	}
	return l[i].Legacy, true
}

func TestExchangesKnowing(t *testing.T) {
	rules, errs := compare.Compile([]compare.Rule{{Path: "$..id", Same: "account"}, {Path: "$..order", Same: "order"}})
	if errs != nil {
		t.Fatal(errs)
	}
	known := pairList{{"account", "integer 17e2", "integer 9e1"}, {"account", "string a", "string b"}}
	for _, c := range []struct {
		reason      string
		legacy, new string
		match       bool
		learnt      []compare.Pair
	}{
		{"known", `{"id":17}`, `{"id":9}`, true, nil},
		{"legacy's has another partner", `{"id":17}`, `{"id":10}`, false, nil},
		{"new's has another partner", `{"id":18}`, `{"id":9}`, false, nil},
		{"not known yet", `{"id":18}`, `{"id":10}`, true, []compare.Pair{{"account", "integer 18e2", "integer 1e2"}}},
		{"learnt once", `[{"id":18},{"id":18}]`, `[{"id":10},{"id":10}]`, true, []compare.Pair{{"account", "integer 18e2", "integer 1e2"}}},
		{"equal ones always match", `{"id":17}`, `{"id":17}`, true, nil},
		{"and so they do beside others", `[{"id":9},{"id":18}]`, `[{"id":9},{"id":10}]`, true, []compare.Pair{{"account", "integer 18e2", "integer 1e2"}}},
		{"another mapping", `{"order":17}`, `{"order":10}`, true, []compare.Pair{{"order", "integer 17e2", "integer 1e2"}}},
		{"the same digits as a text", `{"id":"17"}`, `{"id":"10"}`, true, []compare.Pair{{"account", "string 17", "string 10"}}},
		{"another spelling of the number", `{"id":17.0}`, `{"id":9}`, true, nil},
		{"a text", `{"id":"a"}`, `{"id":"c"}`, false, nil},
		{"within one comparison the first decides", `[{"id":18},{"id":18}]`, `[{"id":10},{"id":11}]`, false, []compare.Pair{{"account", "integer 18e2", "integer 1e2"}}},
	} {
		r := compare.ExchangesKnowing(answer("application/json", c.legacy), answer("application/json", c.new), rules, known)
		if r.Match() != c.match || !slices.Equal(r.Pairs, c.learnt) {
			t.Errorf("%s: match %v, learnt %v; want %v and %v", c.reason, r.Match(), r.Pairs, c.match, c.learnt)
		}
	}
	if r := compare.Exchanges(answer("application/json", `{"id":18}`), answer("application/json", `{"id":10}`), rules); r.Pairs != nil {
		t.Errorf("nobody wants to know, and %v was learnt", r.Pairs)
	}
}
