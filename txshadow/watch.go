package txshadow

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// watch looks at where work has left the session. An idle session, or the
// fuse's own error, means that the transaction has ended: whatever let that
// happen, the session is closed at once and nothing more is sent.
func (s *shadow) watch(w work, err error) error {
	conn := s.conn()
	if s.adapter.layers.noWatch {
		return nil
	}
	if conn.IsClosed() {
		return s.lost(err)
	}
	if conn.PgConn().TxStatus() == 'I' || sqlState(err) == catalog.StateFuse {
		return s.escaped(w.stmts.Verb())
	}
	return nil
}

// escaped is called when the transaction has been ended behind our back.
func (s *shadow) escaped(verb string) error {
	err := s.refuse("escape:" + verb)
	s.log.Error("the transaction of a shadow request has ended: something may have been written\n" +
		"  compare the tables of this request with what live requests have written")
	s.session.release()
	return err
}

// lost is called when the session has gone away.
func (s *shadow) lost(err error) error {
	if err == nil {
		err = errors.New("the connection is closed")
	}
	err = fmt.Errorf("the shadow's session is gone: %w", err)
	s.turn.Lose(err, func() { s.note("unsupported:session-lost") })
	return err
}

// observe notes errors that say something about the shadow.
func (s *shadow) observe(w work, err error) {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return
	}
	switch e.Code {
	case catalog.StateReadOnly:
		if s.mode == ModeReadOnly && !w.on.readOnly() {
			s.note("write:" + catalog.StateReadOnly + w.stmts.Writer())
		}
	case catalog.StateProcedure:
		if w.on == nil { // else it fails live as well
			s.note("unsupported:procedure")
		}
	case catalog.StateLock:
		// Not NOWAIT, with which the application itself asked for it.
		if e.Routine == "ProcessInterrupts" {
			s.note("unsupported:lock-timeout")
		}
	}
}
