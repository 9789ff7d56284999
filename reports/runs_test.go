package reports_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

// runOf records so many comparisons of route "show", the first of them with
// these differences: path -> how many, with a verdict.
func runOf(r *reports.Reports, n int, differ map[string]int, verdict reports.Verdict) {
	for i := range n {
		c := comparison(i)
		c.ID, c.At = "", time.Now()
		for path, most := range differ {
			if i < most {
				c.Verdict = verdict
				c.Differences = append(c.Differences, reports.Found{Verdict: verdict, Difference: compare.Difference{Path: path, At: path, Kind: compare.KindValue, Legacy: "1", New: "2"}})
			}
		}
		r.Record(c)
	}
}

// forgive records so many comparisons in which a path is forgiven.
func forgive(r *reports.Reports, n int, path string) {
	for i := range n {
		c := comparison(i)
		c.ID = ""
		c.Forgiven = []compare.Forgiven{{Path: path, At: path, Kind: compare.KindValue, Reason: "rule x", Count: 1}}
		r.Record(c)
	}
}

func compared(t *testing.T, r *reports.Reports, before, after reports.Span) reports.RunChanges {
	t.Helper()
	c, err := r.Compare(t.Context(), before, after)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// said is a comparison of runs in short: each list with its paths.
func said(c reports.RunChanges) map[string][]string {
	all := map[string][]string{}
	for name, list := range map[string][]reports.Change{"regressions": c.Regressions, "open": c.StillOpen, "unseen": c.Unseen, "fixed": c.Fixed, "forgiven": c.Forgiven} {
		for _, change := range list {
			text := fmt.Sprintf("%s %s %d/%d %d/%d", change.Group.Path, change.Group.Verdict, change.Before.Count, change.Before.Compared, change.After.Count, change.After.Compared)
			if change.Rose {
				text += " rose"
			}
			if change.Otherwise != "" {
				text += " " + change.Otherwise
			}
			if change.Needs > 0 {
				text += fmt.Sprint(" needs ", change.Needs)
			}
			all[name] = append(all[name], text)
		}
	}
	return all
}

func TestCompareRuns(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, dir)
	r := openReports(t, db, reports.Config{})
	runOf(r, 5, map[string]int{"$.ancient": 5}, reports.Mismatch) // in neither run
	setMark(t, r, "v1")
	runOf(r, 80, map[string]int{"$.fixed": 8, "$.rare": 1, "$.same": 20, "$.worse": 4, "$.ruled": 9, "$.noisy": 5}, reports.Mismatch)
	runOf(r, 20, map[string]int{"$.blamed": 10}, reports.Noise)
	forgive(r, 1, "$.fixed") // under a tolerance; it was so before and is so after
	setMark(t, r, "v2")
	began := time.Now()
	runOf(r, 90, map[string]int{"$.same": 26, "$.worse": 30, "$.fresh": 1, "$.blamed": 3}, reports.Mismatch)
	runOf(r, 8, map[string]int{"$.noisy": 4, "$.hum": 2}, reports.Noise)
	forgive(r, 1, "$.fixed")
	forgive(r, 1, "$.ruled")
	want := map[string][]string{
		"regressions": {
			"$.worse mismatch 4/101 30/100 rose",
			"$.blamed mismatch 0/101 3/100 noise", // legacy differed from itself; now new is at fault
			"$.fresh mismatch 0/101 1/100",
			"$.hum noise 0/101 2/100",
		},
		"open": {
			"$.same mismatch 20/101 26/100",
			"$.noisy mismatch 5/101 0/100 noise",
			"$.noisy noise 0/101 4/100 mismatch",
			"$.blamed noise 10/101 0/100 mismatch",
		},
		"unseen":   {"$.rare mismatch 1/101 0/100 needs 253"}, // 100 and 253 are the 353 that 1 of 101 asks for
		"fixed":    {"$.fixed mismatch 8/101 0/100"},
		"forgiven": {"$.ruled mismatch 9/101 0/100 forgiven"},
	}
	check := func(what string, c reports.RunChanges) {
		t.Helper()
		got := said(c)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", what, diff)
		}
	}
	c := compared(t, r, reports.Span{From: "v1", To: "v2"}, reports.Span{From: "v2"})
	check("up to now", c)
	if c.Before.Compared != 101 || c.After.Compared != 100 || c.Before.Differed != 30 || c.After.Differed != 34 || c.After.Since != c.Before.Until {
		t.Errorf("the runs: %+v, %+v", c.Before, c.After)
	}
	wantRoutes := []reports.RouteRuns{{Route: "show", Before: reports.Seen{Count: 30, Compared: 101, Share: 30.0 / 101}, After: reports.Seen{Count: 34, Compared: 100, Share: 0.34}}}
	if diff := cmp.Diff(wantRoutes, c.Routes); diff != "" {
		t.Errorf("routes:\n%s", diff)
	}
	if worse := c.Regressions[0]; worse.P > 1e-5 || worse.P < 1e-9 || len(worse.Group.Samples) == 0 {
		t.Errorf("p %g, %d samples", worse.P, len(worse.Group.Samples))
	}
	if g := c.Regressions[0].Group; g.Count != 30 || g.Share != 0.3 || g.New || len(g.ID) != 16 || g.Recent[23]+g.Recent[22] != 34 {
		t.Errorf("the group of a regression: %+v", g)
	}
	if g := c.Fixed[0].Group; g.Count != 8 || g.Share != 8.0/101 || g.New {
		t.Errorf("the group of what is fixed: %+v", g)
	}
	for _, s := range c.Regressions[0].Group.Samples {
		if s.At.Before(began.Truncate(time.Microsecond)) {
			t.Errorf("a sample of %s, of before %s", s.At, began)
		}
	}
	setMark(t, r, "v3")
	runOf(r, 500, map[string]int{"$.later": 500}, reports.Mismatch)
	db.Close()
	r = openReports(t, openStore(t, dir), reports.Config{})
	check("of spans that are over, after a restart", compared(t, r, reports.Span{From: "v1"}, reports.Span{From: "v2", To: "v3"}))
	from := compared(t, r, reports.Span{}, reports.Span{From: "v1", To: "v2"})
	if from.Before.Compared != 5 || !from.Before.Since.IsZero() || len(from.Unseen)+len(from.Fixed) != 1 {
		t.Errorf("from the start: %+v, %v", from.Before, said(from))
	}
}

