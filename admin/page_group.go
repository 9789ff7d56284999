package admin

import (
	"errors"
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
	Samples []sampleLink // the newest first
	Chosen  int          // place of the sample that is shown among Samples, from 1; 0 for none
	Newer   string       // address of the page with the sample beside it, "" for none
	Older   string
	Sides   *sidesView // nil when the sample's comparison is not kept any more
	Rule    ruleView
}

type sampleLink struct {
	reports.Sample
	Link    string
	Current bool
}

func (s *server) groupPage(w http.ResponseWriter, r *http.Request) {
	g, err := s.group(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.showGroup(w, r, http.StatusOK, g, nil)
}

// group is the group that a request names by its parts.
func (s *server) group(r *http.Request) (reports.Group, error) {
	q := r.URL.Query()
	groups, err := s.reports.Differences(r.Context(), reports.Filter{Route: q.Get("route"), Path: q.Get("path"), Kind: q.Get("kind"), Limit: maxLimit})
	if err != nil {
		return reports.Group{}, err
	}
	i := slices.IndexFunc(groups, func(g reports.Group) bool {
		return g.Verdict == q.Get("verdict") && g.Reason == q.Get("reason")
	})
	if i < 0 {
		return reports.Group{}, control.ErrNotFound
	}
	return groups[i], nil
}

// showGroup shows a group; failed is of a form that was refused.
func (s *server) showGroup(w http.ResponseWriter, r *http.Request, status int, g reports.Group, failed *failure) {
	v := groupView{page: s.base(r, g.Path+" of "+g.Route, "routes"), Group: g}
	err := s.showSample(r, &v)
	if err == nil {
		v.Rule, v.Failed, err = s.ruleView(r, &g, r.URL.Query().Get("try"))
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
	sides := sidesOf(c, v.Group.Path, r)
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
func groupURL(g reports.Group) string {
	return "/differences?" + url.Values{"route": {g.Route}, "path": {g.Path}, "kind": {g.Kind}, "verdict": {g.Verdict}, "reason": {g.Reason}}.Encode()
}

// foundURL is the page of the group that a difference belongs to.
func foundURL(route string, f reports.Found) string {
	return groupURL(reports.Group{Route: route, Path: f.Path, Kind: string(f.Kind), Verdict: string(f.Verdict)})
}

// alikeURL is the list of the stored comparisons that a group is made of.
func alikeURL(g reports.Group) string {
	return "/comparisons?" + url.Values{"route": {g.Route}, "path": {g.Path}, "kind": {g.Kind}}.Encode()
}
