package txshadow

import (
	"context"
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
	reason  string    // what a Ready says beyond itself
}

// hello answers GET /.well-known/quack/hello: with a signed "ready" when a
// drill has shown that a shadow can not commit here.
func (a *front) hello(w http.ResponseWriter, r *http.Request) {
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
	a.codec.Acknowledge(w.Header(), m.ID, Ready, a.proof.of())
	w.WriteHeader(http.StatusNoContent)
}

// of is what a Ready says beyond itself.
func (p *proof) of() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil || p.drilled.IsZero() {
		return ""
	}
	return p.reason
}

// prove shows that a shadow can not commit, unless it has just done so.
func (a *front) prove(ctx context.Context) error {
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
	p.reason, p.err = a.engine.drill(ctx, drill)
	p.until = time.Now().Add(proofFor)
	if p.err != nil {
		p.until = time.Now().Add(failureFor)
	} else if drill {
		p.drilled = time.Now()
	}
	return p.err
}
