package compare

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// settledWalk is what a walk finds when all that is open at its end has been
// settled, which a made-up rule does here. It condenses its events all the time
// if often says so.
func settledWalk(t *rapid.T, a, b string, rules *Rules, often bool) Result {
	w := newWalk([]byte(a), []byte(b), rules)
	defer w.free()
	if often {
		w.condenseAt, w.condenseFrom = 0, 0
	}
	w.apart = anyID
	if w.compare() < 0 {
		return Result{}
	}
	n := 0
	w.settleLinks(func(v *verdict, legacy, new linkValue) {
		if *v = (verdict{}); len(legacy.text)%2 == 0 {
			*v = forgivenBy(0)
		}
	})
	w.settleGenerated(func(v *verdict, legacy, new []byte) {
		if n++; n%3 > 0 {
			v.reason = byGenerated
		} else {
			*v = verdict{}
		}
	})
	l := &ledger{rules: rules}
	w.list(l)
	if counted := w.counting(); counted != len(l.result.Differences)+l.result.Truncated {
		t.Fatalf("%q\n%q\n%d differences are counted, and %d listed, %d left out", a, b, counted, len(l.result.Differences), l.result.Truncated)
	}
	return l.result
}

// TestCondensingDoesNotShow compares texts with few and with very many events
// kept: what is listed, counted and weighed is the same.
func TestCondensingDoesNotShow(t *testing.T) {
	var rules []*Rules
	for _, list := range [][]Rule{
		nil,
		{{Path: "$..a", Ignore: true}, {Path: "$..id", Same: "x"}},
		{{Path: "$..b", Unordered: true}, {Path: "$..created_at", Within: "1h"}, {Path: "$[*]..id", Ignore: true}},
		{{Path: "$[*]", By: "$.id"}, {Path: "$..a", Same: "x"}},
	} {
		r, errs := Compile(list)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		rules = append(rules, r)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawApart(t, 3)
		if n := even(t, 100, "times"); n > 80 { // more than are listed of one place
			a, b = "["+strings.Repeat(a+",", 60)+a+"]", "["+strings.Repeat(b+",", 60)+b+"]"
		}
		use := rapid.SampledFrom(rules).Draw(t, "rules")
		if kept, often := settledWalk(t, a, b, use, false), settledWalk(t, a, b, use, true); !reflect.DeepEqual(kept, often) {
			t.Fatalf("%q\n%q\ngot %+v\ncondensed %+v", a, b, kept, often)
		}
	})
}

// drawApart draws two documents that differ in many places.
func drawApart(t *rapid.T, depth int) (a, b string) {
	if depth == 0 || even(t, 4, "kind") == 0 {
		scalar := rapid.SampledFrom([]string{
			"1", "2", "3", "true", `"a"`, `"bc"`, `"2026-03-04T05:06:07Z"`, `"2026-03-04T05:06:08Z"`, `"2026-03-04T05:06:09Z"`,
			`"1b4e28ba-2fa1-41d2-883f-0016d3cca427"`, `"6fa459ea-ee8a-4ca4-894e-db77e160355e"`,
		})
		return scalar.Draw(t, "a"), scalar.Draw(t, "b")
	}
	var l, n []string
	object := even(t, 2, "object") == 1
	for range even(t, 8, "size") {
		v, u := drawApart(t, depth-1)
		if object {
			name := rapid.SampledFrom([]string{`"id":`, `"a":`, `"b":`, `"created_at":`, `"12":`, `"x.y":`}).Draw(t, "name")
			v, u = name+v, name+u
		}
		if even(t, 9, "only here") > 0 {
			l = append(l, v)
		}
		if even(t, 9, "only there") > 0 {
			n = append(n, u)
		}
	}
	if object {
		return "{" + strings.Join(l, ",") + "}", "{" + strings.Join(n, ",") + "}"
	}
	return "[" + strings.Join(l, ",") + "]", "[" + strings.Join(n, ",") + "]"
}

// TestByPositionIsByIndex holds arrays that are compared by position to a plain
// comparison of the decoded documents.
func TestByPositionIsByIndex(t *testing.T) {
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			if depth == 0 || even(t, 3, "kind") == 0 {
				return float64(even(t, 3, "number"))
			}
			return rapid.SliceOfN(value(depth-1), 0, 12).Draw(t, "list")
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		l, n := value(3).Draw(t, "legacy"), value(3).Draw(t, "new")
		a, _ := json.Marshal(l)
		b, _ := json.MarshalIndent(n, " ", " ")
		want := map[string]Kind{}
		naive("$", l, n, want)
		w := newWalk(a, b, nil)
		defer w.free()
		w.budget = -1
		if failed := w.compare(); failed != 0 {
			t.Fatalf("%s\n%s\nit failed with %d", a, b, failed)
		}
		ledger := &ledger{}
		w.list(ledger)
		got := map[string]Kind{}
		for _, d := range ledger.result.Differences {
			got[d.At] = d.Kind
		}
		if ledger.result.Truncated == 0 && !reflect.DeepEqual(got, want) || len(ledger.result.Differences)+ledger.result.Truncated != len(want) {
			t.Fatalf("%s\n%s\ngot %v\nwant %v", a, b, got, want)
		}
	})
}
