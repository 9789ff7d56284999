package shadow

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// value is what legacy and new say at the one place that may differ.
type value struct{ legacy, new int }

// expected is the table of docs/recheck.md for one value.
func expected(first routes.Side, at value, tries []value) string {
	if slices.ContainsFunc(tries, func(v value) bool { return v.legacy != at.legacy }) {
		return "transient"
	}
	if slices.Contains(tries, at) {
		return "mismatch"
	}
	agree := !slices.ContainsFunc(tries, func(v value) bool { return v.legacy != v.new })
	if first == routes.New && agree {
		return "transient suspect"
	}
	return "mismatch unsteady"
}

func drawValues(t *rapid.T) (first routes.Side, at value, tries []value) {
	number := rapid.IntRange(1, 3)
	at = value{number.Draw(t, "legacy"), 0}
	at.new = number.Filter(func(n int) bool { return n != at.legacy }).Draw(t, "new")
	for range rapid.IntRange(1, 5).Draw(t, "tries") {
		tries = append(tries, value{number.Draw(t, "legacy again"), number.Draw(t, "new again")})
	}
	return rapid.SampledFrom([]routes.Side{routes.Legacy, routes.New}).Draw(t, "first"), at, tries
}

// TestVerdictsFollowTheTable: whatever the answers, a value gets the verdict of
// the table, and a difference that was found is listed.
func TestVerdictsFollowTheTable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		first, at, tries := drawValues(rt)
		var answers []string
		for _, v := range append([]value{at}, tries...) {
			answers = append(answers, fmt.Sprintf(`{"a":1,"n":%d}`, v.legacy), fmt.Sprintf(`{"a":1,"n":%d}`, v.new))
		}
		checkVerdict(t, rt, first, at, tries, answers)
	})
}

// TestVerdictsInListsThatMove: what comes in and leaves elsewhere in the list,
// on both sides alike, excuses nothing: where legacy has not changed the element
// the verdict is that of the table.
func TestVerdictsInListsThatMove(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		first, at, tries := drawValues(rt)
		for i := range tries {
			tries[i].legacy = at.legacy
		}
		others := rapid.SliceOfNDistinct(rapid.IntRange(10, 99), 0, 3, rapid.ID[int])
		before, after := others.Draw(rt, "before"), others.Draw(rt, "after")
		stay := []int{1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007} // so that the fewest edits are those that were made
		var answers []string
		for i, v := range append([]value{at}, tries...) {
			if i > 0 {
				before = append(rapid.SliceOfN(rapid.IntRange(100*i, 100*i+99), 0, 2).Draw(rt, "come in"), before[:len(before)/2]...)
				after = after[:rapid.IntRange(0, len(after)).Draw(rt, "stay")]
			}
			answers = append(answers, listWith(before, v.legacy, append(stay, after...)), listWith(before, v.new, append(stay, after...)))
		}
		checkVerdict(t, rt, first, at, tries, answers)
	})
}

func listWith(before []int, n int, after []int) string {
	var elements []string
	for _, o := range before {
		elements = append(elements, fmt.Sprintf(`{"id":"before %d","n":%d}`, o, o))
	}
	elements = append(elements, fmt.Sprintf(`{"id":"the one","n":%d}`, n))
	for _, o := range after {
		elements = append(elements, fmt.Sprintf(`{"id":"after %d","n":%d}`, o, o))
	}
	return "[" + strings.Join(elements, ",") + "]"
}

func checkVerdict(t *testing.T, rt *rapid.T, first routes.Side, at value, tries []value, answers []string) {
	c := judged(t, judge(), asking(first), answers...)
	if got, want := summary(c), expected(first, at, tries); got != want || len(c.Differences) != 1 || c.Verdict == reports.Match {
		rt.Fatalf("%s, want %s\n%s", got, want, strings.Join(answers, "\n"))
	}
}
