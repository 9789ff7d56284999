package txshadow

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// proofFor is how long one proof answers for, and failureFor how long one
	// that has failed is not repeated.
	proofFor   = 4 * time.Second
	failureFor = time.Second
	// drillEvery is how often a proof is a drill, which leaves two errors in
	// the server's log. Between drills a session is armed, which looks at the
	// fuse's trigger and the belt.
	drillEvery = time.Minute
	// proofTimeout is for a whole proof, connecting included.
	proofTimeout = 3 * time.Second
)

// proof is the last proof.
type proof struct {
	mu      sync.Mutex
	until   time.Time
	err     error
	drilled time.Time // the last drill that went well

	lifts string // why the last drill has not shown the fuse's lift, "" when it has
	rows  string // why rows can not be read, "" when they can
}

// hello answers GET /.well-known/quack/hello: with a signed "ready" when a
// drill has shown that a shadow can not commit here.
func (a *Adapter) hello(w http.ResponseWriter, r *http.Request) {
	if len(r.Header.Values(HeaderShadow)) == 0 {
		http.NotFound(w, r)
		return
	}
	m, err := a.verified(r, http.NoBody)
	if err == nil && (m.Mode != ModeHello || r.Method != http.MethodGet) {
		err = fmt.Errorf("%s %s with mode %q", r.Method, r.URL.Path, m.Mode)
	}
	if err != nil {
		a.forbid(w, r, err)
		return
	}
	err = a.prove(r.Context())
	if o := a.outsiderOf(r); o != nil {
		err = o.err()
	}
	if err != nil {
		a.log.Error("this service can not roll shadow writes back", "err", err)
		http.Error(w, "txshadow: not ready: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	a.codec.Acknowledge(w.Header(), m.ID, Ready, a.proof.reason())
	w.WriteHeader(http.StatusNoContent)
}

// reason is what a Ready says beyond itself.
func (p *proof) reason() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil && p.rows == "" && !p.drilled.IsZero() {
		return ReasonPrepare
	}
	return ""
}

// prove shows that a shadow can not commit, unless it has just done so.
func (a *Adapter) prove(ctx context.Context) error {
	p := &a.proof
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.until) {
		return p.err
	}
	if err := a.enter(); err != nil {
		return err
	}
	defer a.running.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), proofTimeout)
	defer cancel()
	drill := p.err != nil || time.Since(p.drilled) > drillEvery
	p.err = a.drill(ctx, drill)
	p.until = time.Now().Add(proofFor)
	if p.err != nil {
		p.until = time.Now().Add(failureFor)
	} else if drill {
		p.drilled = time.Now()
	}
	a.sessions.refill()
	return p.err
}

// drill arms a session and, when it is a whole drill, tries to commit, as an
// application would that has got past the interception: the fuse has to refuse
// the commit, and the belt what is written after it.
func (a *Adapter) drill(ctx context.Context, whole bool) error {
	s, err := a.armed(ctx, proofTimeout)
	if err != nil {
		return err
	}
	defer s.release()
	if err := a.judgeRows(ctx, s, whole); err != nil || !whole {
		return err
	}
	if _, err := s.control(ctx, "COMMIT"); sqlState(err) != fuseState {
		return fmt.Errorf("the fuse did not refuse a COMMIT (%s)\n  install it anew: quack txshadow install", outcomeOf(err))
	}
	if st := s.conn.PgConn().TxStatus(); st != 'I' {
		return fmt.Errorf("after the fuse the session has status %c", st)
	}
	if _, err := s.control(ctx, "INSERT INTO txshadow.fuse (nonce) VALUES ('drill')"); sqlState(err) != stateReadOnly {
		return fmt.Errorf("the session did not refuse to write after its transaction (%s)", outcomeOf(err))
	}
	return nil
}

// judgeRows finds out whether the database gives rows. a.proof.mu is held.
func (a *Adapter) judgeRows(ctx context.Context, s *session, whole bool) error {
	p := &a.proof
	why, err := a.incapable(ctx, s, whole)
	if err != nil {
		return err
	}
	if whole {
		p.lifts = why
	}
	if why == "" {
		why = p.lifts // as the last drill has found
	}
	if why != p.rows {
		a.log.Info("what a shadow would have written is counted, and its rows are not read", "why", why)
	}
	if p.rows = why; why == "" {
		a.noOrphans.Store(false)
		a.sweep()
	}
	return nil
}

func outcomeOf(err error) string {
	if err == nil {
		return "it was accepted"
	}
	return err.Error()
}

// armed is a session whose transaction can not commit.
func (a *Adapter) armed(ctx context.Context, budget time.Duration) (*session, error) {
	for attempt := 0; ; attempt++ {
		s, err := a.sessions.take(ctx)
		if err != nil {
			return nil, err
		}
		err = s.arm(ctx, rand.Text(), budget, a.lockTimeout, a.layers)
		if err == nil {
			return s, nil
		}
		cut := s.conn.IsClosed()
		s.release()
		if attempt > 0 || !cut || ctx.Err() != nil {
			return nil, fmt.Errorf("arm a shadow's session: %w%s", err, remedy(err))
		}
		// The spare had been cut off while it waited.
	}
}

// remedy is the next step after an error of arming.
func remedy(err error) string {
	switch sqlState(err) {
	case stateNoSchema, stateNoTable:
		return "\n  the fuse is not installed in this database: quack txshadow install"
	case stateNoRight:
		return "\n  this role may not arm the fuse: quack txshadow install --role ROLE"
	}
	return ""
}
