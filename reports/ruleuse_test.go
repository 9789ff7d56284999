package reports_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

func TestRuleUses(t *testing.T) {
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		reason, until string
		forgives      int // comparisons, after the rule was noted
		compared      int // besides
		state         reports.RuleState
		says          string
	}{
		{"forgave", "", 2, 1, reports.RuleInUse, "in use"},
		{"forgave, and has a day to come", "2026-11-26", 2, 1, reports.RuleInUse, "in use"},
		{"its last day was yesterday", "2026-11-25", 2, 1, reports.RuleOverdue, "past until"},
		{"forgave nothing", "", 0, 3, reports.RuleUnused, "matched nothing in 3 comparisons"},
		{"forgave nothing in one", "", 0, 1, reports.RuleUnused, "matched nothing in 1 comparison"},
		{"nothing was compared", "", 0, 0, reports.RuleUntried, "nothing compared yet"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			r := fresh(t, reports.Config{})
			rule := compare.Rule{Path: "$.a", Ignore: true}
			inForce := map[string][]string{"show": {rule.String()}}
			judged(t, r, "before", jsonAnswer(`{"b":1}`), jsonAnswer(`{"b":1}`), nil)
			for range 2 { // noted once
				if err := r.KnowRules(t.Context(), inForce); err != nil {
					t.Fatal(err)
				}
			}
			for i := range tt.forgives {
				judged(t, r, fmt.Sprint("f", i), jsonAnswer(`{"a":1}`), jsonAnswer(`{"a":2}`), rulesOf(t, rule))
			}
			for i := range tt.compared {
				judged(t, r, fmt.Sprint("c", i), jsonAnswer(`{"b":1}`), jsonAnswer(`{"b":1}`), nil)
			}
			list := []reports.RuleUse{{Route: "show", Rule: rule.String(), Until: tt.until}}
			if err := r.RuleUses(t.Context(), "", list, now); err != nil {
				t.Fatal(err)
			}
			u := list[0]
			if u.State != tt.state || u.Says() != tt.says || u.Forgiven != int64(tt.forgives) || u.Compared != int64(tt.forgives+tt.compared) || u.Since.IsZero() {
				t.Errorf("%+v says %q", u, u.Says())
			}
		})
	}
}

// A rule that has gone and comes back is new.
func TestRulesAreForgotten(t *testing.T) {
	r := fresh(t, reports.Config{})
	know := func(inForce map[string][]string) {
		t.Helper()
		if err := r.KnowRules(t.Context(), inForce); err != nil {
			t.Fatal(err)
		}
	}
	with := map[string][]string{"show": {"$.a ignore"}}
	know(with)
	judged(t, r, "1", jsonAnswer(`{"a":1}`), jsonAnswer(`{"a":2}`), rulesOf(t, compare.Rule{Path: "$.a", Ignore: true}))
	know(nil)
	know(with)
	list := []reports.RuleUse{{Route: "show", Rule: "$.a ignore"}}
	if err := r.RuleUses(t.Context(), "show", list, time.Now()); err != nil {
		t.Fatal(err)
	}
	if list[0].Compared != 0 || list[0].State != reports.RuleUntried {
		t.Errorf("%+v", list[0])
	}
}

// What a rule forgives is known also where there are more places than are kept.
func TestRuleUseBeyondThePlacesThatAreKept(t *testing.T) {
	r := fresh(t, reports.Config{})
	for i := range 1100 {
		c := comparison(i)
		c.Forgiven = []compare.Forgiven{{Path: fmt.Sprintf("$.a%d", i), Kind: compare.KindValue, Reason: "rule $.* ignore kind value", Count: 1}}
		r.Record(c)
	}
	list := []reports.RuleUse{{Route: comparison(0).Route, Rule: "$.* ignore kind value"}}
	if err := r.RuleUses(t.Context(), "", list, time.Now()); err != nil {
		t.Fatal(err)
	}
	if list[0].Forgiven != 1100 {
		t.Errorf("forgiven %d, want 1100", list[0].Forgiven)
	}
}
