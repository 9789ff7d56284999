package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"time"

	"github.com/quackproxy/quack/upstream"
)

// liveCall is the call whose answer the client gets.
type liveCall struct {
	backend  string
	url      string // as sent
	began    time.Time
	response *http.Response // nil when there was no answer
	complete bool           // the answer was read to its end
	ended    time.Time
}

// callLive makes the live call and passes the answer on as it comes.
func (l *life) callLive() {
	chosen := l.route.Backend(l.side)
	var instance *upstream.Instance
	if backend := l.Backend(chosen); backend != nil {
		instance = backend.Pick(nil)
	}
	if instance == nil {
		l.problem(http.StatusServiceUnavailable, "no-backend", "There is no server to answer this request.")
		return
	}
	ctx, cancel := context.WithCancelCause(l.liveContext())
	defer cancel(nil)
	limit := l.limit(cancel)
	defer limit.met()
	early := &interim{l: l}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: early.pass})

	req, err := l.liveRequest(ctx)
	if err != nil {
		l.liveFailed(ctx, instance, err)
		return
	}
	l.call = liveCall{backend: chosen.Name, url: instance.URL.Scheme + "://" + instance.URL.Host + req.target, began: time.Now()}
	if l.upload != nil {
		l.upload.moved = limit.again
		// Without it net/http reads the rest of the body itself before it sends
		// the first byte of an answer. Where it is not known, it is not needed.
		_ = http.NewResponseController(l.w).EnableFullDuplex()
	}
	res, err := instance.RoundTrip(req.Request, l.idempotent)
	limit.met()
	early.end()
	if err != nil {
		l.liveFailed(ctx, instance, err)
		return
	}
	defer res.Body.Close()
	l.call.response = res
	if res.StatusCode == http.StatusSwitchingProtocols {
		l.switchProtocols(res)
		return
	}
	l.passAnswer(res)
}

// liveContext ends with the client, save where the client has been kept
// waiting for a shadow: without that the request would have been sent by now.
func (l *life) liveContext() context.Context {
	if l.pending != nil {
		return context.WithoutCancel(l.r.Context())
	}
	return l.r.Context()
}

// outgoing is a request with the target that it asks for.
type outgoing struct {
	*http.Request
	target string
}

func (l *life) liveRequest(ctx context.Context) (outgoing, error) {
	t := l.target
	t.path = l.route.TargetFor(l.side, t.path, l.params)
	header := l.liveHeader()
	var req *http.Request
	var err error
	switch body, whole := l.wholeBody(); {
	case l.upload == nil:
		req, err = upstream.NewRequest(ctx, l.r.Method, t.path, t.rawQuery, t.forceQuery, l.r.Host, header, nil, 0)
	case whole: // can be sent again, where the engine may
		req, err = upstream.NewRequest(ctx, l.r.Method, t.path, t.rawQuery, t.forceQuery, l.r.Host, header, bytes.NewReader(body), l.upload.length)
	default:
		req, err = upstream.NewRequest(ctx, l.r.Method, t.path, t.rawQuery, t.forceQuery, l.r.Host, header, l.upload, l.upload.length)
	}
	if err != nil {
		return outgoing{}, fmt.Errorf("make the live request: %w", err)
	}
	if l.upload != nil && l.upload.length < 0 {
		req.Trailer = l.trailer()
	}
	return outgoing{req, t.String()}, nil
}

// wholeBody is the body when it has been read ahead to its end.
func (l *life) wholeBody() ([]byte, bool) {
	if l.upload == nil || !l.upload.whole() {
		return nil, false
	}
	body, refuse := l.upload.copy()
	return body, refuse == ""
}

// trailer is the trailer of the live call: the names that the client has
// announced, and, when the body has ended, the values.
func (l *life) trailer() http.Header {
	out := make(http.Header)
	for name, values := range l.r.Trailer {
		out[name] = values
	}
	cleanTrailer(out)
	l.upload.out = &out
	return out
}

// cleanTrailer removes what has no place in a trailer: hop-by-hop fields, what
// frames a message (RFC 9110 section 6.5.1), and Quack's marks.
func cleanTrailer(h http.Header) {
	upstream.RemoveHopByHop(h)
	dropMarks(h)
	delete(h, "Content-Length")
	delete(h, "Host")
}

// errLate ends a call whose answer did not begin in time.
var errLate = errors.New("the answer did not begin in time")

// limit bounds the wait for an answer's head. The wait begins anew whenever a
// piece of the request's body moves: an upload may take its time.
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

// liveFailed answers for a backend that did not. The client learns what
// happened and nothing of where.
func (l *life) liveFailed(ctx context.Context, instance *upstream.Instance, err error) {
	l.call.ended = time.Now()
	switch {
	case context.Cause(ctx) == errLate:
		l.problem(http.StatusGatewayTimeout, "backend-timeout", "The server behind this one did not answer in time.")
	case l.pending == nil && l.r.Context().Err() != nil:
		l.gone = true
		return
	case l.upload != nil && l.upload.failed() != nil:
		l.problem(http.StatusBadRequest, "body", "The request's body could not be read to its end.")
		return
	default:
		l.problem(http.StatusBadGateway, "backend-unreachable", "The server behind this one could not be reached or broke off.")
	}
	l.Log.Warn("live call failed", "route", l.route.Name, "request", l.id, "url", instance.URL.String(), "error", err)
}

// maxInterim bounds the interim answers to one request.
const maxInterim = 100

// interim passes interim answers (1xx) on while the call waits for the final
// one. The engine calls it from a goroutine of its own.
type interim struct {
	l *life

	mu   sync.Mutex
	over bool // the handler's goroutine has the answer to itself again
	n    int
}

func (i *interim) pass(code int, header textproto.MIMEHeader) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.n++; i.n > maxInterim {
		return fmt.Errorf("more than %d interim answers", maxInterim)
	}
	// The server sends its own 100 when the body is asked for, and HTTP/1.0
	// knows no interim answers.
	if i.over || code == http.StatusContinue || !i.l.r.ProtoAtLeast(1, 1) {
		return nil
	}
	final := i.l.w.Header()
	for name, values := range header {
		final[name] = values
	}
	upstream.RemoveHopByHop(final)
	dropMarks(final)
	i.l.w.WriteHeader(code)
	clear(final)
	return nil
}

func (i *interim) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.over = true
}