// A difference that was not there is a regression at count 1, and so are routes
// that were not compared before; a run without comparisons fixes nothing.
func TestRunWithoutComparisons(t *testing.T) {
	r := fresh(t, reports.Config{})
	setMark(t, r, "v1")
	runOf(r, 10, map[string]int{"$.a": 10}, reports.Mismatch)
	setMark(t, r, "v2")
	r.Skip("show", "budget")
	c := compared(t, r, reports.Span{From: "v1"}, reports.Span{From: "v2"})
	if diff := cmp.Diff(map[string][]string{"unseen": {"$.a mismatch 10/10 0/0 needs 2"}}, said(c)); diff != "" {
		t.Errorf("after nothing:\n%s", diff)
	}
	c = compared(t, r, reports.Span{}, reports.Span{From: "v1"})
	if diff := cmp.Diff(map[string][]string{"regressions": {"$.a mismatch 0/0 10/10"}}, said(c)); diff != "" || c.Regressions[0].P != 1 {
		t.Errorf("before nothing:\n%s", diff)
	}
}

// TestNoFalseAlarm: of two runs that differ in nothing but chance none of many
// groups is said to have risen.
func TestNoFalseAlarm(t *testing.T) {
	r := fresh(t, reports.Config{})
	differ := map[string]int{}
	for i := range 60 {
		differ[fmt.Sprint("$.p", i)] = 3 + i
	}
	setMark(t, r, "v1")
	runOf(r, 400, differ, reports.Mismatch)
	setMark(t, r, "v2")
	for path, n := range differ { // each two standard deviations above, at which 1 in 44 is
		differ[path] = n + 2*intSqrt(2*n)
	}
	runOf(r, 400, differ, reports.Mismatch)
	c := compared(t, r, reports.Span{From: "v1"}, reports.Span{From: "v2"})
	if len(c.StillOpen) != 60 || len(c.Regressions) != 0 {
		t.Errorf("%v", said(c))
	}
	alone := 0
	for _, change := range c.StillOpen {
		if change.P < 0.05 {
			alone++
		}
	}
	if alone < 30 {
		t.Errorf("%d of 60 are unlikely by themselves; the test shows nothing", alone)
	}
}

