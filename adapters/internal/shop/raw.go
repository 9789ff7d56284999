package shop

import (
	"cmp"
	"net/http"
)

// Protocol is the way in which statements are sent: [Simple], or else the
// extended one.
type Protocol string

// Simple is PostgreSQL's simple query protocol.
const Simple Protocol = "simple"

// sql sends statements as they are. Errors are caught and told.
func (s *shop) sql(r *http.Request) (int, any, error) {
	in, err := Read[struct {
		Protocol   Protocol
		Statements []string
	}](r)
	if err != nil {
		return 0, nil, err
	}
	errs, err := s.db.Send(r.Context(), in.Protocol, in.Statements)
	told := make([]*string, len(errs))
	for i, err := range errs {
		if err != nil {
			text := cmp.Or(stateOf(err), err.Error())
			told[i] = &text
		}
	}
	return http.StatusOK, Object{"errors": told}, err
}

// stream inserts an item and answers in several parts.
func (s *shop) stream(w http.ResponseWriter, r *http.Request) {
	in, err := Read[Named](r)
	if err == nil {
		err = s.db.Exec(r.Context(), InsertItem, in.Name)
	}
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	flusher := http.NewResponseController(w)
	for range 5 {
		w.Write([]byte("a part of the answer\n"))
		flusher.Flush()
	}
}
