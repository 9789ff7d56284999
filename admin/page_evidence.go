package admin

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/reports"
)

// groupPage is one group of differences with its samples.
func (s *server) groupPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	groups, err := s.reports.Differences(r.Context(), reports.Filter{Route: q.Get("route"), Path: q.Get("path"), Kind: q.Get("kind"), Limit: maxLimit})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	i := slices.IndexFunc(groups, func(g reports.Group) bool {
		return g.Verdict == q.Get("verdict") && g.Reason == q.Get("reason")
	})
	if i < 0 {
		s.fail(w, r, control.ErrNotFound)
		return
	}
	data := struct {
		page
		Group reports.Group
		Rule  ruleView
	}{page: s.base(r, groups[i].Path, "routes"), Group: groups[i]}
	if data.Rule, data.Failed, err = s.ruleView(r, &groups[i], q.Get("try")); err != nil {
		s.fail(w, r, err)
		return
	}
	if data.Rule.Tried == nil {
		data.Live = "differences" // what was tried is not asked for again by itself
	}
	slices.Reverse(data.Group.Samples) // the newest first
	s.render(w, r, http.StatusOK, "group", data)
}

func (s *server) comparisonsPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	data := struct {
		page
		Routes       []string
		Route, After string
		Older        string
		List         []reports.Comparison
	}{page: s.base(r, "Comparisons", "comparisons"), Route: q.Get("route"), After: q.Get("after")}
	list, next, err := s.reports.Comparisons(r.Context(), reports.Filter{Route: data.Route, After: data.After, Limit: 50})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	data.List = list
	if next != "" {
		data.Older = "/comparisons?" + url.Values{"route": {data.Route}, "after": {next}}.Encode()
	}
	for _, c := range s.reports.Live() {
		data.Routes = append(data.Routes, c.Name)
	}
	slices.Sort(data.Routes)
	s.render(w, r, http.StatusOK, "comparisons", data)
}

// sideView is one side of a comparison.
type sideView struct {
	Name, Backend string
	Millis        float64
	Curl          string
}

// fieldRow is a part of the answers' heads.
type fieldRow struct{ Name, Legacy, New, Mark string }

// footprintRow is what both sides wrote in a table, in numbers or one row of it, or
// did besides.
type footprintRow struct{ Table, Legacy, New, Mark string }

