package txshadow

import (
	"context"
	"fmt"
	"time"
)

// ending is what became of a shadow's transaction.
type ending struct {
	rolledBack bool // the server has said so
	reason     string
	footprint  Footprint // nil when it is not known
}

const (
	// seizePatience is how long a cancelled statement is waited for before the
	// session is ended from outside.
	seizePatience = 200 * time.Millisecond
	// rollbackTimeout is for the statements that end a transaction.
	rollbackTimeout = 2 * time.Second
)

// finish ends the shadow and rolls its transaction back. When it returns with
// rolledBack, the server holds no lock for it any more.
func (s *shadow) finish() ending {
	s.end()
	if !s.seize(seizePatience) {
		return s.endFromOutside(fmt.Errorf("a statement did not end within %v of its cancellation", seizePatience))
	}
	defer func() { <-s.turn }()
	if s.session == nil { // it sent nothing
		return ending{rolledBack: true, reason: s.noted()}
	}
	if s.session.conn.IsClosed() {
		return s.endFromOutside(nil)
	}
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	e := ending{}
	if r := s.noted(); s.mode == ModeRollback && rank(r) < rank("budget") {
		e.footprint = s.footprint(ctx)
	}
	escaped, err := s.session.rollback(ctx)
	if err != nil {
		return s.endFromOutside(fmt.Errorf("roll back: %w", err))
	}
	if escaped && !s.adapter.layers.noWatch {
		s.escaped("unknown")
		return s.endFromOutside(nil)
	}
	if s.noted() != "" && s.mode == ModeReadOnly {
		closeConn(s.conn()) // not back to the pool with what it may have kept
	}
	s.closeSession()
	e.rolledBack, e.reason = true, s.noted()
	return e
}

// closeSession gives the session back while the answer is on its way: nothing
// depends on it any more.
func (s *shadow) closeSession() {
	if s.mode == ModeReadOnly || s.adapter.enter() != nil {
		s.session.release()
		return
	}
	go s.closeInBackground()
}

func (s *shadow) closeInBackground() {
	defer s.adapter.running.Done()
	s.session.release()
}

// endFromOutside ends the session by another one, when its own connection can
// not be used any more.
func (s *shadow) endFromOutside(why error) ending {
	if why != nil {
		s.log.Warn("a shadow's session is ended from outside", "why", why)
	}
	if s.mode == ModeReadOnly { // nothing to take back, and the pool sees to its connection
		if why == nil {
			s.session.release()
		}
		return ending{rolledBack: true, reason: s.noted()}
	}
	if why == nil {
		s.session.release()
	}
	if err := s.adapter.sessions.gone(s.session); err != nil {
		s.log.Error("the end of a shadow's transaction can not be confirmed", "err", err)
		return ending{reason: s.noted()}
	}
	return ending{rolledBack: true, reason: s.noted()}
}

// footprint reads what the transaction has written, just before it is rolled
// back; nil when that can not be told. It also sees whether the transaction is
// still the one that was armed.
func (s *shadow) footprint(ctx context.Context) Footprint {
	if s.tx != nil { // never committed: an application's pool would roll it back
		if err := s.rollbackTo(ctx, s.tx.mark); err != nil {
			return nil
		}
	}
	results, err := s.session.control(ctx, "SELECT pg_catalog.txid_current_if_assigned();"+countsSQL)
	if err != nil {
		s.log.Warn("read the footprint of a shadow", "err", err)
		return nil
	}
	if xid := string(results[0].Rows[0][0]); s.session.xid != "" && xid != s.session.xid && !s.adapter.layers.noWatch {
		s.escaped("chain")
		return nil
	}
	s.readBooks(results)
	if s.books.lost != "" || !s.session.counting {
		return nil
	}
	return s.books.footprint()
}
