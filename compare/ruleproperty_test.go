package compare_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare"
)

// drawScopedRule draws a rule for one of the paths. Those that Compile refuses are
// drawn again.
func drawScopedRule(t *rapid.T, paths []string) compare.Rule {
	actions := []compare.Rule{
		{Ignore: true}, {Within: "1h"}, {Tolerance: "10%"}, {Unordered: true}, {Same: "x"},
		{Matches: `.*`}, {Matches: `[a-z0-9]*`}, {Format: "same"}, {Format: "number"}, {Format: "hex"}, {Empty: "missing"}, {Case: "ignore"},
		{Rewrite: compare.Rewrite{From: "planted", To: ""}}, {Rewrite: compare.Rewrite{From: "a", To: "planted"}}, {Rename: "a"}, {Rename: "planted"},
	}
	return rapid.Custom(func(t *rapid.T) compare.Rule {
		r := rapid.SampledFrom(actions).Draw(t, "action")
		r.Path = rapid.SampledFrom(paths).Draw(t, "path")
		r.Side = rapid.SampledFrom([]string{"", "", "legacy", "new"}).Draw(t, "side")
		r.Kind = rapid.SampledFrom([]compare.Kind{"", "", "value", "type", "missing", "added", "order", "length", "format"}).Draw(t, "kind")
		return r
	}).Filter(func(r compare.Rule) bool {
		_, errs := compare.Compile([]compare.Rule{r})
		return errs == nil
	}).Draw(t, "rule")
}

// wrap is an object with a part that rules are for and one that they are not.
func wrap(ruled, free *tree) *tree {
	return &tree{names: []string{"ruled", "free"}, content: []*tree{ruled, free}}
}

// TestRulesForgiveNothingElsewhere changes one place that no rule is for, in one
// of several elements, with any differences at the places that rules are for.
func TestRulesForgiveNothingElsewhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		legacy, new := &tree{array: true}, &tree{array: true}
		n := rapid.IntRange(1, 4).Draw(t, "elements")
		for range n {
			ruled, free := drawTree(t, 2), drawTree(t, 2)
			other := ruled.clone()
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				plant(t, other, "$")
			}
			legacy.content, new.content = append(legacy.content, wrap(ruled, free)), append(new.content, wrap(other, free.clone()))
		}
		at, kind := plant(t, new.content[rapid.IntRange(0, n-1).Draw(t, "changed")].content[1], "free")
		var list []compare.Rule
		for range rapid.IntRange(1, 3).Draw(t, "rules") {
			list = append(list, drawScopedRule(t, []string{"$[*].ruled", "$[*].ruled..*", "$[0].ruled.a", "$..ruled..a", "$[*].ruled[*]", "$..ruled"}))
		}
		rules, errs := compare.Compile(list)
		if errs != nil { // two that are alike, or one below another
			return
		}
		a, b := legacy.write(plain), new.write(choice(t))
		if r := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), rules); r.Match() {
			t.Fatalf("%s at %s was forgiven by one of %q\n%s\n%s\n%q", kind, at, list, a, b, lines(r))
		}
	})
}

// TestRulesOfOneKindForgiveThatKind holds what a rule for all of one kind leaves
// against what there is without it.
func TestRulesOfOneKindForgiveThatKind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]compare.Kind{compare.KindAdded, compare.KindOrder}).Draw(t, "kind")
		rules := mustCompile(t, compare.Rule{Path: "$..*", Ignore: true, Kind: kind}, compare.Rule{Path: "$", Ignore: true, Kind: kind})
		legacy := drawTree(t, 3)
		new := legacy.clone()
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			plant(t, new, "$")
		}
		a, b := legacy.write(plain), new.write(choice(t))
		bare, ruled := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), nil), compare.Exchanges(jsonAnswer(a), jsonAnswer(b), rules)
		of := func(k compare.Kind) bool { return k == kind }
		if slices.ContainsFunc(ruled.Differences, func(d compare.Difference) bool { return of(d.Kind) }) {
			t.Fatalf("one of kind %s is left\n%s\n%s\n%q", kind, a, b, lines(ruled))
		}
		rest := slices.ContainsFunc(bare.Differences, func(d compare.Difference) bool { return !of(d.Kind) })
		if rest == ruled.Match() {
			t.Fatalf("other differences: %v\n%s\n%s\n%q\n%q", rest, a, b, lines(bare), lines(ruled))
		}
	})
}

// flip is the rule that says of the swapped sides what r says of these.
func flip(r compare.Rule) compare.Rule {
	asked := r.Side
	if asked == "" && (r.Rename != "" || r.Rewrite != compare.Rewrite{}) {
		asked = "new"
	}
	r.Side = map[string]string{"": "", "legacy": "new", "new": "legacy"}[asked]
	switch {
	case r.Rename != "": // the difference in name is missing, whoever has the other one
	case r.Kind == compare.KindMissing:
		r.Kind = compare.KindAdded
	case r.Kind == compare.KindAdded:
		r.Kind = compare.KindMissing
	}
	return r
}

func TestSwappingSidesAndRulesSwapsTheResult(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := drawScopedRule(t, []string{"$.a", "$..a", "$.*.a", "$.a[*]", "$.a.*"})
		if rule.Same != "" { // the first pair of a value decides, in the order of legacy
			return
		}
		legacy, new := drawPair(t)
		there := compare.Exchanges(legacy, new, mustCompile(t, rule))
		back := compare.Exchanges(new, legacy, mustCompile(t, flip(rule)))
		if len(there.Differences) != len(back.Differences) || len(there.Forgiven) != len(back.Forgiven) {
			t.Fatalf("%s\n%s\n%s\n%s\n%s", rule, legacy.Body, new.Body, fmt.Sprint(strings.Join(lines(there), "\n")), strings.Join(lines(back), "\n"))
		}
	})
}
