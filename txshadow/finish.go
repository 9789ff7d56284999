package txshadow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow/internal/reasons"
	"github.com/quackproxy/quack/txshadow/internal/turn"
)

// rollbackTimeout is for the statements that end a transaction.
const rollbackTimeout = 2 * time.Second

// Finish ends the shadow and rolls its transaction back. When it returns with
// RolledBack, the server holds no lock for it any more.
func (s *shadow) Finish() Ending {
	s.turn.End()
	if !s.turn.Seize() {
		return s.endFromOutside(fmt.Errorf("a statement did not end within %v of its cancellation", turn.Patience))
	}
	defer s.turn.Release()
	if s.session == nil { // it sent nothing
		return Ending{RolledBack: true, Reason: s.noted()}
	}
	if s.session.conn.IsClosed() {
		return s.endFromOutside(nil)
	}
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	answers, escaped, err := s.undo(ctx, s.questions(ctx))
	if err != nil {
		return s.endFromOutside(fmt.Errorf("roll back: %w", err))
	}
	if escaped && !s.adapter.layers.noWatch {
		s.escaped("unknown")
		return s.endFromOutside(nil)
	}
	e := Ending{Footprint: s.footprint(answers)}
	if s.noted() != "" && s.mode == ModeReadOnly {
		closeConn(s.conn()) // not back to the pool with what it may have kept
	}
	s.closeSession()
	e.RolledBack, e.Reason = true, s.noted()
	return e
}

// undo rolls the transaction back, by way of a PREPARE when its rows are to be
// read, and returns the answers to ask.
func (s *shadow) undo(ctx context.Context, ask string) (answers []*pgconn.Result, escaped bool, err error) {
	if ask != "" && s.prepares() {
		answers, err = s.decode(ctx, ask)
		return answers, false, err
	}
	return s.session.rollback(ctx, ask)
}

// closeSession gives the session back while the answer is on its way: nothing
// depends on it any more.
func (s *shadow) closeSession() {
	if s.mode == ModeReadOnly || !s.adapter.inBackground(s.session.release) {
		s.session.release()
	}
}

// endFromOutside ends the session by another one, when its own connection can
// not be used any more.
func (s *shadow) endFromOutside(why error) Ending {
	if why != nil {
		s.log.Warn("a shadow's session is ended from outside", "why", why)
	}
	if s.mode == ModeReadOnly { // nothing to take back, and the pool sees to its connection
		if why == nil {
			s.session.release()
		}
		return Ending{RolledBack: true, Reason: s.noted()}
	}
	if why == nil {
		s.session.release()
	}
	if err := s.adapter.sessions.gone(s.session); err != nil {
		s.log.Error("the end of a shadow's transaction can not be confirmed", "reason", s.noted(), "err", err)
		return Ending{Reason: s.noted(), Unreachable: errors.Is(err, errUnreachable)}
	}
	return Ending{RolledBack: true, Reason: s.noted()}
}

// questions is what to ask of a transaction before it is rolled back: whether
// it is still the one that was armed, and what it has written. "" when the
// answers would be of no use.
func (s *shadow) questions(ctx context.Context) string {
	if s.mode != ModeRollback || reasons.Rank(s.noted()) >= reasons.Rank("budget") {
		return ""
	}
	if s.tx != nil { // never committed: an application's pool would roll it back
		if err := s.rollbackTo(ctx, s.tx.mark); err != nil {
			return ""
		}
	}
	return "SELECT pg_catalog.txid_current_if_assigned();" + s.session.countsSQL
}

// footprint reads the answers; nil when what was written can not be told.
func (s *shadow) footprint(answers []*pgconn.Result) Footprint {
	if len(answers) < 2 {
		return nil
	}
	if xid := string(answers[0].Rows[0][0]); s.session.xid != "" && xid != s.session.xid && !s.adapter.layers.noWatch {
		s.escaped("chain")
		return nil
	}
	s.readBooks(answers[1:2])
	if s.books.Lost || !s.session.counting {
		return nil
	}
	return FootprintOf(s.books.Written())
}
