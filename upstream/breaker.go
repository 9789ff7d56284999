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
	until time.Time // then one call is let through
	since time.Time
}

// failed notes a call that could not be made.
func (k *breaker) failed() {
	if k.set.Off {
		return
	}
	row := int(k.row.Add(1))
	before := k.open.Load()
	if before == nil && row < k.set.Failures {
		return
	}
	now := time.Now()
	next := &opening{until: now.Add(k.set.For), since: now}
	if before != nil {
		next.since = before.since
	}
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
	if k.open.CompareAndSwap(o, &opening{until: now.Add(k.set.For), since: o.since}) {
		return 0, true
	}
	return k.set.For, false
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