func (s *server) comparisonPage(w http.ResponseWriter, r *http.Request) {
	c, err := s.reports.Comparison(r.Context(), param(r, "id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	m := marksOf(c)
	data := struct {
		page
		C           reports.Comparison
		Sides       []sideView
		Fields      []fieldRow
		Body        bodyView
		Footprint   []footprintRow
		Written     []footprintRow
		Effects     []footprintRow
		SafeRequest bool
	}{
		page: s.base(r, "Comparison "+c.ID, "comparisons"), C: *c,
		Sides:       []sideView{side("legacy", c, &c.Legacy), side("new", c, &c.New)},
		Fields:      fieldRows(c, m),
		Body:        viewBodies(&c.Legacy.Answer, &c.New.Answer, m, r.URL.Query().Get("full") == "1"),
		Footprint:   countRows(c, m, "table:", rowCounts),
		Written:     writtenRows(c),
		Effects:     countRows(c, m, "effect:", effectCounts),
		SafeRequest: safeMethod(c.Request.Method),
	}
	s.render(w, r, http.StatusOK, "comparison", data)
}

func side(name string, c *reports.Comparison, s *reports.Side) sideView {
	return sideView{Name: name, Backend: s.Backend, Millis: float64(s.Latency.Microseconds()) / 1000, Curl: reports.Curl(c, s)}
}

// fieldRows are status, header and trailer of both answers.
func fieldRows(c *reports.Comparison, m *marks) []fieldRow {
	l, n := &c.Legacy.Answer, &c.New.Answer
	rows := []fieldRow{row("status", statusText(l.Status), statusText(n.Status), "status", m)}
	if l.Incomplete != "" || n.Incomplete != "" {
		rows = append(rows, fieldRow{"broke off", l.Incomplete, n.Incomplete, markDiffers})
	}
	rows = append(rows, headerRows("header", l.Header, n.Header, m)...)
	rows = append(rows, headerRows("trailer", l.Trailer, n.Trailer, m)...)
	if c.Legacy.BodyNote != "" || c.New.BodyNote != "" {
		rows = append(rows, fieldRow{"body as stored", c.Legacy.BodyNote, c.New.BodyNote, ""})
	}
	return rows
}

func statusText(code int) string {
	if code == 0 {
		return ""
	}
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}

func headerRows(section string, legacy, new http.Header, m *marks) []fieldRow {
	names := map[string]bool{}
	for name := range legacy {
		names[name] = true
	}
	for name := range new {
		names[name] = true
	}
	var rows []fieldRow
	for _, name := range slices.Sorted(maps.Keys(names)) {
		shown := name
		if section == "trailer" {
			shown = "trailer " + name
		}
		rows = append(rows, row(shown, strings.Join(legacy[name], "\n"), strings.Join(new[name], "\n"), section+":"+name, m))
	}
	return rows
}

func row(name, legacy, new, path string, m *marks) fieldRow {
	f := fieldRow{Name: name, Legacy: legacy, New: new}
	if legacy != new {
		f.Mark = m.of(path)
	}
	return f
}

// countRows are what each side did, in numbers, under the names that texts gives.
func countRows(c *reports.Comparison, m *marks, space string, texts func(*compare.Exchange) map[string]string) []footprintRow {
	l, n := &c.Legacy.Answer, &c.New.Answer
	legacy, new := texts(l), texts(n)
	names := maps.Clone(legacy)
	maps.Copy(names, new)
	rows := make([]footprintRow, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		row := footprintRow{Table: name, Legacy: cmp.Or(legacy[name], written(l.Footprint)), New: cmp.Or(new[name], written(n.Footprint))}
		if l.Footprint != nil && n.Footprint != nil && row.Legacy != row.New {
			row.Mark = m.of(space + name)
		}
		rows = append(rows, row)
	}
	return rows
}

func rowCounts(e *compare.Exchange) map[string]string {
	texts := map[string]string{}
	for _, t := range e.Footprint {
		texts[t.Table] = rowsText(t)
	}
	return texts
}

// effectCounts are of what a side did, or would have done, besides writing.
func effectCounts(e *compare.Exchange) map[string]string {
	texts := map[string]string{}
	for _, effect := range e.Effects {
		texts[effect.Name] = num(effect.Count)
	}
	return texts
}

// writtenRows are the rows that both sides wrote, and what was left out of them.
func writtenRows(c *reports.Comparison) []footprintRow {
	var rows []footprintRow
	for _, w := range c.WrittenRows() {
		rows = append(rows, footprintRow{Table: w.Table, Legacy: w.Legacy, New: w.New, Mark: markOf(w.Differs)})
		for _, col := range w.Columns {
			rows = append(rows, footprintRow{Table: w.Table + "." + col.Name, Legacy: col.Legacy, New: col.New, Mark: markOf(col.Differs)})
		}
	}
	if l, n := c.Legacy.WritesNote, c.New.WritesNote; l != "" || n != "" {
		rows = append(rows, footprintRow{Table: "as stored", Legacy: l, New: n})
	}
	return rows
}

func markOf(differs bool) string {
	if differs {
		return markDiffers
	}
	return ""
}

// written is what a side wrote in a table that its footprint does not name.
func written(f compare.Footprint) string {
	if f == nil {
		return "unknown"
	}
	return "nothing"
}

func rowsText(t compare.TableRows) string {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{{t.Inserted, "inserted"}, {t.Updated, "updated"}, {t.Deleted, "deleted"}} {
		if p.n != 0 {
			parts = append(parts, num(p.n)+" "+p.what)
		}
	}
	return strings.Join(parts, ", ")
}
