package reports

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// TestBoundAgainstPublishedTables: intervals of Clopper and Pearson as Newcombe
// gives them (Statistics in Medicine 17, 1998, table I, method 5), two-sided 95 %,
// so that each end is one-sided 97.5 %. The lower end is one less the upper end
// of the complement.
func TestBoundAgainstPublishedTables(t *testing.T) {
	for _, c := range []struct {
		x, n         int64
		lower, upper float64
	}{
		{81, 263, 0.2527, 0.3676},
		{15, 148, 0.0578, 0.1617},
		{0, 20, 0, 0.1684},
		{1, 29, 0.0009, 0.1776},
	} {
		upper, lower := upperAt(c.x, c.n, 0.025), 1-upperAt(c.n-c.x, c.n, 0.025)
		if math.Abs(upper-c.upper) > 5e-5 || math.Abs(lower-c.lower) > 5e-5 {
			t.Errorf("%d of %d: %.5f to %.5f, want %.4f to %.4f", c.x, c.n, lower, upper, c.lower, c.upper)
		}
	}
	// One-sided, from the manual of GenBinomApps for R: 5 of 100,000.
	if got := upperBound(5, 100_000); math.Abs(got-0.0001051275) > 5e-11 {
		t.Errorf("5 of 100,000: %.12f, want 0.0001051275", got)
	}
}

// TestNeededAgainstPublishedTables: how large a sample with so many failures has
// to be to show, with 95 % confidence, that their share is below a limit is what
// tables of one-sided tolerance limits give, after S. S. Wilks (Annals of
// Mathematical Statistics 12, 1941): 59 for 95 % with the extreme value, 93 with
// the second, and so on. Without a failure it is ln 0.05 / ln(1 - limit), rounded
// up.
func TestNeededAgainstPublishedTables(t *testing.T) {
	for limit, table := range map[float64][]int64{
		0.05:   {59, 93, 124, 153, 181, 208, 234, 260, 286, 311},
		0.10:   {29, 46, 61, 76, 89, 103},
		0.01:   {299, 473, 628, 773, 913, 1049},
		0.001:  {2995, 4742},
		0.0001: {29956},
	} {
		for x, want := range table {
			got := needed(int64(x), limit)
			if got != want {
				t.Errorf("%d mismatches, limit %g: %d comparisons, want %d", x, limit, got, want)
			}
			if upperBound(int64(x), got) >= limit || upperBound(int64(x), got-1) < limit {
				t.Errorf("%d mismatches, limit %g: %d is not the least", x, limit, got)
			}
		}
	}
}

func TestNeededAtTheEnds(t *testing.T) {
	for _, c := range []struct {
		x     int64
		limit float64
		want  int64
	}{{0, 1, 1}, {3, 1, 4}, {0, 0.95, 2}, {0, 0.951, 1}} {
		if got := needed(c.x, c.limit); got != c.want {
			t.Errorf("needed(%d, %g) = %d, want %d", c.x, c.limit, got, c.want)
		}
	}
	if got := needed(1000, 1e-6); upperBound(1000, got) >= 1e-6 || upperBound(1000, got-1) < 1e-6 {
		t.Errorf("needed(1000, 1e-6) = %d is not the least", got)
	}
}

