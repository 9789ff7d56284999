package pgwire

import (
	"context"
	"fmt"
	"time"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/ledger"
	"github.com/quackproxy/quack/txshadow/internal/reasons"
)

// Shadow is one shadow request.
type Shadow struct {
	ID   string
	Mode txshadow.Mode // ModeRollback or ModeReadOnly
	// Budget is how long it may take; 0 and what is longer than the lane's
	// WallCap stand for that.
	Budget time.Duration
	// Trace is the trace's id in the traceparent that the request carries (W3C
	// Trace Context), 32 hex digits. Statements with another one in a comment
	// belong to something else; "" when that is not looked at.
	Trace string
}

// Outcome is what became of a shadow.
type Outcome struct {
	RolledBack  bool               // the server has said so, or has no such session any more
	Unreachable bool               // not RolledBack, as far as is known: the server that had the session is gone, and nothing was held against the shadow
	Reason      string             // as in Quack-Shadow-Result; "" when all is well
	Footprint   txshadow.Footprint // nil when it is not known
	Statements  int                // how often the instance has sent something to run
}

// shadow is one that is open.
type shadow struct {
	Shadow
	lane   *Lane
	budget time.Duration

	closing chan struct{} // closed by Close
	watched chan struct{} // closed when nobody watches the time any more
	done    chan struct{} // closed when it is no more

	// Under the lane's lock.
	reason  string
	over    bool // nothing more is sent
	outcome *Outcome

	course
}

// course belongs to who has the lane's turn.
type course struct {
	armed     *armed // nil until the transaction is open
	serial    int    // of the last savepoint
	open      string // savepoint of the last unit, released before the next
	tx        *appTx // the application's open transaction
	unchecked bool   // something may wait for a deferred constraint
	writers   int    // savepoints that may have a transaction id of their own
	leaked    string // what the last COMMIT of the application should have ended
	books     ledger.Ledger
}

func newShadow(l *Lane, s Shadow) *shadow {
	sh := &shadow{Shadow: s, lane: l, budget: s.Budget,
		closing: make(chan struct{}), watched: make(chan struct{}), done: make(chan struct{})}
	if sh.budget <= 0 || sh.budget > l.cfg.WallCap {
		sh.budget = l.cfg.WallCap
	}
	return sh
}

// note keeps the reason that the outcome will give.
func (sh *shadow) note(reason string) {
	sh.lane.mu.Lock()
	defer sh.lane.mu.Unlock()
	sh.noteLocked(reason)
}

func (sh *shadow) noteLocked(reason string) {
	if reasons.Rank(reason) > reasons.Rank(sh.reason) {
		sh.reason = reason
	}
}

func (sh *shadow) isOver() bool {
	sh.lane.mu.Lock()
	defer sh.lane.mu.Unlock()
	return sh.over
}

// isOpen reports whether there is a shadow whose transaction is open.
func (sh *shadow) isOpen() bool {
	if sh == nil || sh.armed == nil {
		return false
	}
	sh.lane.mu.Lock()
	defer sh.lane.mu.Unlock()
	return sh.outcome == nil
}

// watch ends a shadow when its time is up.
func (l *Lane) watch(sh *shadow) {
	defer close(sh.watched)
	timer := time.NewTimer(sh.budget)
	defer timer.Stop()
	select {
	case <-sh.closing:
	case <-timer.C:
		l.settle(sh, "budget")
	}
}

// Close ends the shadow: what is under way is cancelled, everything is rolled
// back, and what the server says of it is returned. Without a shadow the
// outcome is empty.
func (l *Lane) Close(context.Context) Outcome {
	l.mu.Lock()
	sh := l.shadow
	l.mu.Unlock()
	if sh == nil {
		return Outcome{}
	}
	close(sh.closing)
	<-sh.watched
	l.settle(sh, "")
	l.mu.Lock()
	l.shadow = nil
	out := *sh.outcome
	empty := len(l.members) == 0
	l.mu.Unlock()
	close(sh.done)
	if empty {
		l.turn <- struct{}{}
		if l.session != nil {
			l.session.end()
			l.session = nil
		}
		l.give()
	}
	return out
}

const (
	// seizePatience is how long a cancelled statement is waited for before
	// the session is ended from outside. Quack waits 100 ms beyond the budget.
	seizePatience = 75 * time.Millisecond
	// cancelEvery repeats a request that came before its statement had begun.
	cancelEvery = 25 * time.Millisecond
)

// settle ends the transaction of sh, once.
func (l *Lane) settle(sh *shadow, why string) {
	l.mu.Lock()
	if sh.outcome != nil {
		l.mu.Unlock()
		return
	}
	sh.over = true
	sh.noteLocked(why)
	l.mu.Unlock()
	var out Outcome
	if l.seize() {
		out = l.finish(sh)
		l.give()
	} else {
		out = l.endFromOutside(sh, fmt.Errorf("a statement did not end within %v of its cancellation", l.cfg.seize))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	out.Reason = sh.reason
	out.Unreachable = out.Unreachable && reasons.Rank(sh.reason) < reasons.Rank("escape")
	sh.outcome = &out
}

// seize takes the turn, cancelling what is under way.
func (l *Lane) seize() bool {
	ctx, cancel := context.WithTimeout(context.Background(), l.cfg.seize)
	defer cancel()
	for ctx.Err() == nil {
		l.window.cancel(ctx, nil)
		short, stop := context.WithTimeout(ctx, cancelEvery)
		taken := l.take(short)
		stop()
		if taken {
			return true
		}
	}
	return false
}