func intSqrt(n int) int {
	i := 0
	for (i+1)*(i+1) <= n {
		i++
	}
	return i
}

func TestSpansThatCanNotBeCompared(t *testing.T) {
	r := fresh(t, reports.Config{})
	for _, name := range []string{"a", "b", "c"} {
		setMark(t, r, name)
	}
	for _, s := range []struct {
		reason        string
		before, after reports.Span
		want          error
	}{
		{"after begins at the start", reports.Span{}, reports.Span{}, reports.ErrSpans},
		{"before is later", reports.Span{From: "b", To: "c"}, reports.Span{From: "a", To: "b"}, reports.ErrSpans},
		{"they overlap", reports.Span{From: "a", To: "c"}, reports.Span{From: "b"}, reports.ErrSpans},
		{"before is empty", reports.Span{From: "b"}, reports.Span{From: "b"}, reports.ErrSpans},
		{"before is empty by name", reports.Span{From: "a", To: "a"}, reports.Span{From: "b"}, reports.ErrSpans},
		{"after is empty", reports.Span{From: "a"}, reports.Span{From: "b", To: "b"}, reports.ErrSpans},
		{"no such mark", reports.Span{From: "a"}, reports.Span{From: "d"}, reports.ErrNoMark},
	} {
		if _, err := r.Compare(t.Context(), s.before, s.after); !errors.Is(err, s.want) {
			t.Errorf("%s: %v", s.reason, err)
		}
	}
	for _, ok := range [][2]reports.Span{{{}, {From: "a"}}, {{From: "a"}, {From: "c"}}, {{From: "a", To: "b"}, {From: "c"}}, {{To: "a"}, {From: "b", To: "c"}}} {
		c, err := r.Compare(t.Context(), ok[0], ok[1])
		if err != nil || slices.Contains([]bool{c.Regressions == nil, c.Fixed == nil, c.Unseen == nil, c.StillOpen == nil, c.Forgiven == nil, c.Routes == nil}, true) {
			t.Errorf("%v: %v", ok, err)
		}
	}
}

// TestManyChanges: a list is cut to its worst, and says how many there are.
func TestManyChanges(t *testing.T) {
	r := fresh(t, reports.Config{})
	setMark(t, r, "v1")
	for route := range 6 { // a route has no more than 1,000 groups
		c := differing(route, "", compare.KindValue, reports.Mismatch)
		c.Route, c.Differences = fmt.Sprint("r", route), nil
		for i := range 200 {
			c.Differences = append(c.Differences, reports.Found{Verdict: reports.Mismatch, Difference: compare.Difference{Path: fmt.Sprint("$.p", i), Kind: compare.KindValue}})
		}
		for i := range 1 + route {
			c.ID = fmt.Sprint(route, "-", i)
			r.Record(c)
		}
	}
	c := compared(t, r, reports.Span{}, reports.Span{From: "v1"})
	if c.Totals.Regressions != 1200 || len(c.Regressions) != 1000 || c.Regressions[0].Group.Route != "r5" || len(c.Regressions[0].Group.Samples) != 6 {
		t.Errorf("totals %+v, %d listed, the first %+v", c.Totals, len(c.Regressions), c.Regressions[0])
	}
	for _, change := range c.Regressions {
		if change.Group.Route == "r0" {
			t.Fatal("the rarest are listed, where others are left out")
		}
	}
	alone, err := r.CompareRoute(t.Context(), "r2", reports.Span{}, reports.Span{From: "v1"})
	if err != nil || alone.Totals.Regressions != 200 || alone.After.Compared != 3 || len(alone.Routes) != 1 || alone.Regressions[0].Group.Route != "r2" {
		t.Errorf("one route: %+v of %d compared, %v", alone.Totals, alone.After.Compared, err)
	}
	if c.Cut(3); len(c.Regressions) != 3 {
		t.Errorf("%d listed of 3", len(c.Regressions))
	}
}
