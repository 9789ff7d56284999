package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

func (s *server) getReport(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r, "route", "since")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list, err := s.report(r.Context(), f)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, struct {
		Routes []reports.RouteReport `json:"routes"`
	}{list})
}

// report is the report with every route of the table in it, also those that
// nothing was counted for, each with its stage of today and its suspected leak.
// Routes that are no longer in the table stay as long as there is evidence, with
// no stage.
func (s *server) report(ctx context.Context, f reports.Filter) ([]reports.RouteReport, error) {
	counted, err := s.reports.Report(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	list := make([]reports.RouteReport, 0, len(counted))
	seen := make(map[string]bool, len(counted))
	for _, r := range counted {
		seen[r.Name] = true
		list = append(list, r)
	}
	if t := s.control.Table(); t != nil {
		for _, r := range t.Routes() {
			if !seen[r.Name] && (f.Route == "" || f.Route == r.Name) {
				list = append(list, reports.RouteReport{Name: r.Name, MismatchUpper: 1})
			}
		}
		leaks := map[string]string{}
		for _, l := range s.control.Latches() {
			leaks[l.Route] = l.Why
		}
		for i := range list {
			fillIn(&list[i], t, leaks)
		}
		if err := s.judge(ctx, f, list, t); err != nil {
			return nil, fmt.Errorf("judge the routes: %w", err)
		}
	}
	if f.Route != "" && len(list) == 0 {
		_, err := s.control.Route(f.Route)
		return nil, err
	}
	slices.SortFunc(list, func(a, b reports.RouteReport) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// fillIn sets what is true of a route today.
func fillIn(r *reports.RouteReport, t *routes.Table, leaks map[string]string) {
	route := t.Route(r.Name)
	if r.Name == t.Default().Name {
		route = t.Default()
	}
	r.Stage, r.Percent, r.Leak = "", 0, leaks[r.Name]
	if route != nil {
		r.Stage, r.Percent = string(route.Stage), route.Percent
	}
	if r.Skipped == nil {
		r.Skipped = map[string]int64{}
	}
}

func (s *server) getDifferences(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r, "route", "since", "path", "kind", "order", "limit", "after")
	if err == nil {
		f.Order, err = order(r.URL.Query().Get("order"))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	groups, next, err := s.reports.DifferencesPage(r.Context(), f)
	if err != nil {
		s.fail(w, r, fmt.Errorf("read the differences: %w", err))
		return
	}
	for i := range groups {
		groups[i].Samples = orEmpty(groups[i].Samples)
	}
	s.answer(w, r, struct {
		Differences []reports.Group `json:"differences"`
		Next        string          `json:"next"` // the cursor of those after them, "" at the end
	}{orEmpty(groups), next})
}

func order(text string) (reports.Order, error) {
	switch o := reports.Order(text); o {
	case reports.OrderWorst, reports.OrderFound:
		return o, nil
	}
	return "", badRequest(fmt.Sprintf("order %q is not %q; without it the worst differences come first.", text, reports.OrderFound))
}

// getComparisons lists comparisons without their bodies, which are to be had of
// each one.
func (s *server) getComparisons(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r, "route", "since", "path", "kind", "group", "verdict", "limit", "after")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list, next, err := s.reports.Comparisons(r.Context(), f)
	if err != nil {
		s.fail(w, r, fmt.Errorf("list the comparisons: %w", err))
		return
	}
	for i := range list {
		list[i].Request.Body, list[i].Legacy.Answer.Body, list[i].New.Answer.Body = nil, nil, nil
	}
	s.answer(w, r, struct {
		Comparisons []reports.Comparison `json:"comparisons"`
		Next        string               `json:"next"` // the cursor of those after them, "" at the end
	}{orEmpty(list), next})
}

func (s *server) getComparison(w http.ResponseWriter, r *http.Request) {
	c, err := s.reports.Comparison(r.Context(), param(r, "id"))
	if err != nil {
		s.fail(w, r, fmt.Errorf("read the comparison: %w", err))
		return
	}
	s.answer(w, r, c)
}
