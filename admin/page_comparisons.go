package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/quackproxy/quack/reports"
)

// verdictChoices are the verdicts that comparisons can be listed by.
var verdictChoices = []choice{
	{"", "any"}, {string(reports.Mismatch), "mismatch"}, {string(reports.Noise), "noise"}, {string(reports.Transient), "transient"},
	{string(reports.Error), "not compared"}, {string(reports.Match), "match"},
}

// comparisonsView is a list of stored comparisons and by what it was made.
type comparisonsView struct {
	page
	Routes   []string
	Verdicts []choice
	Spans    []choice

	Route, Verdict, Since, Path, Kind, After string

	List   []reports.Comparison
	Older  string // address of those before these, "" at the end
	Newest string // address of the first page, "" on it
	Every  string // address of the list without Path and Kind, "" without those
}

func (s *server) comparisonsPage(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r, "route", "verdict", "since", "path", "kind", "after")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if _, wrong := strconv.ParseInt(f.After, 10, 64); f.After != "" && wrong != nil {
		s.fail(w, r, badRequest("after is not a cursor that this page has given."))
		return
	}
	f.Limit = 50
	q := r.URL.Query()
	v := comparisonsView{
		page: s.base(r, "Comparisons", "comparisons"), Verdicts: verdictChoices, Spans: spans,
		Route: f.Route, Verdict: string(f.Verdict), Since: q.Get("since"), Path: f.Path, Kind: f.Kind, After: f.After,
	}
	var next string
	if v.List, next, err = s.reports.Comparisons(r.Context(), f); err != nil {
		s.fail(w, r, err)
		return
	}
	if f.SinceMark != "" {
		v.Spans = append(slices.Clone(spans), choice{f.SinceMark, "since " + f.SinceMark})
	}
	v.links(q, next)
	for _, c := range s.reports.Live() {
		v.Routes = append(v.Routes, c.Name)
	}
	if v.Route != "" && !slices.Contains(v.Routes, v.Route) {
		v.Routes = append(v.Routes, v.Route)
	}
	slices.Sort(v.Routes)
	s.render(w, r, http.StatusOK, "comparisons", v)
}

func (v *comparisonsView) links(q url.Values, next string) {
	q.Del("after")
	if v.After != "" {
		v.Newest = "/comparisons?" + q.Encode()
	}
	if next != "" {
		q.Set("after", next)
		v.Older = "/comparisons?" + q.Encode()
	}
	if v.Path != "" || v.Kind != "" {
		for _, name := range []string{"after", "path", "kind"} {
			q.Del(name)
		}
		v.Every = "/comparisons?" + q.Encode()
	}
}

// Narrowed reports whether the list is not of all that is stored.
func (v comparisonsView) Narrowed() bool {
	return v.Route != "" || v.Verdict != "" || v.Since != "" || v.Path != "" || v.Kind != ""
}
