package proxy

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// errIdle ends a call whose body, of the request or the answer, stood still.
var errIdle = errors.New("the body stood still")

// idle breaks off bodies that stand still for longer than the route allows:
// of the request from its first read to its end, of the answer from its head
// to its end. In between the route's timeout counts. A nil idle never does.
type idle struct {
	l     *life
	after time.Duration

	mu        sync.Mutex
	timer     *time.Timer // nil while nothing is to move
	cancel    context.CancelCauseFunc
	answering bool
	paused    bool
	fired     bool
	ended     bool
}

func newIdle(l *life) *idle {
	if l.route.Limits.Idle == 0 {
		return nil
	}
	return &idle{l: l, after: l.route.Limits.Idle}
}

// ends has the call ended too when a body stands still.
func (t *idle) ends(cancel context.CancelCauseFunc) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cancel = cancel
	if t.l.upload != nil && !t.l.upload.whole() {
		t.start()
	}
}

// watch begins with the answer's body.
func (t *idle) watch() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answering = true
	t.start()
}

// start waits anew. mu is held.
func (t *idle) start() {
	t.paused = false
	switch {
	case t.fired || t.ended:
	case t.timer == nil:
		t.timer = time.AfterFunc(t.after, t.fire)
	default:
		t.timer.Reset(t.after)
	}
}

// moved notes that a piece has passed.
func (t *idle) moved() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.start()
}

// pause waits for nothing until the answer begins.
func (t *idle) pause() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil && !t.answering {
		t.paused = true
		t.timer.Stop()
	}
}

func (t *idle) fire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended || t.fired || t.paused {
		return
	}
	t.fired = true
	if t.cancel != nil {
		t.cancel(errIdle)
	}
	conn := http.NewResponseController(t.l.w)
	// Where there are no deadlines the other end has to be waited for.
	_ = conn.SetReadDeadline(time.Now())
	if t.answering {
		_ = conn.SetWriteDeadline(time.Now())
	}
}

// over reports whether a body was broken off.
func (t *idle) over() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fired
}

// end is the last call: nothing is broken off any more. It reports whether an
// answer has been.
func (t *idle) end() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if t.timer != nil {
		t.timer.Stop()
	}
	return t.fired && t.answering
}

// uploadMoved notes that a piece of the request's body has come.
func (l *life) uploadMoved() {
	if l.upload.whole() {
		l.idle.pause()
		return
	}
	l.idle.moved()
}

// bodyIdle answers a client that let its body stand still.
func (l *life) bodyIdle() {
	l.refused(http.StatusRequestTimeout, "body-idle", "The request's body stood still for too long.")
}
