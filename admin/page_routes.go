package admin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

func (s *server) pageRoutes(m chi.Router) {
	m.Get("/", s.overviewPage)
	m.Get("/routes/{name}", s.routePage)
	m.Post("/routes/{name}/stage", s.stageForm)
	m.Post("/routes/{name}/reset", s.resetForm)
	m.Get("/coverage", s.coveragePage)
	m.Get("/differences", s.groupByParts)
	m.Get("/differences/{id}", s.groupPage)
	m.Post("/differences/{id}/known", s.knownForm)
	m.Get("/comparisons", s.comparisonsPage)
	m.Get("/comparisons/{id}", s.comparisonPage)
	m.Get("/comparisons/{id}/export", s.exportFile)
	m.Get("/readonly", s.readonlyPage)
	m.Post("/readonly", s.readonlyForm)
	m.Get("/audit", s.auditPage)
	m.Get("/marks", s.marksPage)
	m.Post("/marks", s.markForm)
	m.Post("/logout", s.logout)
}

var stages = []choice{
	{string(routes.StageLegacy), "legacy answers, nobody is shadowed"},
	{string(routes.StageShadow), "legacy answers, new is shadowed"},
	{string(routes.StageRamp), "new answers a share of clients"},
	{string(routes.StageVerify), "new answers, legacy is shadowed"},
	{string(routes.StageNew), "new answers, nobody is shadowed"},
}

// stageInput is what stands in the stage form.
type stageInput struct{ Stage, Percent, Why string }

type skipRow struct {
	Reason, Means string
	Words         string // of adapters, and how often each
	Count         int64
}

func (s *server) routePage(w http.ResponseWriter, r *http.Request) {
	s.showRoute(w, r, http.StatusOK, nil, nil)
}

// routeView is the page of a route.
type routeView struct {
	page
	Report            reports.RouteReport
	Info              *RouteInfo
	Latch             *control.Latch
	Verdict           words
	Says, Pace        string
	Charts            routeCharts
	Statuses          statusMatrix
	Counted, Forgiven []reports.Group
	Cut               bool   // there are more groups than are shown
	Newest            string // mark that "new" is by; "" without one
	Skips             []skipRow
	Rules             []reports.RuleUse
	Stages, Spans     []choice
	Since             string
	Form              stageInput
}

// showRoute shows a route; failed and typed are of a form that was refused.
func (s *server) showRoute(w http.ResponseWriter, r *http.Request, status int, failed *failure, typed *stageInput) {
	name := param(r, "name")
	data := routeView{page: s.base(r, name, "routes"), Stages: stages, Since: r.URL.Query().Get("since")}
	data.Live, data.Failed, data.Self = "table gate leaks differences counts", failed, routeURL(name)
	if data.Since != "" {
		data.Self += "?" + url.Values{"since": {data.Since}}.Encode()
	}
	if err := s.fillRoute(r.Context(), &data, name); err != nil {
		s.fail(w, r, err)
		return
	}
	for _, info := range s.routeInfos() {
		if info.Name == name {
			data.Info, data.Latch = &info, info.Latch
			data.Form = stageInput{Stage: info.Stage}
			if info.Stage == string(routes.StageRamp) {
				data.Form.Percent = plainNumber(info.Percent)
			}
		}
	}
	if typed != nil {
		data.Form = *typed
	}
	s.render(w, r, status, "route", data)
}

// fillRoute reads what is known of a route.
func (s *server) fillRoute(ctx context.Context, data *routeView, name string) error {
	f, err := s.spanFilter(data.Since)
	if err != nil {
		return err
	}
	data.Since = chosen(f, data.Since)
	f.Route = name
	list, err := s.report(ctx, f)
	if err != nil {
		return err
	}
	data.Report = list[0]
	data.Verdict, data.Says, data.Pace = routeWords(&list[0]), fullSays(&list[0]), paceWords(&list[0])
	data.Skips, data.Statuses = skipRows(&list[0]), statusesOf(list[0].Statuses)
	marks, err := s.reports.Marks(ctx)
	if err != nil {
		return fmt.Errorf("read the marks: %w", err)
	}
	data.Spans = spansWith(marks)
	from := f.Since
	for _, m := range marks {
		if m.Name == f.SinceMark {
			from = m.At
		}
	}
	if data.Newest = f.SinceMark; data.Newest == "" && len(marks) > 0 {
		data.Newest = marks[0].Name
	}
	if data.Charts, err = s.charts(ctx, name, from, marks); err != nil {
		return err
	}
	if data.Rules, err = s.rules(ctx, name); err != nil {
		return err
	}
	return s.fillGroups(ctx, data, f)
}

// groupsMax is how many groups of differences the page of a route shows.
const groupsMax = 200

func (s *server) fillGroups(ctx context.Context, data *routeView, f reports.Filter) error {
	f.Limit = groupsMax + 1
	groups, err := s.reports.Differences(ctx, f)
	if err != nil {
		return err
	}
	if len(groups) > groupsMax {
		groups, data.Cut = groups[:groupsMax], true
	}
	for _, g := range groups {
		if g.Verdict == reports.VerdictForgiven {
			data.Forgiven = append(data.Forgiven, g)
		} else {
			data.Counted = append(data.Counted, g)
		}
	}
	return nil
}

func skipRows(r *reports.RouteReport) []skipRow {
	rows := make([]skipRow, 0, len(r.Skipped))
	for _, reason := range slices.Sorted(maps.Keys(r.Skipped)) {
		row := skipRow{Reason: reason, Means: reports.SkipMeans(reason), Count: r.Skipped[reason]}
		if reason == reports.SkipUnsupported {
			row.Words = r.UnsupportedText()
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b skipRow) int { return cmp.Compare(b.Count, a.Count) })
	return rows
}

func (s *server) stageForm(w http.ResponseWriter, r *http.Request) {
	typed := stageInput{Stage: r.PostFormValue("stage"), Percent: strings.TrimSpace(r.PostFormValue("percent")), Why: r.PostFormValue("why")}
	set := routes.StageSetting{Stage: routes.Stage(typed.Stage)}
	var err error
	// The field is there whatever the stage, and empty or left over at most.
	if set.Stage == routes.StageRamp {
		if set.Percent, err = strconv.ParseFloat(strings.TrimSuffix(typed.Percent, "%"), 64); err != nil {
			err = badRequest("Say how many percent of the clients get the new side: a number from 0 to 100.")
		}
	}
	if err == nil {
		err = s.control.SetStage(r.Context(), param(r, "name"), set, callerOf(r).by, typed.Why)
	}
	s.afterForm(w, r, err, routeURL(param(r, "name")), func(status int, f *failure) { s.showRoute(w, r, status, f, &typed) })
}

func (s *server) resetForm(w http.ResponseWriter, r *http.Request) {
	err := s.control.ResetLatch(r.Context(), param(r, "name"), callerOf(r).by, r.PostFormValue("why"))
	s.afterForm(w, r, err, routeURL(param(r, "name")), func(status int, f *failure) { s.showRoute(w, r, status, f, nil) })
}
