package txshadow

import (
	"log/slog"
	"sync"
	"time"

	"github.com/quackproxy/quack/txshadow/internal/reasons"
)

// Shadow is one shadow request under way, as far as it does not depend on the
// database's library. Safe for concurrent use.
type Shadow struct {
	front    *front
	id       string
	mode     Mode   // ModePrepare is ModeRollback with a gid
	gid      string // what to call the prepared transaction, "" when there is to be none
	log      *slog.Logger
	deadline time.Time // of the whole shadow

	transaction Transaction // set before the handler runs
	effects     recorder    // what was recorded instead of done

	noting sync.Mutex
	reason string
}

func newShadow(f *front, m Marked, deadline time.Time) *Shadow {
	mode := m.Mode
	if mode == ModePrepare {
		mode = ModeRollback
	}
	return &Shadow{front: f, id: m.ID, mode: mode, gid: m.GID, log: f.log.With("request", m.ID, "mode", string(m.Mode)), deadline: deadline}
}

// Mode is ModeRollback or ModeReadOnly.
func (s *Shadow) Mode() Mode { return s.mode }

// Deadline is when the transaction has to be over.
func (s *Shadow) Deadline() time.Time { return s.deadline }

// Log is a logger that names the request.
func (s *Shadow) Log() *slog.Logger { return s.log }

// Transaction is what the engine's Begin has returned.
func (s *Shadow) Transaction() Transaction { return s.transaction }

// Note keeps a reason for the acknowledgement: the gravest, else the first.
func (s *Shadow) Note(reason string) { s.note(reason) }

// Noted is the reason that the acknowledgement will give so far.
func (s *Shadow) Noted() string { return s.noted() }

func (s *Shadow) note(reason string) {
	s.noting.Lock()
	defer s.noting.Unlock()
	if reasons.Rank(reason) > reasons.Rank(s.reason) {
		s.reason = reason
	}
}

func (s *Shadow) noted() string {
	s.noting.Lock()
	defer s.noting.Unlock()
	return s.reason
}

// refuse notes the reason and is the error for the application.
func (s *Shadow) refuse(reason string) error {
	s.note(reason)
	return &RefusedError{Reason: reason}
}
