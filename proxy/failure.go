package proxy

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/quackproxy/quack/upstream"
)

// failure is that a backend gave no answer.
type failure struct {
	err      error
	instance *upstream.Instance // asked last; nil: none was
	// why somebody else may be asked, for logs and counters; "" when nobody may,
	// because the request may have been acted upon or can not be had twice.
	why  string
	wait time.Duration // until it is worth another try; 0 when not known
}

// Why a request may be sent to somebody else.
const (
	whyUnreachable = "unreachable" // no connection: nothing was sent
	whyLost        = "lost"        // the connection was lost before the answer; the request is idempotent
	whyBreaker     = "breaker"     // no instance could be reached lately, and none was asked
	whyNoInstance  = "no-instance" // there is none to ask
)

// failed judges a call without an answer, and tells the instance.
//
// Nothing sent: any request may go to another instance, as long as its body is
// untouched or kept. The connection lost: an idempotent one may, when its body
// is kept whole and nothing of an answer has come. Too late: none may, there is
// no time left.
func (l *life) failed(ctx context.Context, i *upstream.Instance, err error, early *interim) *failure {
	f := &failure{err: err, instance: i}
	switch {
	case late(ctx, err):
		if l.upload == nil || l.upload.whole() {
			i.Note(upstream.Faulty)
		}
	case ctx.Err() != nil:
	case l.upload != nil && l.upload.failed() != nil:
	case upstream.NotSent(err):
		i.Note(upstream.Unreached)
		if l.replayable() || l.upload.reopen() {
			f.why = whyUnreachable
		}
	default:
		i.Note(upstream.Faulty)
		if l.idempotent && l.replayable() && upstream.Lost(err) && !early.any() {
			f.why = whyLost
		}
	}
	return f
}

// replayable reports whether the body can be sent again.
func (l *life) replayable() bool {
	if l.upload == nil {
		return true
	}
	_, whole := l.wholeBody()
	return whole
}

// liveFailed answers for a backend that did not. The client learns what
// happened and nothing of where.
func (l *life) liveFailed(ctx context.Context, f *failure) {
	l.call.ended = time.Now()
	switch {
	case late(ctx, f.err):
		l.problem(http.StatusGatewayTimeout, "backend-timeout", "The server behind this one did not answer in time.")
	case l.idle.over():
		l.bodyIdle()
		return
	case l.clientLeft():
		l.gone = true
		return
	case l.uploadFailed():
		return
	case f.why == whyNoInstance:
		l.problem(http.StatusServiceUnavailable, "no-backend", "There is no server to answer this request.")
		return
	case f.why == whyBreaker:
		l.w.Header().Set("Retry-After", strconv.Itoa(int((f.wait+time.Second-1)/time.Second)))
		l.problem(http.StatusServiceUnavailable, "backend-away", "The server behind this one can not be reached at the moment. Please try again later.")
		return
	default:
		l.problem(http.StatusBadGateway, "backend-unreachable", "The server behind this one could not be reached or broke off.")
	}
	url := ""
	if f.instance != nil {
		url = f.instance.URL.String()
	}
	l.Log.Warn("live call failed", "route", l.route.Name, "request", l.id, "url", url, "error", f.err)
}

// uploadFailed answers for a body that could not be read to its end.
func (l *life) uploadFailed() bool {
	if l.upload == nil || l.upload.failed() == nil {
		return false
	}
	switch {
	case errors.Is(l.upload.failed(), errBodyTooLarge):
		l.bodyTooLarge()
	case l.idle.over():
		l.bodyIdle()
	default:
		l.problem(http.StatusBadRequest, "body", "The request's body could not be read to its end.")
	}
	return true
}