func TestReady(t *testing.T) {
	limits := Limits{Mismatch: 0.001, Covered: 0.99}
	report := func(matched, mismatched int64) RouteReport {
		r := (&counts{Stage: "shadow", Matched: matched, Mismatched: mismatched}).report("show")
		r.Served = matched + mismatched
		return r
	}
	covered := RouteCoverage{Route: "show", Live: 1000, Covered: 0.999}
	thin := RouteCoverage{Route: "show", Live: 1000, Covered: 0.98999, Facets: []Facet{
		{Kind: "status", Value: "404", Live: 3}, {Kind: "query", Value: "page,sort", Live: 7, Compared: 0},
		{Kind: "query", Value: "", Live: 1}, {Kind: "method", Value: "GET", Live: 990, Compared: 5},
	}}
	group := func(path, verdict string, n int64) Group {
		return Group{Route: "show", Path: path, Kind: "value", Verdict: verdict, Count: n}
	}
	leaky := report(5000, 0)
	leaky.Leak = "no acknowledgement"
	fresh := report(0, 0)
	fresh.Stage = "legacy"
	asked := fresh
	asked.Served = 10
	for _, c := range []struct {
		reason string
		r      RouteReport
		open   OpenDifferences
		c      RouteCoverage
		ready  bool
		says   string
	}{
		{"enough", report(2995, 0), OpenDifferences{}, covered, true,
			"at most 0.1 % of the requests mismatch (95 % confidence, 2,995 comparisons), comparisons cover 99.9 % of the live ones, and no difference is open"},
		{"one too few", report(2994, 0), OpenDifferences{}, covered, false,
			"1 more comparison without a mismatch shows that at most 0.1 % mismatch (so far 0.101 %)"},
		{"some too few", report(2966, 0), OpenDifferences{}, covered, false,
			"29 more comparisons without a mismatch show that at most 0.1 % mismatch (so far 0.101 %)"},
		{"a mismatch long ago", report(2994, 1), OpenDifferences{}, covered, false,
			"1,747 more comparisons without a mismatch show that at most 0.1 % mismatch (so far 0.159 %)"},
		{"none at all", asked, OpenDifferences{}, RouteCoverage{Live: 10}, false,
			"nothing is compared at stage legacy, set it to shadow; 2,995 comparisons without a mismatch show that at most 0.1 % mismatch (there is none yet)"},
		{"never asked for", fresh, OpenDifferences{}, RouteCoverage{NeverHit: true}, false,
			"no client has ever asked for it; 2,995 comparisons without a mismatch show that at most 0.1 % mismatch (there is none yet)"},
		{"not covered", report(5000, 0), OpenDifferences{}, thin, false,
			"comparisons cover 98.99 % of the live requests, and 99 % is asked for: never compared the parameters page,sort (7 requests), status 404 (3 requests) and 1 more"},
		{"too many kinds", report(5000, 0), OpenDifferences{}, RouteCoverage{Live: 10, Covered: 0.5, Facets: []Facet{{Kind: "query", Value: "other", Live: 5, Compared: 1}}}, false,
			"comparisons cover 50 % of the live requests, and 99 % is asked for: the rest differs in too many ways to tell apart"},
		{"no live request seen", report(5000, 0), OpenDifferences{}, RouteCoverage{}, false,
			"what live requests are like is not known yet: none was seen in the last 30 days"},
		{"a difference is open", report(5000, 0), OpenDifferences{1, group("$.price", "mismatch", 1)}, covered, false,
			"1 difference is open: $.price (value) in 1 comparison"},
		{"two are open", report(5000, 0), OpenDifferences{2, group("$.b", "mismatch", 12)}, covered, false,
			"2 differences are open, most of all $.b (value) in 12 comparisons"},
		{"a leak", leaky, OpenDifferences{}, covered, false, "a leak is suspected, see quack status: no acknowledgement"},
	} {
		got := Ready(c.r, c.open, c.c, limits)
		if got.Ready != c.ready || got.Says != c.says {
			t.Errorf("%s: %v, says %q\nwant %v,  %q", c.reason, got.Ready, got.Says, c.ready, c.says)
		}
		if got.Ready != (len(got.Missing) == 0) || got.Missing == nil {
			t.Errorf("%s: missing %q of what is ready: %v", c.reason, got.Missing, got.Ready)
		}
	}
	covered.WritesNeverCompared = true
	if got := Ready(report(5000, 0), OpenDifferences{}, covered, limits); !got.Ready || !strings.HasSuffix(got.Says, "what it writes was never compared") {
		t.Errorf("a write: %+v", got)
	}
}

// TestReadySaysEnough: with as many comparisons as it asks for a route is ready.
func TestReadySaysEnough(t *testing.T) {
	covered := RouteCoverage{Live: 1, Covered: 1}
	for _, limit := range []float64{0.5, 0.03, 0.001, 0.0002} {
		for x := range int64(4) {
			for _, n := range []int64{x, 10 + x, 1000 + x} {
				l := Limits{Mismatch: limit, Covered: 0.99}
				r := (&counts{Matched: n - x, Mismatched: x}).report("show")
				got := Ready(r, OpenDifferences{}, covered, l)
				var more int64
				if !got.Ready {
					if _, err := fmt.Sscan(strings.ReplaceAll(strings.Fields(got.Says)[0], ",", ""), &more); err != nil {
						t.Fatalf("%q: %v", got.Says, err)
					}
					less := (&counts{Matched: n - x + more - 1, Mismatched: x}).report("show")
					if Ready(less, OpenDifferences{}, covered, l).Ready {
						t.Errorf("limit %g, %d of %d: ready one before %q", limit, x, n, got.Says)
					}
				}
				enough := (&counts{Matched: n - x + more, Mismatched: x}).report("show")
				if !Ready(enough, OpenDifferences{}, covered, l).Ready {
					t.Errorf("limit %g, %d of %d: not ready with what was asked for: %q", limit, x, n, got.Says)
				}
			}
		}
	}
}
