package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/quackproxy/quack/internal/wording"
)

// Limits are those within which a route is ready: routes.Ready field by field.
type Limits struct {
	Mismatch float64 // the upper bound (95 %) of the share of mismatches is to be below it
	Covered  float64 // share of live requests that comparisons are to cover
}

// Readiness says whether a route is ready for its next stage.
type Readiness struct {
	Ready bool `json:"ready"`
	// Says is one plain sentence: what the route is ready by, or what is missing
	// and how much of it. Paths and parameters in it are as clients wrote them:
	// whoever shows it makes them visible.
	Says    string   `json:"says"`
	Missing []string `json:"missing"` // the parts of that sentence, the gravest first; empty when ready
}

// Ready judges a route by what was counted of it, by what is open, and by its
// coverage. Noise is open too: where legacy keeps differing from itself nobody
// knows what the new side does.
func Ready(r RouteReport, open OpenDifferences, c RouteCoverage, l Limits) Readiness {
	missing := []string{}
	for _, part := range []string{
		leakMissing(r), trafficMissing(r, c), openMissing(open), boundMissing(r, l.Mismatch), coverMissing(r, c, l.Covered),
	} {
		if part != "" {
			missing = append(missing, part)
		}
	}
	if len(missing) > 0 {
		return Readiness{Says: strings.Join(missing, "; "), Missing: missing}
	}
	says := fmt.Sprintf("at most %s of the requests mismatch (95 %% confidence, %s), comparisons cover %s of the live ones, and no difference is open",
		wording.PercentUp(r.MismatchUpper), wording.Count(r.Compared, "comparison"), wording.PercentDown(c.Covered))
	if c.WritesNeverCompared {
		says += "; what it writes was never compared"
	}
	return Readiness{Ready: true, Says: says, Missing: missing}
}

func leakMissing(r RouteReport) string {
	if r.Leak == "" {
		return ""
	}
	return "a leak is suspected, see quack status: " + r.Leak
}

func trafficMissing(r RouteReport, c RouteCoverage) string {
	switch {
	case r.Compared == 0 && r.Served == 0 && c.NeverHit:
		return "no client has ever asked for it"
	case r.Compared == 0 && r.Stage == "legacy":
		return "nothing is compared at stage legacy, set it to shadow"
	}
	return ""
}

// openMissing names what is open.
func openMissing(open OpenDifferences) string {
	most := open.Most
	which := fmt.Sprintf("%s (%s) in %s", most.Path, most.Kind, wording.Count(most.Count, "comparison"))
	switch open.Count {
	case 0:
		return ""
	case 1:
		return "1 difference is open: " + which
	}
	return fmt.Sprintf("%s are open, most of all %s", wording.Count(int64(open.Count), "difference"), which)
}

// boundMissing says how many comparisons without a mismatch it takes.
func boundMissing(r RouteReport, limit float64) string {
	n := r.Matched + r.Mismatched
	more := needed(r.Mismatched, limit) - n
	if more <= 0 {
		return ""
	}
	verb, further := "show", "more "
	if more == 1 {
		verb = "shows"
	}
	state := fmt.Sprintf("so far %s", wording.PercentUp(r.MismatchUpper))
	if n == 0 {
		further, state = "", "there is none yet"
	}
	return wording.Count(more, further+"comparison") +
		fmt.Sprintf(" without a mismatch %s that at most %s mismatch (%s)", verb, wording.PercentUp(limit), state)
}

// needed is the least number of comparisons, x mismatches among them, with which
// the upper bound of the share of mismatches is below limit: with which so few
// would be seen less than one time in 20 if the share were at the limit.
func needed(x int64, limit float64) int64 {
	low, high := x, x+1
	for atMost(x, high, limit) >= bounded {
		if low, high = high, 2*high; high > math.MaxInt64/4 {
			return high
		}
	}
	for low+1 < high { // high is enough, and low is not
		if mid := low + (high-low)/2; atMost(x, mid, limit) < bounded {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// coverMissing names the most frequent facets that no comparison has seen.
func coverMissing(r RouteReport, c RouteCoverage, limit float64) string {
	switch {
	case c.Covered >= limit, r.Compared == 0:
		return "" // where nothing was compared, nothing is covered either
	case c.Live == 0:
		return "what live requests are like is not known yet: none was seen in the last 30 days"
	}
	text := fmt.Sprintf("comparisons cover %s of the live requests, and %s is asked for", wording.PercentDown(c.Covered), wording.PercentUp(limit))
	unseen := slices.DeleteFunc(slices.Clone(c.Facets), func(f Facet) bool { return f.Compared > 0 || f.Live == 0 })
	slices.SortStableFunc(unseen, func(a, b Facet) int { return int(b.Live - a.Live) })
	if len(unseen) == 0 {
		return text + ": the rest differs in too many ways to tell apart"
	}
	var named []string
	for _, f := range unseen[:min(len(unseen), 2)] {
		named = append(named, fmt.Sprintf("%s (%s)", f.Says(), wording.Count(f.Live, "request")))
	}
	text += ": never compared " + strings.Join(named, ", ")
	if more := len(unseen) - len(named); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Says is the facet in words: "status 404", "the parameters page,sort", "no body".
func (f Facet) Says() string {
	switch {
	case f.Value == "" && f.Kind == facetNames[facetQuery]:
		return "no parameters"
	case f.Value == "":
		return "no " + f.Kind
	case f.Kind == facetNames[facetQuery]:
		return "the parameters " + f.Value
	}
	return f.Kind + " " + f.Value
}
