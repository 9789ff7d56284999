package pgwire

import (
	"context"
	"sync"
)

// window is the time in which a client's statements are under way on the
// session, and a cancel request may be passed on. Our own statements are never
// run within it.
type window struct {
	mu         sync.Mutex
	who        *member
	cancelling chan struct{} // closed when the request is over; nil when there is none
}

// open begins a member's time.
func (w *window) open(m *member) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.who = m
}

// shut ends it, and waits for a request that is on its way.
func (w *window) shut() {
	w.mu.Lock()
	w.who = nil
	under := w.cancelling
	w.mu.Unlock()
	if under != nil {
		<-under
	}
}

// cancel cancels what m has under way, or anyone when m is nil. It returns
// when the request can not hit anything else any more.
func (w *window) cancel(ctx context.Context, m *member) {
	w.mu.Lock()
	if w.who == nil || m != nil && w.who != m {
		w.mu.Unlock()
		return
	}
	if under := w.cancelling; under != nil { // one request cancels as well as two
		w.mu.Unlock()
		<-under
		return
	}
	done, up := make(chan struct{}), w.who.up
	w.cancelling = done
	w.mu.Unlock()
	up.CancelRequest(ctx)
	w.mu.Lock()
	w.cancelling = nil
	w.mu.Unlock()
	close(done)
}
