package txshadow

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow/internal/ledger"
	"github.com/quackproxy/quack/txshadow/internal/reasons"
	"github.com/quackproxy/quack/txshadow/internal/turn"
)

// shadow is the transaction of one shadow request: everything that its handler
// sends to the database goes through it, on one session, one statement at a time.
type shadow struct {
	*Shadow
	adapter *Adapter
	free    func() // gives back its place among those that run at once

	// attach opens the session and its transaction when the first statement
	// comes; nil when they were opened before the handler ran.
	attach func(context.Context) (*session, error)

	mu      sync.Mutex
	singles map[*Single]*Conn

	turn *turn.Turn // who has it owns what follows
	held
}

// held is what belongs to the goroutine whose statement is under way.
type held struct {
	session   *session
	serial    int    // of the last savepoint
	open      string // savepoint of the last statement, released before the next
	tx        *tx    // the application's open transaction, the outermost
	unchecked bool   // something may wait for a deferred constraint
	writers   int    // savepoints that may have a transaction id of their own
	leaked    string // what the last COMMIT of the application should have ended
	books     ledger.Ledger
}

func newWork(a *Adapter, request *Shadow) *shadow {
	s := &shadow{Shadow: request, adapter: a}
	s.turn = turn.New(ErrOver, s.ready, s.drop)
	return s
}

// Free is called when the handler has returned.
func (s *shadow) Free() { s.free() }

// refuse notes the reason and is the error for the application. After an
// attempt to escape nothing more is sent.
func (s *shadow) refuse(reason string) error {
	err := &RefusedError{Reason: reason}
	s.note(reason)
	if reasons.Rank(reason) == reasons.Rank("escape") {
		s.log.Error("shadow request tried to end its transaction", "reason", reason)
		s.turn.Stop(err)
	}
	return err
}

// ready sees to it that there is a session.
func (s *shadow) ready(own context.Context) (err error) {
	if s.session == nil {
		s.session, err = s.attach(own)
	}
	return err
}

func (s *shadow) drop() {
	if s.session != nil {
		s.session.release()
	}
}

// conn is the session's connection. Only for who has the turn.
func (s *shadow) conn() *pgx.Conn { return s.session.conn }
