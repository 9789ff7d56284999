package txshadow

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow/internal/ledger"
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

	ended chan struct{} // closed when nothing more may be sent

	mu        sync.Mutex
	over      bool
	abandoned bool               // a statement does not come to its end: its goroutine closes the connection
	cancel    context.CancelFunc // of the statement under way
	poison    error              // what every further statement gets
	singles   map[*Single]*Conn

	turn chan struct{} // holds a token while a statement is under way; who put it there owns what follows
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
	return &shadow{Shadow: request, adapter: a, ended: make(chan struct{}), turn: make(chan struct{}, 1)}
}

// Free is called when the handler has returned.
func (s *shadow) Free() { s.free() }

// refuse notes the reason and is the error for the application. After an
// attempt to escape nothing more is sent.
func (s *shadow) refuse(reason string) error {
	err := &RefusedError{Reason: reason}
	s.note(reason)
	if rank(reason) == rank("escape") {
		s.log.Error("shadow request tried to end its transaction", "reason", reason)
		s.mu.Lock()
		s.poison = err
		s.mu.Unlock()
	}
	return err
}

// end stops the shadow: the statement under way is cancelled, and no other is
// sent.
func (s *shadow) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.over = true
	close(s.ended)
	if s.cancel != nil {
		s.cancel()
	}
}

// enter waits for the shadow's turn. The context it returns ends with the
// shadow, and not with ctx: what must be put right after a statement that ctx
// has cancelled still has to be sent. leave must be called.
func (s *shadow) enter(ctx context.Context) (own context.Context, leave func(), err error) {
	if err := ctx.Err(); err != nil && !s.isOver() {
		return nil, nil, err
	}
	select {
	case s.turn <- struct{}{}:
	case <-s.ended:
		return nil, nil, ErrOver
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.stopped(); err != nil {
		cancel()
		<-s.turn
		return nil, nil, err
	}
	s.cancel = cancel
	return own, func() { s.leave(cancel) }, nil
}

// alive is why nothing more is sent, nil while the shadow goes on.
func (s *shadow) alive() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped()
}

func (s *shadow) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// stopped is why nothing more is sent. s.mu is held.
func (s *shadow) stopped() error {
	if s.over {
		return ErrOver
	}
	return s.poison
}

func (s *shadow) leave(cancel context.CancelFunc) {
	cancel()
	session := s.session
	s.mu.Lock()
	s.cancel = nil
	abandoned := s.abandoned
	<-s.turn // with the lock held, so that seize sees both or neither
	s.mu.Unlock()
	if abandoned && session != nil {
		session.release()
	}
}

// ready enters and sees to it that there is a session.
func (s *shadow) ready(ctx context.Context) (own context.Context, leave func(), err error) {
	own, leave, err = s.enter(ctx)
	if err != nil || s.session != nil {
		return own, leave, err
	}
	if s.session, err = s.attach(own); err != nil {
		leave()
		return nil, nil, err
	}
	return own, leave, nil
}

// conn is the session's connection. Only for who has the turn.
func (s *shadow) conn() *pgx.Conn { return s.session.conn }

// seize takes the turn to end the session, within patience. It returns false
// when a statement does not come to its end; its goroutine then closes the
// connection.
func (s *shadow) seize(patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case s.turn <- struct{}{}:
		return true
	case <-timer.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.turn <- struct{}{}: // it has just ended after all
		return true
	default:
		s.abandoned = true
		return false
	}
}
