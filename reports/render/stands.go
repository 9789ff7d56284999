package render

import (
	"cmp"
	"slices"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// standing is how a route stands, for styles.
type standing string

const (
	standsWell standing = "good" // it is ready
	standsBad  standing = "bad"  // something counts against it
	standsOpen standing = "open" // something is missing
	standsMute standing = ""     // nothing was compared
)

// stands is how a route stands, and why in a sentence; "" when there is nothing
// to be said. The sentence is that of its readiness, when the report has one.
func standsOf(r reports.RouteReport) (standing, string) {
	class, says := countedStanding(r)
	switch {
	case r.Readiness.Says == "" || class == standsMute && !r.Readiness.Ready:
		return class, says
	case r.Readiness.Ready:
		return standsWell, "ready: " + r.Readiness.Says
	case class == standsBad:
		return standsBad, r.Readiness.Says
	}
	return standsOpen, r.Readiness.Says
}

// counted is how a route stands by its counters alone.
func countedStanding(r reports.RouteReport) (standing, string) {
	switch {
	case r.Leak != "":
		return standsBad, "a leak is suspected"
	case r.Mismatched > 0:
		return standsBad, wording.Number(r.Mismatched) + " of " + wording.Count(r.Compared, "request") + " differ"
	case r.Noise > 0:
		return standsBad, wording.Number(r.Noise) + " of " + wording.Count(r.Compared, "request") + " are noise"
	case r.Compared > 0:
		return standsOpen, "no difference in " + wording.Count(r.Compared, "request")
	}
	return standsMute, ""
}

// WorthCharts are the names of at most so many routes of which a chart says
// something: those that were compared, the worst first.
func (r Report) WorthCharts(most int) []string {
	var names []string
	for _, route := range worst(r.Routes) {
		if route.Compared > 0 && len(names) < most {
			names = append(names, route.Name)
		}
	}
	return names
}

// worst are the routes, those that something counts against first, then those
// that something is missing of, the busier ones first.
func worst(routes []reports.RouteReport) []reports.RouteReport {
	ranks := map[standing]int{standsBad: 0, standsOpen: 1, standsWell: 2, standsMute: 3}
	list := slices.Clone(routes)
	slices.SortStableFunc(list, func(a, b reports.RouteReport) int {
		stands, _ := standsOf(a)
		other, _ := standsOf(b)
		return cmp.Or(cmp.Compare(ranks[stands], ranks[other]), cmp.Compare(b.Share(), a.Share()), cmp.Compare(b.Compared, a.Compared))
	})
	return list
}
