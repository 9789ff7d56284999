package admin

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/reports"
)

// groupView is one group of differences: what is known of it, one of its
// samples with both sides beside each other, and what can be done about it.
type groupView struct {
	page
	Group   reports.Group
	Weight  string       // what the group's weight means
	Mark    string       // that the group is new since, "" when it is not
	Samples []sampleLink // the newest first
	Chosen  int          // place of the sample that is shown among Samples, from 1; 0 for none
	Newer   string       // address of the page with the sample beside it, "" for none
	Older   string
	Sides   *sidesView // nil when the sample's comparison is not kept any more
	Rule    ruleView
	Why     string // what stands in the form of who knows the difference
}

type sampleLink struct {
	reports.Sample
	Link    string
	Current bool
}

func (s *server) groupPage(w http.ResponseWriter, r *http.Request) {
	g, err := s.reports.Difference(r.Context(), param(r, "id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.showGroup(w, r, http.StatusOK, g, nil, "")
}

// groupByParts goes to the page of the group that has these parts: links were
// made of them before groups had ids, and are where only the parts are known.
func (s *server) groupByParts(w http.ResponseWriter, r *http.Request) {
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
	for _, part := range []string{"route", "path", "kind", "verdict", "reason"} {
		q.Del(part)
	}
	to := url.URL{Path: groupURL(groups[i]), RawQuery: q.Encode()}
	http.Redirect(w, r, to.String(), http.StatusFound)
}

// showGroup shows a group; failed and why are of a form that was refused.
func (s *server) showGroup(w http.ResponseWriter, r *http.Request, status int, g reports.Group, failed *failure, why string) {
	v := groupView{page: s.base(r, g.Path+" of "+g.Route, "routes"), Group: g, Why: why, Weight: weightWords(g.Weight)}
	var err error
	v.Rule, v.Failed, err = s.ruleView(r, &g, r.URL.Query().Get("try"))
	if err == nil {
		v.Mark, err = s.newSince(r, &g)
	}
	if err == nil {
		err = s.showSample(r, &v)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if failed != nil {
		v.Failed = failed
	}
	if v.Rule.Tried == nil && v.Failed == nil {
		v.Live = "differences" // what was tried is not asked for again by itself
	}
	s.render(w, r, status, "group", v)
}

// knownForm notes that a person knows a difference, or takes that back.
func (s *server) knownForm(w http.ResponseWriter, r *http.Request) {
	g, err := s.reports.Difference(r.Context(), param(r, "id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	why := r.PostFormValue("why")
	if r.PostFormValue("known") == "false" {
		_, err = s.unknow(r, g.ID)
	} else {
		_, err = s.know(r, g.ID, why)
	}
	s.afterForm(w, r, err, groupURL(g), func(status int, f *failure) {
		r := r.Clone(r.Context())
		r.URL.Path = groupURL(g) // which the links of the page are made of
		s.showGroup(w, r, status, g, f, why)
	})
}

// newSince is the newest mark, for a group that was not there before it.
func (s *server) newSince(r *http.Request, g *reports.Group) (string, error) {
	if !g.New {
		return "", nil
	}
	marks, err := s.reports.Marks(r.Context())
	if err != nil || len(marks) == 0 {
		return "", err
	}
	return marks[0].Name, nil
}

// weightWords say what the weight of a group means.
func weightWords(weight float64) string {
	switch {
	case weight == 0:
		return ""
	case weight < 1.05:
		return "this place alone differs"
	case weight < 1.95:
		return "mostly this place alone"
	}
	return fmt.Sprintf("with %s other places on average", plainNumber(math.Round(10*(weight-1))/10))
}

// showSample lays out the sample that ?sample=ID names, by default the newest.
func (s *server) showSample(r *http.Request, v *groupView) error {
	wanted := r.URL.Query().Get("sample")
	for i, sample := range slices.Backward(v.Group.Samples) {
		link := sampleLink{Sample: sample, Link: s.sampleURL(r, sample.ID), Current: sample.ID == wanted || wanted == "" && i == len(v.Group.Samples)-1}
		v.Samples = append(v.Samples, link)
		if link.Current {
			v.Chosen = len(v.Samples)
		}
	}
	if v.Chosen == 0 {
		return nil
	}
	if v.Chosen > 1 {
		v.Newer = v.Samples[v.Chosen-2].Link
	}
	if v.Chosen < len(v.Samples) {
		v.Older = v.Samples[v.Chosen].Link
	}
	c, err := s.reports.Comparison(r.Context(), v.Samples[v.Chosen-1].ID)
	if errors.Is(err, control.ErrNotFound) {
		return nil // it has made room since
	}
	if err != nil {
		return err
	}
	sides := sidesOf(c, v.Group.Path, v.Rule.Tried, r)
	v.Sides = &sides
	return nil
}

// sampleURL is this page with another sample, without what was tried.
func (s *server) sampleURL(r *http.Request, id string) string {
	q := r.URL.Query()
	q.Set("sample", id)
	q.Del("try")
	q.Del("full")
	return r.URL.Path + "?" + q.Encode() + "#sample"
}

// groupURL is the page of one group of differences.
func groupURL(g reports.Group) string { return "/differences/" + url.PathEscape(g.ID) }

// foundURL leads to the page of the group that a difference belongs to.
func foundURL(route string, f reports.Found) string {
	return "/differences?" + url.Values{"route": {route}, "path": {f.Path}, "kind": {string(f.Kind)}, "verdict": {string(f.Verdict)}}.Encode()
}

// alikeURL is the list of the stored comparisons that a group is made of.
func alikeURL(g reports.Group) string {
	return "/comparisons?" + url.Values{"route": {g.Route}, "path": {g.Path}, "kind": {g.Kind}}.Encode()
}
