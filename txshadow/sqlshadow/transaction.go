package sqlshadow

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/ledger"
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

	ended chan struct{} // closed when nothing more may be sent

	mu        sync.Mutex
	over      bool
	abandoned bool               // a statement does not come to its end: its goroutine closes the session
	cancel    context.CancelFunc // of the statement under way
	poison    error              // what every further statement gets

	turn chan struct{} // holds a token while a statement is under way; who put it there owns what follows
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
	return &transaction{request: s, adapter: a, ended: make(chan struct{}), turn: make(chan struct{}, 1)}
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
		t.mu.Lock()
		t.poison = err
		t.mu.Unlock()
	}
	return err
}

// end stops the shadow: the statement under way is cancelled, and no other is
// sent.
func (t *transaction) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	t.over = true
	close(t.ended)
	if t.cancel != nil {
		t.cancel()
	}
}

// enter waits for the shadow's turn. The context it returns ends with the
// shadow, and not with ctx: what must be put right after a statement that ctx
// has cancelled still has to be sent. leave must be called.
func (t *transaction) enter(ctx context.Context) (own context.Context, leave func(), err error) {
	if err := ctx.Err(); err != nil && !t.isOver() {
		return nil, nil, err
	}
	select {
	case t.turn <- struct{}{}:
	case <-t.ended:
		return nil, nil, txshadow.ErrOver
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || t.poison != nil {
		cancel()
		<-t.turn
		if t.over {
			return nil, nil, txshadow.ErrOver
		}
		return nil, nil, t.poison
	}
	t.cancel = cancel
	return own, func() { t.leave(cancel) }, nil
}

func (t *transaction) isOver() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

func (t *transaction) leave(cancel context.CancelFunc) {
	cancel()
	session := t.session
	t.mu.Lock()
	t.cancel = nil
	abandoned := t.abandoned
	<-t.turn // with the lock held, so that seize sees both or neither
	t.mu.Unlock()
	if abandoned && session != nil {
		session.release()
	}
}

// ready enters and sees to it that there is a session.
func (t *transaction) ready(ctx context.Context) (own context.Context, leave func(), err error) {
	own, leave, err = t.enter(ctx)
	if err != nil || t.session != nil {
		return own, leave, err
	}
	if t.session, err = t.attach(own); err != nil {
		leave()
		return nil, nil, err
	}
	return own, leave, nil
}

// seize takes the turn to end the session, within patience. It returns false
// when a statement does not come to its end; its goroutine then closes the
// session.
func (t *transaction) seize(patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case t.turn <- struct{}{}:
		return true
	case <-timer.C:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case t.turn <- struct{}{}: // it has just ended after all
		return true
	default:
		t.abandoned = true
		return false
	}
}
