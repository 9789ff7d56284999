// Package turn lets the statements of one shadow have its session one after
// the other, and ends the shadow while one of them is under way. [Turn] is all
// there is; what the session is, its users know.
package turn

import (
	"context"
	"sync"
	"time"
)

// Patience is how long a cancelled statement is waited for before the session
// is ended from outside. Quack waits 100 ms beyond the budget.
const Patience = 75 * time.Millisecond

// Turn is that of one shadow. Safe for concurrent use.
type Turn struct {
	over   error
	attach func(context.Context) error
	drop   func()

	ended chan struct{} // closed when nothing more may be sent
	token chan struct{} // holds one while a statement is under way

	mu        sync.Mutex
	isOver    bool
	abandoned bool               // a statement does not come to its end: its goroutine drops the session
	cancel    context.CancelFunc // of the statement under way
	broken    error              // what every further statement gets
}

// New makes a turn that nobody has. over is the error of statements after the
// end. attach is called by each one that has got the turn, so that there is a
// session; drop closes the session, if there is one. Both have the turn.
func New(over error, attach func(context.Context) error, drop func()) *Turn {
	return &Turn{over: over, attach: attach, drop: drop, ended: make(chan struct{}), token: make(chan struct{}, 1)}
}

// Enter waits for the turn, and attaches the session. The context it returns
// ends with the shadow, and not with ctx: what must be put right after a
// statement that ctx has cancelled still has to be sent. leave must be called.
func (t *Turn) Enter(ctx context.Context) (own context.Context, leave func(), err error) {
	own, cancel, err := t.take(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := t.attach(own); err != nil {
		t.leave(cancel)
		return nil, nil, err
	}
	return own, func() { t.leave(cancel) }, nil
}

func (t *Turn) take(ctx context.Context) (own context.Context, cancel context.CancelFunc, err error) {
	if err := ctx.Err(); err != nil && !t.hasEnded() {
		return nil, nil, err
	}
	select {
	case t.token <- struct{}{}:
	case <-t.ended:
		return nil, nil, t.over
	case <-ctx.Done():
		if t.hasEnded() { // of two that are ready, select takes any
			return nil, nil, t.over
		}
		return nil, nil, ctx.Err()
	}
	own, cancel = context.WithCancel(context.WithoutCancel(ctx))
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.stopped(); err != nil {
		cancel()
		<-t.token
		return nil, nil, err
	}
	t.cancel = cancel
	return own, cancel, nil
}

func (t *Turn) leave(cancel context.CancelFunc) {
	cancel()
	t.mu.Lock()
	t.cancel = nil
	if t.abandoned {
		t.mu.Unlock()
		t.drop()
		<-t.token
		return
	}
	<-t.token // with the lock held, so that Seize sees both or neither
	t.mu.Unlock()
}

// Stop makes err the answer to every further statement.
func (t *Turn) Stop(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broken = err
}

// Lose is Stop when the session has gone away by itself: an error of before
// stays. early is called when that was before the shadow's end.
func (t *Turn) Lose(err error, early func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.isOver {
		early()
	}
	if t.broken == nil {
		t.broken = err
	}
}

// Stopped is why nothing more is sent, nil while the shadow goes on.
func (t *Turn) Stopped() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stopped()
}

func (t *Turn) stopped() error {
	if t.isOver {
		return t.over
	}
	return t.broken
}

// Broken is what Stop or Lose was given, nil when neither was called.
func (t *Turn) Broken() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.broken
}

func (t *Turn) hasEnded() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.isOver
}

// End ends the shadow: the statement under way is cancelled, and no other is
// sent.
func (t *Turn) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.isOver {
		return
	}
	t.isOver = true
	close(t.ended)
	if t.cancel != nil {
		t.cancel()
	}
}

// Seize takes the turn after End, to end the session, within Patience; Release
// gives it back. It returns false when a statement does not come to its end; its
// goroutine then drops the session.
func (t *Turn) Seize() bool {
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case t.token <- struct{}{}:
		return true
	case <-timer.C:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case t.token <- struct{}{}: // it has just ended after all
		return true
	default:
		t.abandoned = true
		return false
	}
}

// Release gives back the turn that Seize has taken.
func (t *Turn) Release() { <-t.token }
