package admin

import (
	"net/http"
	"net/url"

	"github.com/quackproxy/quack/reports"
)

// marksView are the marks, the form that sets one, and what has changed from the
// run before one to the run after it.
type marksView struct {
	page
	Marks []reports.Mark
	Form  markChange // what stands in the form

	Before, After reports.Span
	Runs          *reports.RunChanges // nil without a mark, and for runs that can not be compared
	Lists         []changeList
}

// changeList are the groups of differences with which the same has happened.
type changeList struct {
	ID, Title, Says, Class string
	Total                  int
	Changes                []reports.Change
}

// changesShown is how many groups of a list are shown.
const changesShown = 50

func (s *server) marksPage(w http.ResponseWriter, r *http.Request) {
	s.showMarks(w, r, http.StatusOK, nil, markChange{})
}

// showMarks shows the page; failed and typed are of a form that was refused.
func (s *server) showMarks(w http.ResponseWriter, r *http.Request, status int, failed *failure, typed markChange) {
	v := marksView{page: s.base(r, "Marks", "marks"), Form: typed}
	v.Failed = failed
	var err error
	if v.Marks, err = s.reports.Marks(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	if len(v.Marks) > 0 {
		v.ends(r.URL.Query())
		runs, err := s.reports.Compare(r.Context(), v.Before, v.After)
		switch {
		case err == nil:
			runs.Cut(changesShown)
			v.Runs, v.Lists = &runs, changeLists(&runs)
		case failed == nil:
			p := s.asProblem(r, err)
			status, v.Failed = p.status, failureOf(p)
		}
	}
	s.render(w, r, status, "marks", v)
}

// ends are the ends of both runs: ?mark=NAME is between them, by default the
// newest, the one before begins at ?from and the one after ends at ?to.
func (v *marksView) ends(q url.Values) {
	mark := v.Marks[0].Name
	if q.Has("mark") {
		mark = q.Get("mark")
	}
	v.Before, v.After = reports.Span{From: markBefore(v.Marks, mark), To: mark}, reports.Span{From: mark, To: q.Get("to")}
	if q.Has("from") {
		v.Before.From = q.Get("from")
	}
}

func changeLists(c *reports.RunChanges) []changeList {
	return []changeList{
		{"regressions", "Regressions", "Not seen before the mark, or more often since, beyond chance.", "bad", c.Totals.Regressions, c.Regressions},
		{"open", "Still open", "Seen before and since.", "warn", c.Totals.StillOpen, c.StillOpen},
		{"unseen", "Too little compared", "Not seen again, but too little was compared to say that they are fixed.", "calm", c.Totals.Unseen, c.Unseen},
		{"fixed", "Fixed", "Not seen again in so many comparisons that they would have been, with 95 % confidence.", "good", c.Totals.Fixed, c.Fixed},
		{"forgiven", "Forgiven now", "They do not count any more: a rule forgives them.", "calm", c.Totals.Forgiven, c.Forgiven},
	}
}

func (s *server) markForm(w http.ResponseWriter, r *http.Request) {
	typed := markChange{Name: r.PostFormValue("name"), Why: r.PostFormValue("why")}
	_, err := s.mark(r, typed)
	s.afterForm(w, r, err, "/marks", func(status int, f *failure) { s.showMarks(w, r, status, f, typed) })
}

// markedURL is the page of the runs on both sides of a mark.
func markedURL(name string) string { return "/marks?" + url.Values{"mark": {name}}.Encode() + "#runs" }

// comparedSinceURL is the list of what was compared since a mark.
func comparedSinceURL(name string) string {
	return "/comparisons?" + url.Values{"since": {name}}.Encode()
}
