package upstream

import (
	"sync/atomic"
	"time"
)

// breaker refuses calls to a backend of which no instance can be reached, so
// that its clients do not all wait for a connection that does not come. What
// the application answers does not open it, whatever the status.
type breaker struct {
	set    Breaker
	row    atomic.Int32 // calls in a row that could not be made
	open   atomic.Pointer[opening]
	opened *atomic.Int64 // counter
}

// opening is that the breaker is open. Immutable.
type opening struct {
	until  time.Time // then one call is let through
	length time.Duration
	probe  bool // one has been, and has no outcome yet
}

// firstOpen is the part of Breaker.For for which a breaker is open at first. A
// backend that is restarted is away for a moment, and at thousands of requests
// a second that moment opens the breaker.
const firstOpen = 16

// failed notes a call that could not be made. Of those while the breaker is
// open only the one that was let through says anything new.
func (k *breaker) failed() {
	if k.set.Off {
		return
	}
	row := int(k.row.Add(1))
	before := k.open.Load()
	if before == nil && row < k.set.Failures || before != nil && !before.probe {
		return
	}
	next := &opening{length: k.set.For / firstOpen}
	if before != nil {
		next.length = min(2*before.length, k.set.For)
	}
	next.until = time.Now().Add(next.length)
	if k.open.CompareAndSwap(before, next) && before == nil {
		k.opened.Add(1)
	}
}

// reached notes that the backend can be reached.
func (k *breaker) reached() {
	if k.row.Load() != 0 {
		k.row.Store(0)
	}
	if k.open.Load() != nil {
		k.open.Store(nil)
	}
}

// admit reports whether a call may be made, else how long until one may. When
// the time is over one caller is let through; the others wait for its outcome.
func (k *breaker) admit() (wait time.Duration, ok bool) {
	o := k.open.Load()
	if o == nil {
		return 0, true
	}
	now := time.Now()
	if left := o.until.Sub(now); left > 0 {
		return left, false
	}
	if k.open.CompareAndSwap(o, &opening{until: now.Add(o.length), length: o.length, probe: true}) {
		return 0, true
	}
	return o.length, false
}

// Admit counts a request that is about to be sent to the backend, and reports
// whether it may be. Not so while the breaker is open (Options.Breaker): no
// instance could be reached lately, and wait is how long until one request is
// let through to see. It may be sent over then, or an answer given at once.
func (b *Backend) Admit() (wait time.Duration, ok bool) {
	wait, ok = b.breaker.admit()
	if !ok {
		b.counts.refused.Add(1)
		return wait, false
	}
	b.retries.request(time.Now())
	return 0, true
}
