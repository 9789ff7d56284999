package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/reports"
)

type markChange struct {
	Name string `json:"name"`
	Why  string `json:"why,omitempty"`
}

func (s *server) getMarks(w http.ResponseWriter, r *http.Request) {
	_, err := filter(r)
	var list []reports.Mark
	if err == nil {
		list, err = s.reports.Marks(r.Context())
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, struct {
		Marks []reports.Mark `json:"marks"`
	}{orEmpty(list)})
}

func (s *server) postMark(w http.ResponseWriter, r *http.Request) {
	var c markChange
	err := decode(r, &c)
	var m reports.Mark
	if err == nil {
		m, err = s.mark(r, c)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, m)
}

// mark sets a mark, which stands in the audit.
func (s *server) mark(r *http.Request, c markChange) (reports.Mark, error) {
	if len(c.Why) > control.MaxWhy {
		return reports.Mark{}, control.ErrLongWhy
	}
	by := callerOf(r).by
	m, err := s.reports.Mark(r.Context(), reports.Mark{Name: c.Name, By: by, Why: c.Why})
	if err == nil {
		s.control.Note(r.Context(), by, "mark", m.Name, c.Why)
	}
	return m, err
}

func (s *server) getRuns(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r, "before", "after", "route", "limit")
	var changes reports.RunChanges
	if err == nil {
		changes, err = s.runs(r, r.URL.Query())
	}
	if err == nil && f.Route != "" {
		err = s.knowsRoute(r, f.Route)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	changes.Cut(f.Limit)
	s.answer(w, r, changes)
}

// runs compares two spans, each "FROM..TO" with the names of marks, or nothing
// for the start of time and for now. A single name is where it begins. after is
// by default what follows the newest mark, before what lies between that and the
// mark before.
func (s *server) runs(r *http.Request, q url.Values) (reports.RunChanges, error) {
	marks, err := s.reports.Marks(r.Context())
	if err != nil {
		return reports.RunChanges{}, err
	}
	after, err := span("after", q.Get("after"))
	if err == nil && q.Get("after") == "" && len(marks) > 0 {
		after.From = marks[0].Name
	}
	if err != nil {
		return reports.RunChanges{}, err
	}
	before, err := span("before", q.Get("before"))
	if err == nil && q.Get("before") == "" {
		before.From = markBefore(marks, after.From)
	}
	if err != nil {
		return reports.RunChanges{}, err
	}
	changes, err := s.reports.CompareRoute(r.Context(), q.Get("route"), before, after)
	if err != nil {
		return changes, fmt.Errorf("compare %q with %q: %w", q.Get("before"), q.Get("after"), err)
	}
	return changes, nil
}

// markBefore is the mark before one, "" when that is the first.
func markBefore(marks []reports.Mark, name string) string {
	for i, m := range marks {
		if m.Name == name && i+1 < len(marks) {
			return marks[i+1].Name
		}
	}
	return ""
}

func span(name, text string) (reports.Span, error) {
	from, to, _ := strings.Cut(text, "..")
	for _, end := range []*string{&from, &to} {
		switch {
		case *end == reports.SinceStart && end == &from, *end == "now" && end == &to:
			*end = ""
		case *end != "" && reports.CheckMarkName(*end) != nil:
			return reports.Span{}, badRequest(fmt.Sprintf("%s %q is not FROM..TO with the names of marks, as in v1.3..v1.4; without FROM it begins at the start, without TO it goes on until now.", name, text))
		}
	}
	return reports.Span{From: from, To: to}, nil
}

// sinceMark takes text that is no time for the name of a mark, where it could be
// one.
func sinceMark(f *reports.Filter, text string, noTime error) error {
	if reports.CheckMarkName(text) != nil {
		return noTime
	}
	f.SinceMark = text
	return nil
}

// markProblem is the answer to an error of marks and runs, nil for another one.
func markProblem(err error) *problemError {
	switch {
	case errors.Is(err, reports.ErrNoMark):
		return &problemError{
			status: http.StatusBadRequest, kind: "unknown-mark", title: "Unknown mark",
			detail: err.Error() + "\nWhere a time is asked for: an instant (RFC 3339), a length of time such as 24h, or the name of a mark.",
		}
	case errors.Is(err, reports.ErrMarkName):
		return &problemError{status: http.StatusUnprocessableEntity, kind: "mark-name", title: "Not a name for a mark", detail: err.Error()}
	case errors.Is(err, reports.ErrMarkTaken):
		return &problemError{status: http.StatusConflict, kind: "mark-taken", title: "Name taken", detail: err.Error()}
	case errors.Is(err, reports.ErrSpans):
		return &problemError{status: http.StatusBadRequest, kind: "runs", title: "These runs can not be compared", detail: err.Error()}
	}
	return nil
}
