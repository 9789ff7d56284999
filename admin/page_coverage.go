package admin

import (
	"cmp"
	"html/template"
	"net/http"
	"net/url"
	"slices"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/internal/chart"
	"github.com/quackproxy/quack/reports"
)

// coverageView is what is covered of all routes, or of one.
type coverageView struct {
	page
	Rows                          []coverageRow
	Shown                         int // routes; more than rows where there are many
	Whole, Gaps, Writes, NeverHit int // of the routes, each once

	Route *coverageRow // nil for the page of all routes
	Kinds []facetKind
}

// coverageRow is what is covered of one route.
type coverageRow struct {
	reports.RouteCoverage
	Unseen   []reports.Facet // live traffic has them, no comparison has; the most frequent first
	Compared bool            // its stage compares anything
}

// Known reports whether live requests were seen lately, so that there is something
// to cover.
func (r *coverageRow) Known() bool { return !r.NeverHit && r.Live > 0 }

// Class colours a row.
func (r *coverageRow) Class() string {
	switch {
	case !r.Compared, r.NeverHit:
		return "idle"
	case r.WritesNeverCompared:
		return "bad"
	case len(r.Unseen) > 0, !r.Known():
		return "warn"
	}
	return "good"
}

// unseenShown is how many facets a row of the page of all routes names.
const unseenShown = 3

// Some are the first few of those that no comparison has seen.
func (r *coverageRow) Some() []reports.Facet { return r.Unseen[:min(len(r.Unseen), unseenShown)] }

// More is how many others there are.
func (r *coverageRow) More() int { return max(len(r.Unseen)-unseenShown, 0) }

func (s *server) coveragePage(w http.ResponseWriter, r *http.Request) {
	if name := r.URL.Query().Get("route"); name != "" {
		s.routeCoveragePage(w, r, name)
		return
	}
	rows := s.coverageRows("")
	data := coverageView{page: s.base(r, "Coverage", "coverage"), Shown: len(rows), Rows: rows[:min(len(rows), linesMax)]}
	data.Live = "table counts"
	for i := range rows {
		switch row := &rows[i]; {
		case row.NeverHit:
			data.NeverHit++
		case row.Class() == "good":
			data.Whole++
		case row.Class() == "bad":
			data.Writes++
		case row.Class() == "warn":
			data.Gaps++
		}
	}
	s.render(w, r, http.StatusOK, "coverage", data)
}

// coverageRows are the routes of the table, what has most to be done first.
func (s *server) coverageRows(route string) []coverageRow {
	list := s.coverage(route, s.reports.Live())
	table := s.control.Table()
	var rows []coverageRow
	for _, c := range list {
		row := coverageRow{RouteCoverage: c, Unseen: c.Unseen()}
		if table != nil {
			if r := table.Route(c.Route); r != nil {
				row.Compared = compares(string(r.Stage))
			}
		}
		slices.SortStableFunc(row.Unseen, func(a, b reports.Facet) int { return cmp.Compare(b.Live, a.Live) })
		rows = append(rows, row)
	}
	rank := map[string]int{"bad": 0, "warn": 1, "good": 2, "idle": 3}
	slices.SortStableFunc(rows, func(a, b coverageRow) int {
		return cmp.Or(cmp.Compare(rank[a.Class()], rank[b.Class()]), cmp.Compare(one(a.NeverHit), one(b.NeverHit)), cmp.Compare(a.Covered, b.Covered), cmp.Compare(a.Route, b.Route))
	})
	return rows
}

// facetKind are the facets of one kind, those that no comparison has seen first.
type facetKind struct {
	Kind, Means string
	Facets      []reports.Facet
}

// facetKinds are the kinds in the order in which they are shown.
var facetKinds = []choice{
	{"method", "Methods"}, {"status", "Statuses of the live answers"}, {"query", "Sets of query parameters"}, {"body", "Shapes of request bodies"},
}

func (s *server) routeCoveragePage(w http.ResponseWriter, r *http.Request, name string) {
	rows := s.coverageRows(name)
	if len(rows) == 0 {
		_, err := s.control.Route(name) // which says that there is none
		s.fail(w, r, cmp.Or(err, control.ErrNotFound))
		return
	}
	data := coverageView{page: s.base(r, "Coverage of "+name, "coverage"), Route: &rows[0], Kinds: kindsOf(rows[0].Facets)}
	data.Live = "table counts"
	s.render(w, r, http.StatusOK, "coverage", data)
}

func kindsOf(facets []reports.Facet) []facetKind {
	byKind := map[string][]reports.Facet{}
	for _, f := range facets {
		byKind[f.Kind] = append(byKind[f.Kind], f)
	}
	var kinds []facetKind
	add := func(kind, means string) {
		list := byKind[kind]
		delete(byKind, kind)
		if list == nil {
			return
		}
		slices.SortStableFunc(list, func(a, b reports.Facet) int {
			return cmp.Or(cmp.Compare(min(a.Compared, 1), min(b.Compared, 1)), cmp.Compare(b.Live, a.Live), cmp.Compare(a.Value, b.Value))
		})
		kinds = append(kinds, facetKind{kind, means, list})
	}
	for _, k := range facetKinds {
		add(k.Value, k.Text)
	}
	for _, f := range facets { // those of a kind that has no words yet
		add(f.Kind, f.Kind)
	}
	return kinds
}

// covered is the share of live requests that are like one that was compared.
func covered(c reports.RouteCoverage) string { return narrow(c.CoveredText()) }

func coveredBar(c reports.RouteCoverage) template.HTML {
	const parts = 10_000
	n := min(max(int64(c.Covered*parts), 0), parts)
	return template.HTML(chart.Shares([]chart.Part{{Class: "s-good", Count: n}, {Class: "s-idle", Count: parts - n}}, covered(c)+" covered"))
}

func coverageURL(route string) string { return "/coverage?" + url.Values{"route": {route}}.Encode() }

// facetText is a facet as it is read: no parameters at all has no name.
func facetText(f reports.Facet) string {
	if f.Value == "" {
		return "none"
	}
	return f.Value
}
