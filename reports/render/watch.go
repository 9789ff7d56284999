package render

import (
	"cmp"
	"slices"
	"time"

	"github.com/quackproxy/quack/reports"
)

// Watch is what somebody who watches reports has seen: the newest one, the one
// before it, and the first. Its methods are for one goroutine.
type Watch struct {
	first, before, now watched
	seen               int                   // reports
	known              map[watchedGroup]bool // groups of reports before the newest
	away               string                // why there is no newer report, "" when there is
}

// watched is a report as it is looked up.
type watched struct {
	Report
	route map[string]reports.RouteReport
}

// See takes the next report, of all time.
func (w *Watch) See(r Report) {
	next := watched{Report: r, route: map[string]reports.RouteReport{}}
	for _, route := range r.Routes {
		next.route[route.Name] = route
	}
	if w.known == nil {
		w.known = map[watchedGroup]bool{}
	}
	for _, g := range w.now.Groups {
		w.known[keyOf(g)] = true
	}
	if w.seen == 0 {
		w.first, w.now = next, next
		for _, g := range r.Groups { // those were there before anybody looked
			w.known[keyOf(g)] = true
		}
	}
	w.before, w.now = w.now, next
	w.seen++
	w.away = ""
}

// Away says why no newer report could be had.
func (w *Watch) Away(why string) { w.away = why }

// watchedGroup tells groups apart: those of an older program have no ID.
type watchedGroup struct{ route, path, kind, verdict, reason string }

func keyOf(g reports.Group) watchedGroup {
	return watchedGroup{g.Route, g.Path, g.Kind, g.Verdict, g.Reason}
}

// grown is by how much a counter of a route has grown since another report. A
// counter that is smaller is of another store: nothing is known of it.
func (w *Watch) grown(route string, since watched, counter func(reports.RouteReport) int64) int64 {
	return max(counter(w.now.route[route])-counter(since.route[route]), 0)
}

// perSecond is how often it was counted since the report before, all routes
// together.
func (w *Watch) perSecond(counter func(reports.RouteReport) int64) float64 {
	span := w.now.At.Sub(w.before.At)
	if span <= 0 {
		return 0
	}
	var sum int64
	for name := range w.now.route {
		sum += w.grown(name, w.before, counter)
	}
	return float64(sum) / span.Seconds()
}

// busy are the routes of the newest report: those that got worse since the watch
// began first, then those that stand worse, then those with the most traffic.
func (w *Watch) busy() []reports.RouteReport {
	list := slices.Clone(w.now.Routes)
	slices.SortStableFunc(list, func(a, b reports.RouteReport) int {
		return cmp.Or(
			cmp.Compare(w.grown(b.Name, w.first, against), w.grown(a.Name, w.first, against)),
			cmp.Compare(against(b), against(a)),
			cmp.Compare(w.grown(b.Name, w.first, attended), w.grown(a.Name, w.first, attended)),
			cmp.Compare(attended(b), attended(a)),
		)
	})
	return list
}

func against(r reports.RouteReport) int64 {
	leak := int64(0)
	if r.Leak != "" {
		leak = 1
	}
	return differOf(r) + leak
}

func differOf(r reports.RouteReport) int64   { return r.Mismatched + r.Noise }
func attended(r reports.RouteReport) int64   { return r.Served + r.Compared }
func servedOf(r reports.RouteReport) int64   { return r.Served }
func comparedOf(r reports.RouteReport) int64 { return r.Compared }

// fresh are the groups that count or are undecided, the one seen last first.
func (w *Watch) fresh() []reports.Group {
	list := slices.DeleteFunc(slices.Clone(w.now.Groups), func(g reports.Group) bool { return g.Verdict == reports.VerdictForgiven })
	slices.SortStableFunc(list, func(a, b reports.Group) int { return b.LastSeen.Compare(a.LastSeen) })
	return list
}

// isNew reports whether a group was in no report before the newest.
func (w *Watch) isNew(g reports.Group) bool { return !w.known[keyOf(g)] }

// clock is the time of day of the newest report, where the watcher is.
func (w *Watch) clock() string { return w.now.At.In(time.Local).Format(time.TimeOnly) }
