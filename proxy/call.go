package proxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
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
	backend := l.Backend(chosen)
	var instance *upstream.Instance
	if backend != nil {
		instance = backend.Pick(nil)
	}
	if instance == nil {
		l.problem(http.StatusServiceUnavailable, "no-backend", "There is no server to answer this request.")
		return
	}
	l.call.backend = chosen.Name
	ctx, cancel := context.WithCancelCause(l.liveContext())
	defer cancel(nil)
	res, instance, err := l.send(ctx, cancel, backend, instance)
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

// send sends the request and waits for the head of the answer, as long as the
// route says. Interim answers are passed on meanwhile. It begins with first;
// an instance that can not be reached has got nothing of the request, so that
// even an unsafe one may go to another. The instance is the one tried last.
func (l *life) send(ctx context.Context, cancel context.CancelCauseFunc, backend *upstream.Backend, first *upstream.Instance) (*http.Response, *upstream.Instance, error) {
	limit := l.limit(cancel)
	defer limit.met()
	early := &interim{l: l}
	defer early.end()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: early.pass})
	if l.upload != nil {
		l.upload.moved = limit.again
		// Without it net/http reads the rest of the body itself before it sends
		// the first byte of an answer. Where it is not known, it is not needed.
		_ = http.NewResponseController(l.w).EnableFullDuplex()
	}
	instance, tried := first, []*upstream.Instance(nil)
	for {
		res, err := l.sendTo(ctx, instance)
		if err == nil || !upstream.NotSent(err) || ctx.Err() != nil || !l.upload.reopen() {
			return res, instance, err
		}
		tried = append(tried, instance)
		next := backend.Pick(func(i *upstream.Instance) bool { return !slices.Contains(tried, i) })
		if next == nil {
			return nil, instance, err
		}
		l.Log.Warn("instance could not be reached, another is tried", "route", l.route.Name, "request", l.id, "url", instance.URL.String(), "error", err)
		instance = next
	}
}

func (l *life) sendTo(ctx context.Context, instance *upstream.Instance) (*http.Response, error) {
	req, err := l.liveRequest(ctx)
	if err != nil {
		return nil, err
	}
	l.call.url = instance.URL.Scheme + "://" + instance.URL.Host + req.target
	l.call.began = time.Now()
	return instance.RoundTrip(req.Request, l.idempotent)
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
	var body io.Reader
	var length int64
	if l.upload != nil {
		body, length = l.upload, l.upload.length
		if whole, ok := l.wholeBody(); ok {
			body = bytes.NewReader(whole) // can be sent again, where the engine may
		}
	}
	req, err := upstream.NewRequest(ctx, l.r.Method, t.path, t.rawQuery, t.forceQuery, l.route.Backend(l.side).HostFor(l.r.Host), l.liveHeader(), body, length)
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
