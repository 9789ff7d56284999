package txshadow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

// run runs a shadow that has been verified and answers with its signed
// acknowledgement, after the server has confirmed the rollback.
// Its time runs from began.
func (a *Adapter) run(w http.ResponseWriter, r *http.Request, m Marked, began time.Time, body []byte, next http.Handler) {
	if a.enter() != nil {
		a.acknowledge(w, m, ending{rolledBack: true, reason: "unsupported:closing"}, nil)
		return
	}
	s := newShadow(a, m)
	s.deadline = began.Add(a.limit(m))
	ctx, cancel := context.WithDeadline(r.Context(), s.deadline)
	defer cancel()
	free, reason := a.start(ctx, s)
	if reason != "" {
		a.running.Done()
		a.acknowledge(w, m, ending{rolledBack: true, reason: reason}, nil)
		return
	}
	h := &handling{shadow: s, answer: newAnswer(s, a.maxBody), done: make(chan struct{})}
	req, stop := h.request(r, body)
	running.add(s)
	go h.serve(next, req, func() { running.remove(s); free(); a.running.Done() })
	var answered *answer
	select {
	case <-h.done:
		answered = h.result()
	case <-ctx.Done():
	}
	if !time.Now().Before(s.deadline) { // the server's own limit, or the handler's end, may have been quicker than this process
		a.outOfTime(s, m)
	}
	e := s.finish()
	stop(ErrOver)
	e.effects = s.effects.list()
	a.acknowledge(w, m, e, answered)
}

// outOfTime notes that a shadow has had its time.
func (a *Adapter) outOfTime(s *shadow, m Marked) {
	s.note("budget")
	if limit := a.limit(m); m.Budget > limit {
		s.log.Warn("a shadow was ended by the cap of this service, below the budget of its route", "cap", limit, "budget", m.Budget)
	}
}

// limit is how long the transaction of m may stay open.
func (a *Adapter) limit(m Marked) time.Duration {
	most := a.wallCap
	if m.Mode == ModeReadOnly {
		most = a.readCap
	}
	if m.Budget <= 0 || m.Budget > most {
		return most
	}
	return m.Budget
}

// minPool is the least MaxConns of a pool that reading shadows borrow from:
// of fewer connections, one is more than a quarter, and live requests wait.
const minPool = 4

// start finds a place for a shadow and, for one that writes, arms its session.
// free gives the place back. reason says why nothing has been started.
func (a *Adapter) start(ctx context.Context, s *shadow) (free func(), reason string) {
	if s.mode == ModeReadOnly {
		if s.attach = s.attachToPool; a.live == nil {
			s.attach = s.attachToSession
		} else if a.live.Config().MaxConns < minPool {
			return nil, "unsupported:pool-size"
		}
		select {
		case a.reading <- struct{}{}:
			return func() { <-a.reading }, ""
		case <-ctx.Done():
			return nil, "unsupported:busy"
		}
	}
	select {
	case a.writing <- struct{}{}:
		free = func() { <-a.writing }
	default:
		return nil, "unsupported:busy"
	}
	session, err := a.armed(ctx, time.Until(s.deadline))
	if err == nil && !session.flushed {
		err = s.openBooks(ctx, session)
	}
	a.sessions.refill()
	if err != nil {
		free()
		if ctx.Err() != nil {
			return nil, "budget"
		}
		if errors.Is(err, errSerializable) {
			a.log.Warn("a shadow write was not run", "request", s.id, "err", err)
			return nil, "unsupported:isolation"
		}
		a.log.Error("a shadow write was not run", "request", s.id, "err", err)
		return nil, "unsupported:arm"
	}
	s.session = session
	return free, ""
}

// openBooks takes what the session has written before as void.
func (s *shadow) openBooks(ctx context.Context, session *session) error {
	results, err := session.control(ctx, session.countsSQL)
	if err == nil {
		s.books.last, err = readCounts(results[0])
		s.books.void = s.books.last
	}
	if err != nil {
		session.release()
	}
	return err
}

// attachToPool begins the transaction of a reading shadow on a connection of
// the application's pool.
func (s *shadow) attachToPool(ctx context.Context) (*session, error) {
	conn, err := s.adapter.live.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	session := &session{conn: conn.Conn(), release: sync.OnceFunc(conn.Release), openSQL: openSQL}
	if err := session.beginReadOnly(ctx, time.Until(s.deadline), s.adapter.lockTimeout); err != nil {
		if errors.Is(err, errSerializable) { // the connection is as it was
			session.release()
			s.log.Warn("a reading shadow was not run", "err", err)
			return nil, s.refuse("unsupported:isolation")
		}
		closeConn(session.conn)
		session.release()
		return nil, fmt.Errorf("begin the transaction of a reading shadow: %w", err)
	}
	return session, nil
}

// attachToSession begins the transaction of a reading shadow on a session of
// its own, where there is no pool.
func (s *shadow) attachToSession(ctx context.Context) (*session, error) {
	session, err := s.adapter.sessions.take(ctx)
	if err != nil {
		return nil, err
	}
	s.adapter.sessions.refill()
	if err := session.beginReadOnly(ctx, time.Until(s.deadline), s.adapter.lockTimeout); err != nil {
		session.release()
		if errors.Is(err, errSerializable) {
			s.log.Warn("a reading shadow was not run", "err", err)
			return nil, s.refuse("unsupported:isolation")
		}
		return nil, fmt.Errorf("begin the transaction of a reading shadow: %w", err)
	}
	return session, nil
}

// handling is a handler that runs for a shadow, in a goroutine of its own: at
// the budget it is not waited for.
type handling struct {
	shadow *shadow
	answer *answer
	done   chan struct{} // closed when the handler has returned

	// Readable when done is closed.
	panicked bool
}

// request is r for the handler: with the body that has been read already, and
// a context that ends when stop is called.
func (h *handling) request(r *http.Request, body []byte) (_ *http.Request, stop context.CancelCauseFunc) {
	scope := h.shadow.adapter.newScope(r.Header)
	scope.shadow, scope.baggage = h.shadow, h.shadow.adapter.codec.nestedMark(h.shadow.id)
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
// not be confirmed, and then with a status that nothing between here and Quack
// answers with for reasons of its own; without an answer of the application's when there is none.
func (a *Adapter) acknowledge(w http.ResponseWriter, m Marked, e ending, answered *answer) {
	if !e.rolledBack {
		why := "txshadow: the rollback could not be confirmed"
		if e.reason != "" {
			why += " (" + e.reason + ")"
		}
		http.Error(w, why, http.StatusInternalServerError)
		return
	}
	if answered == nil {
		answered = newAnswer(nil, a.maxBody)
		http.Error(answered, "txshadow: nothing to compare: "+e.reason, http.StatusServiceUnavailable)
	}
	if answered.tooLong() && e.reason == "" {
		e.reason = "unsupported:answer-size"
	}
	answered.send(w, func(h http.Header) {
		h.Del(HeaderFootprint)
		a.codec.Acknowledge(h, m.ID, RolledBack, e.reason)
		if e.footprint != nil {
			h.Set(HeaderFootprint, e.footprint.with(e.effects))
		}
	})
}
