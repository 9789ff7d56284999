package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Instance is one URL of a backend.
type Instance struct {
	URL *url.URL // scheme and host

	options Options // with defaults
	addr    string  // host and port to dial
	tls     *tls.Config
	h2      *http.Transport // nil unless HTTP/2 is spoken
	idle    pool
	dials   dials
	helpers crew // goroutines that may outlive the call that started them

	slots     chan struct{} // one per call under way; nil is no limit
	calls     atomic.Int64  // calls under way
	unhealthy atomic.Bool
	rest      atomic.Pointer[rest] // nil when the last dial worked
	retired   atomic.Bool          // leave no idle connection behind
	standing  standing
}

// newInstance makes an instance; o is with defaults.
func newInstance(u *url.URL, o Options) *Instance {
	i := &Instance{
		URL:     &url.URL{Scheme: u.Scheme, Host: u.Host},
		options: o,
		addr:    dialAddr(u),
		tls:     o.tlsConfig(u.Hostname()),
	}
	if o.Protocol == ProtocolHTTP2 {
		i.h2 = i.newHTTP2()
	}
	if o.MaxConns > 0 {
		i.slots = make(chan struct{}, o.MaxConns)
	}
	return i
}

func dialAddr(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return u.Host + ":443"
	}
	return u.Host + ":80"
}

// Healthy reports what the last health check found; true without checks.
func (i *Instance) Healthy() bool { return !i.unhealthy.Load() }

// ErrHeadTimeout is that an answer's head did not come in the time that the
// call had for it.
var ErrHeadTimeout = errors.New("the answer did not begin in time")

// RoundTrip sends req, made by NewRequest for this call, to the instance. req
// is addressed to the instance by it. The answer's body must be closed. Which
// connection it takes is for Options.Reuse to say. An idempotent request whose
// body can be had twice is sent again when a kept connection was closed before
// an answer came; an unsafe one (idempotent == false) only when nothing of it
// can have arrived. NotSent tells the errors after which another instance may
// be asked.
//
// When req's context ends the call ends at once, and the error says its cause;
// so do the reads of the answer's body. A body of known length up to 16
// KiB is read before anything is sent, in the caller's goroutine; a longer one
// while it is sent, perhaps even after RoundTrip has returned, until its Close
// is called.
//
// Over HTTP/1.1 the answer's Body has two methods more, which help to decide
// about flushing: Buffered() int, the bytes that can be read without waiting,
// and Whole() bool, whether the body to its end can. For an answer without a
// body it is http.NoBody; for 101 Switching Protocols it can be written to and
// has CloseWrite() error.
func (i *Instance) RoundTrip(req *http.Request, idempotent bool) (*http.Response, error) {
	return i.Do(req, Call{Idempotent: idempotent})
}

// Do is RoundTrip with more to say about the call. While a small body is read
// from req the wait for the head does not end.
func (i *Instance) Do(req *http.Request, call Call) (*http.Response, error) {
	w := startWait(call.HeadTimeout)
	if err := i.enter(req.Context(), w); err != nil {
		closeBody(req)
		return nil, fmt.Errorf("wait for one of %d calls to %s to end: %w", cap(i.slots), i.URL.Host, err)
	}
	res, err := i.sendWithin(req, call, w, true)
	if err != nil {
		i.leave()
		return nil, fmt.Errorf("call %s: %w", i.URL.Host, err)
	}
	return res, nil
}

// wait is how long an answer's head may take. The zero value is for ever.
type wait struct {
	limit time.Duration
	until time.Time
}

func startWait(limit time.Duration) wait {
	if limit <= 0 {
		return wait{}
	}
	return wait{limit: limit, until: time.Now().Add(limit)}
}

// timer is a channel that something comes out of when the wait is over, nil
// when it never is.
func (w wait) timer() (over <-chan time.Time, stop func()) {
	if w.limit == 0 {
		return nil, func() {}
	}
	t := time.NewTimer(time.Until(w.until))
	return t.C, func() { t.Stop() }
}

func (i *Instance) enter(ctx context.Context, w wait) error {
	i.calls.Add(1)
	if i.slots == nil {
		return nil
	}
	select {
	case i.slots <- struct{}{}:
		return nil
	default:
	}
	over, stop := w.timer()
	defer stop()
	select {
	case i.slots <- struct{}{}:
		return nil
	case <-over:
		i.calls.Add(-1)
		return ErrHeadTimeout
	case <-ctx.Done():
		i.calls.Add(-1)
		return context.Cause(ctx)
	}
}

func (i *Instance) leave() {
	i.calls.Add(-1)
	if i.slots != nil {
		<-i.slots
	}
}

// send makes a call that is not counted.
func (i *Instance) send(req *http.Request, idempotent bool) (*http.Response, error) {
	return i.sendWithin(req, Call{Idempotent: idempotent}, wait{}, false)
}

// sendWithin addresses req to the instance and chooses what speaks. When
// counted the end of the answer is the end of a call.
func (i *Instance) sendWithin(req *http.Request, call Call, w wait, counted bool) (*http.Response, error) {
	req.URL.Scheme, req.URL.Host = i.URL.Scheme, i.URL.Host
	if i.h2 != nil && len(req.Header["Upgrade"]) == 0 {
		return i.sendHTTP2(req, call, w, counted)
	}
	x := &exchange{instance: i, req: req, wait: w, idempotent: call.Idempotent, early: call.Interim, sent: call.Sent, counted: counted}
	return x.run()
}

// keeps reports whether connections are kept after an answer.
func (i *Instance) keeps() bool {
	return i.options.Reuse != ReuseNever && !i.retired.Load()
}

// closeIdle closes idle connections and breaks off dials that no call waits
// for.
func (i *Instance) closeIdle() {
	i.idle.closeAll()
	i.dials.breakOff()
	if i.h2 != nil {
		i.h2.CloseIdleConnections()
	}
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // the caller has its error already
	}
}
