package admin

import (
	"cmp"
	"maps"
	"net/http"
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
	m.Get("/differences", s.groupPage)
	m.Get("/comparisons", s.comparisonsPage)
	m.Get("/comparisons/{id}", s.comparisonPage)
	m.Get("/readonly", s.readonlyPage)
	m.Post("/readonly", s.readonlyForm)
	m.Get("/audit", s.auditPage)
	m.Post("/logout", s.logout)
}

// choice is one option of a select.
type choice struct{ Value, Text string }

var spans = []choice{{"", "since the beginning"}, {"168h", "in the last 7 days"}, {"24h", "in the last 24 hours"}, {"1h", "in the last hour"}, {"10m", "in the last 10 minutes"}}

// routeRow is a route in the overview.
type routeRow struct {
	reports.RouteReport
	Match    string // method and pattern, where the name does not say it
	Override bool
	Verdict  words
}

type totals struct{ Routes, Served, Compared, Mismatched, Forgiven, Skipped, Dropped, Errors int64 }

func (s *server) overviewPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, err := since(q.Get("since"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list, err := s.report(r.Context(), reports.Filter{Since: from})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	data := struct {
		page
		Rows         []routeRow
		Totals       totals
		Query, Since string
		Spans        []choice
		Status       Status
		Trouble      bool // something keeps writes from being shadowed
	}{page: s.base(r, "Routes", "routes"), Query: q.Get("q"), Since: q.Get("since"), Spans: spans, Status: s.status()}
	data.Trouble = data.Status.keepsShadowsOff()
	data.Live = "table gate leaks differences counts"
	data.Rows = s.routeRows(list, data.Query)
	for _, row := range data.Rows {
		data.Totals.add(&row.RouteReport)
	}
	s.render(w, r, http.StatusOK, "overview", data)
}

func (t *totals) add(r *reports.RouteReport) {
	t.Routes++
	t.Served += r.Served
	t.Compared += r.Compared
	t.Mismatched += r.Mismatched
	t.Forgiven += r.Forgiven
	t.Dropped += r.Dropped
	t.Errors += r.Errors
	for _, n := range r.Skipped {
		t.Skipped += n
	}
}

// routeRows are the routes that the query names, what needs a look first.
func (s *server) routeRows(list []reports.RouteReport, query string) []routeRow {
	infos := map[string]RouteInfo{}
	for _, info := range s.routeInfos() {
		infos[info.Name] = info
	}
	var rows []routeRow
	for i := range list {
		row := routeRow{RouteReport: list[i], Verdict: routeWords(&list[i])}
		if info, known := infos[row.Name]; known {
			if match := strings.TrimSpace(info.Method + " " + info.Pattern); match != row.Name {
				row.Match = match
			}
			row.Override = info.Override != nil
		}
		if strings.Contains(strings.ToLower(row.Name+" "+row.Match), strings.ToLower(strings.TrimSpace(query))) {
			rows = append(rows, row)
		}
	}
	rank := map[string]int{"bad": 0, "warn": 1, "good": 2, "calm": 2}
	slices.SortStableFunc(rows, func(a, b routeRow) int {
		return cmp.Or(cmp.Compare(rank[a.Verdict.Class], rank[b.Verdict.Class]), cmp.Compare(a.Name, b.Name))
	})
	return rows
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

// showRoute shows a route; failed and typed are of a form that was refused.
func (s *server) showRoute(w http.ResponseWriter, r *http.Request, status int, failed *failure, typed *stageInput) {
	name := param(r, "name")
	list, err := s.report(r.Context(), reports.Filter{Route: name})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	groups, err := s.reports.Differences(r.Context(), reports.Filter{Route: name, Limit: maxLimit})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	data := struct {
		page
		Report            reports.RouteReport
		Info              *RouteInfo
		Latch             *control.Latch
		Verdict           words
		Pace              string
		Counted, Forgiven []reports.Group
		Skips             []skipRow
		Rules             []reports.RuleUse
		Stages            []choice
		Form              stageInput
	}{page: s.base(r, name, "routes"), Report: list[0], Stages: stages}
	data.Live, data.Failed, data.Self = "table gate leaks differences counts", failed, routeURL(name)
	data.Verdict, data.Pace, data.Skips = routeWords(&list[0]), paceWords(&list[0]), skipRows(&list[0])
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
	if data.Rules, err = s.rules(r.Context(), name); err != nil {
		s.fail(w, r, err)
		return
	}
	for _, g := range groups {
		if g.Verdict == reports.VerdictForgiven {
			data.Forgiven = append(data.Forgiven, g)
		} else {
			data.Counted = append(data.Counted, g)
		}
	}
	s.render(w, r, status, "route", data)
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
	s.afterForm(w, r, err, func(status int, f *failure) { s.showRoute(w, r, status, f, &typed) })
}

func (s *server) resetForm(w http.ResponseWriter, r *http.Request) {
	err := s.control.ResetLatch(r.Context(), param(r, "name"), callerOf(r).by, r.PostFormValue("why"))
	s.afterForm(w, r, err, func(status int, f *failure) { s.showRoute(w, r, status, f, nil) })
}

// afterForm goes back to the page of the form: by a redirect, so that a reload
// does not send it again, or with what is wrong.
func (s *server) afterForm(w http.ResponseWriter, r *http.Request, err error, again func(status int, f *failure)) {
	if err != nil {
		p := s.asProblem(r, err)
		again(p.status, &failure{Title: p.title, Detail: p.detail})
		return
	}
	back := "/readonly"
	if name := chi.URLParam(r, "name"); name != "" {
		back = routeURL(param(r, "name"))
	}
	w.Header().Set("Location", back)
	w.WriteHeader(http.StatusSeeOther)
}
