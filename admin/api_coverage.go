package admin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

func (s *server) getCoverage(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r, "route")
	if err == nil && f.Route != "" {
		_, err = s.control.Route(f.Route)
	}
	var list []reports.RouteCoverage
	if err == nil {
		list = s.coverage(f.Route, s.reports.Live())
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, struct {
		Routes []reports.RouteCoverage `json:"routes"`
	}{orEmpty(list)})
}

// coverage is that of a route of the table, or of all of them, in the file's
// order; counted says what was compared of them. What goes to the default route
// is not migrated, and has none.
func (s *server) coverage(route string, counted []reports.RouteReport) []reports.RouteCoverage {
	t := s.control.Table()
	if t == nil {
		return nil
	}
	covers := s.reports.Coverage(route)
	known := make(map[string]reports.RouteCoverage, len(covers))
	for _, c := range covers {
		known[c.Route] = c
	}
	comparesWrites := map[string]bool{}
	for _, r := range counted {
		comparesWrites[r.Name] = len(r.WritesCompared) > 0
	}
	var list []reports.RouteCoverage
	for _, r := range t.Routes() {
		if route != "" && r.Name != route {
			continue
		}
		c, is := known[r.Name]
		if !is {
			c = reports.RouteCoverage{Route: r.Name, Facets: []reports.Facet{}, NeverHit: true}
		}
		c.WritesNeverCompared = !comparesWrites[r.Name] && writes(r, c)
		list = append(list, c)
	}
	return list
}

// writes reports whether requests of a route may write: one for any method does
// where such have come.
func writes(r *routes.Route, c reports.RouteCoverage) bool {
	if r.Method != "" {
		return !r.SafeFor(r.Method)
	}
	return slices.ContainsFunc(c.Facets, func(f reports.Facet) bool {
		return f.Kind == "method" && f.Live > 0 && !r.SafeFor(f.Value)
	})
}

// judge fills in which routes are ready: within what f counts, and by the
// coverage of late.
func (s *server) judge(ctx context.Context, f reports.Filter, list []reports.RouteReport, t *routes.Table) error {
	open, err := s.reports.Unknown(ctx, f)
	if err != nil {
		return err
	}
	covers := s.coverage(f.Route, list)
	of := make(map[string]reports.RouteCoverage, len(covers))
	for _, c := range covers {
		of[c.Route] = c
	}
	for i := range list {
		r := &list[i]
		r.Readiness = readiness(*r, t, open[r.Name], of[r.Name])
	}
	return nil
}

func readiness(r reports.RouteReport, t *routes.Table, open reports.OpenDifferences, c reports.RouteCoverage) reports.Readiness {
	route := t.Route(r.Name)
	switch {
	case r.Name == t.Default().Name:
		return reports.Readiness{Says: "it is not migrated: what matches no route goes to legacy", Missing: []string{}}
	case route == nil:
		return reports.Readiness{Says: "it is no longer in the table", Missing: []string{}}
	case route.Stage == routes.StageNew && r.Leak == "":
		return reports.Readiness{Ready: true, Says: "it has moved: new answers alone", Missing: []string{}}
	}
	return reports.Ready(r, open, c, reports.Limits(route.Ready))
}

// knownChange is POST /api/v1/differences/{id}/known.
type knownChange struct {
	Why string `json:"why"`
}

func (s *server) postKnown(w http.ResponseWriter, r *http.Request) {
	var c knownChange
	var g reports.Group
	err := decode(r, &c)
	if err == nil {
		g, err = s.know(r, param(r, "id"), c.Why)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, g)
}

// know notes that whoever asks knows of a difference; that stands in the audit.
func (s *server) know(r *http.Request, id, why string) (reports.Group, error) {
	if strings.TrimSpace(why) == "" {
		return reports.Group{}, control.ErrNoWhy
	}
	if len(why) > control.MaxWhy {
		return reports.Group{}, control.ErrLongWhy
	}
	by := callerOf(r).by
	if err := s.reports.Know(r.Context(), id, by, why); err != nil {
		return reports.Group{}, err
	}
	g, err := s.reports.Difference(r.Context(), id)
	if err == nil {
		s.control.Note(r.Context(), by, "know", differenceText(g), why)
	}
	return g, err
}

func (s *server) deleteKnown(w http.ResponseWriter, r *http.Request) {
	g, err := s.unknow(r, param(r, "id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, g)
}

// unknow takes back what know has noted.
func (s *server) unknow(r *http.Request, id string) (reports.Group, error) {
	g, err := s.reports.Difference(r.Context(), id)
	if err == nil {
		err = s.reports.Forget(r.Context(), id)
	}
	if err != nil {
		return reports.Group{}, err
	}
	g.Known = nil
	s.control.Note(r.Context(), callerOf(r).by, "forget", differenceText(g), "")
	return g, nil
}

// differenceText names a difference in the audit.
func differenceText(g reports.Group) string {
	return fmt.Sprintf("%s: %s %s at %s (%s)", g.Route, g.Verdict, g.Kind, g.Path, g.ID)
}
