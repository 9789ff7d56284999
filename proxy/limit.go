package proxy

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/quackproxy/quack/upstream"
)

// errLate ends a call whose answer did not begin in time.
var errLate = errors.New("the answer did not begin in time")

// late reports whether a call ended in err because its answer did not begin in
// time.
func late(ctx context.Context, err error) bool {
	return context.Cause(ctx) == errLate || errors.Is(err, upstream.ErrHeadTimeout)
}

// limit bounds the wait for the head of the answer to a request with a body.
// The wait begins anew whenever a piece of the body moves: an upload may take
// its time.
type limit struct {
	after time.Duration
	timer *time.Timer

	mu  sync.Mutex
	off bool
}

func (l *life) limit(cancel context.CancelCauseFunc) *limit {
	t := &limit{after: l.route.Timeout}
	t.timer = time.AfterFunc(t.after, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.off {
			return
		}
		cancel(errLate)
		if l.upload != nil && !l.upload.whole() {
			// The engine waits for its reader of the body, and that for the
			// client. Where it can not be woken, it has to wait.
			_ = http.NewResponseController(l.w).SetReadDeadline(time.Now())
		}
	})
	return t
}

// again starts the wait anew.
func (t *limit) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.off {
		t.timer.Reset(t.after)
	}
}

// met ends the wait.
func (t *limit) met() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.off = true
	t.timer.Stop()
}
