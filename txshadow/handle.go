package txshadow

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/quackproxy/quack/txshadow/internal/reasons"
)

// run runs a shadow that has been verified and answers with its signed
// acknowledgement, after the server has confirmed the rollback.
// Its time runs from began.
func (a *front) run(w http.ResponseWriter, r *http.Request, m Marked, began time.Time, body []byte, next http.Handler) {
	if a.enter() != nil {
		a.acknowledge(w, m, Ending{RolledBack: true, Reason: "unsupported:closing"}, nil)
		return
	}
	s := newShadow(a, m, began.Add(a.limit(m)))
	ctx, cancel := context.WithDeadline(r.Context(), s.deadline)
	defer cancel()
	tx, reason := a.engine.begin(ctx, s)
	if reason != "" {
		a.running.Done()
		a.acknowledge(w, m, Ending{RolledBack: true, Reason: reason}, nil)
		return
	}
	s.transaction = tx
	h := &handling{shadow: s, answer: newAnswer(s, a.maxBody), done: make(chan struct{})}
	req, stop := h.request(r, body)
	running.add(s)
	go h.serve(next, req, func() { running.remove(s); tx.Free(); a.running.Done() })
	var answered *answer
	select {
	case <-h.done:
		answered = h.result()
	case <-ctx.Done():
	}
	if !time.Now().Before(s.deadline) { // the server's own limit, or the handler's end, may have been quicker than this process
		a.outOfTime(s, m)
	}
	e := tx.Finish()
	stop(ErrOver)
	e.effects = s.effects.list()
	a.acknowledge(w, m, e, answered)
}

// outOfTime notes that a shadow has had its time.
func (a *front) outOfTime(s *Shadow, m Marked) {
	s.note("budget")
	if limit := a.limit(m); m.Budget > limit {
		s.log.Warn("a shadow was ended by the cap of this service, below the budget of its route", "cap", limit, "budget", m.Budget)
	}
}

// limit is how long the transaction of m may stay open.
func (a *front) limit(m Marked) time.Duration {
	most := a.wallCap
	if m.Mode == ModeReadOnly {
		most = a.readCap
	}
	if m.Budget <= 0 || m.Budget > most {
		return most
	}
	return m.Budget
}

// handling is a handler that runs for a shadow, in a goroutine of its own: at
// the budget it is not waited for.
type handling struct {
	shadow *Shadow
	answer *answer
	done   chan struct{} // closed when the handler has returned

	// Readable when done is closed.
	panicked bool
}

// request is r for the handler: with the body that has been read already, and
// a context that ends when stop is called.
func (h *handling) request(r *http.Request, body []byte) (_ *http.Request, stop context.CancelCauseFunc) {
	scope := h.shadow.front.newScope(r.Header)
	scope.shadow, scope.baggage = h.shadow, h.shadow.front.codec.nestedMark(h.shadow.id)
	ctx, stop := context.WithCancelCause(context.WithValue(r.Context(), scopeKey{}, scope))
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r, stop
}

func (h *handling) serve(next http.Handler, r *http.Request, after func()) {
	defer after()
	defer close(h.done)
	defer func() {
		if r.MultipartForm != nil { // net/http does so for requests of its own only
			r.MultipartForm.RemoveAll()
		}
	}()
	h.panicked = true // a panic, or runtime.Goexit, which no recover sees
	defer func() {
		if p := recover(); p != nil && !aborted(p) {
			h.shadow.log.Error("the handler of a shadow request panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	next.ServeHTTP(h.answer, r)
	h.panicked = false
}

func aborted(p any) bool {
	err, ok := p.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// result is the answer, or that of a handler that has panicked.
func (h *handling) result() *answer {
	if !h.panicked {
		return h.answer
	}
	a := newAnswer(h.shadow, h.answer.body.limit)
	http.Error(a, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	return a
}

// acknowledge answers m. Without an acknowledgement when the rollback could
// not be confirmed: with 503 when that is because there is no server to ask, so that
// Quack takes it for unconfirmed; else, and for every escape, with a status that
// nothing between here and Quack answers with for reasons of its own. Without an
// answer of the application's when there is none.
func (a *front) acknowledge(w http.ResponseWriter, m Marked, e Ending, answered *answer) {
	if !e.RolledBack {
		why := "txshadow: the rollback could not be confirmed"
		if e.Reason != "" {
			why += " (" + e.Reason + ")"
		}
		status := http.StatusInternalServerError
		if e.Unreachable && reasons.Rank(e.Reason) < reasons.Rank("escape") {
			status = http.StatusServiceUnavailable
		}
		http.Error(w, why, status)
		return
	}
	if answered == nil {
		answered = newAnswer(nil, a.maxBody)
		http.Error(answered, "txshadow: nothing to compare: "+e.Reason, http.StatusServiceUnavailable)
	}
	if answered.tooLong() && e.Reason == "" {
		e.Reason = "unsupported:answer-size"
	}
	answered.send(w, func(h http.Header) {
		h.Del(HeaderFootprint)
		a.codec.Acknowledge(h, m.ID, RolledBack, e.Reason)
		if e.Footprint != nil {
			h.Set(HeaderFootprint, e.Footprint.with(e.effects))
		}
	})
}
