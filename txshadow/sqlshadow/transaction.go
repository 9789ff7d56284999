package sqlshadow

import (
	"context"
	"strings"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/ledger"
	"github.com/quackproxy/quack/txshadow/internal/turn"
)

// transaction is that of one shadow request: everything that its handler sends
// to the database goes through it, on one session, one statement at a time.
type transaction struct {
	request *txshadow.Shadow
	adapter *Adapter
	free    func() // gives back its place among those that run at once
	// attach opens the session and its transaction when the first statement
	// comes; nil when they were opened before the handler ran.
	attach func(context.Context) (*session, error)

	turn *turn.Turn // who has it owns what follows
	held
}

// held is what belongs to the goroutine whose statement is under way.
type held struct {
	session   *session
	serial    int    // of the last savepoint
	tx        *tx    // the application's open transaction
	unchecked bool   // something may wait for a deferred constraint
	writers   int    // savepoints that may have a transaction id of their own
	undone    bool   // the server has rolled the whole transaction back, and said so
	leaked    string // what the last COMMIT of the application should have ended
	books     ledger.Ledger
}

func newTransaction(a *Adapter, s *txshadow.Shadow) *transaction {
	t := &transaction{request: s, adapter: a}
	t.turn = turn.New(txshadow.ErrOver, t.ready, t.drop)
	return t
}

// Free is called when the handler has returned.
func (t *transaction) Free() { t.free() }

func (t *transaction) reads() bool { return t.request.Mode() == txshadow.ModeReadOnly }

func (t *transaction) note(reason string) { t.request.Note(reason) }

// refuse notes the reason and is the error for the application. After an
// attempt to escape nothing more is sent.
func (t *transaction) refuse(reason string) error {
	err := &txshadow.RefusedError{Reason: reason}
	t.note(reason)
	if strings.HasPrefix(reason, "escape:") {
		t.request.Log().Error("shadow request tried to end its transaction", "reason", reason)
		t.turn.Stop(err)
	}
	return err
}

// ready sees to it that there is a session.
func (t *transaction) ready(own context.Context) (err error) {
	if t.session == nil {
		t.session, err = t.attach(own)
	}
	return err
}

func (t *transaction) drop() {
	if t.session != nil {
		t.session.release()
	}
}
