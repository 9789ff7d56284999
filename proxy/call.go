package proxy

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/quackproxy/quack/upstream"
)

// liveCall is the call whose answer the client gets.
type liveCall struct {
	backend  string
	base     *url.URL // of the instance that was asked last; nil when none was
	target   string   // as sent there
	instance *upstream.Instance
	began    time.Time
	late     time.Time      // when the answer must have begun, for a request without a body
	response *http.Response // nil when there was no answer
	complete bool           // the answer was read to its end
	ended    time.Time
}

// url is what was asked, as it was sent; "" when nothing was.
func (c *liveCall) url() string {
	if c.base == nil {
		return ""
	}
	return c.base.Scheme + "://" + c.base.Host + c.target
}

// callLive makes the live call and passes the answer on as it comes.
func (l *life) callLive() {
	ctx, cancel := l.callContext()
	defer cancel(nil)
	res, failed := l.head(ctx, cancel)
	if failed != nil {
		l.liveFailed(ctx, failed)
		return
	}
	defer res.Body.Close()
	defer func() { l.endCall(ctx, res, nil) }()
	l.call.response = res
	if res.StatusCode == http.StatusSwitchingProtocols {
		l.note(upstream.Answered)
		l.switchProtocols(res)
		return
	}
	l.idle.watch()
	l.passAnswer(res)
}

// head sends the request and waits for the head of the answer, as long as the
// route says, whoever is asked: the chosen side, and where that is away and it
// is safe, legacy. Interim answers are passed on meanwhile.
func (l *life) head(ctx context.Context, cancel context.CancelCauseFunc) (*http.Response, *failure) {
	early := &interim{l: l}
	defer early.end()
	l.idle.ends(cancel)
	if l.upload != nil {
		limit := l.limit(cancel)
		defer limit.met()
		l.upload.moved = func() {
			limit.again()
			l.uploadMoved()
		}
		// Without it net/http reads the rest of the body itself before it sends
		// the first byte of an answer. Where it is not known, it is not needed.
		_ = http.NewResponseController(l.w).EnableFullDuplex()
		if !l.readSmall() {
			return nil, &failure{}
		}
	}
	res, failed := l.send(ctx, early)
	if failed != nil && l.fallBack(ctx, failed) {
		res, failed = l.send(ctx, early)
	}
	return res, failed
}

// maxTries is how many instances of a backend are asked at most.
const maxTries = 3

// send sends the request to an instance of the side's backend, and to others
// where the one before failed and it is safe: see again.
func (l *life) send(ctx context.Context, early *interim) (*http.Response, *failure) {
	chosen := l.route.Backend(l.side)
	backend := l.Backend(chosen)
	if backend == nil {
		return nil, &failure{why: whyNoInstance}
	}
	l.call.backend = chosen.Name
	if wait, ok := backend.Admit(); !ok {
		return nil, &failure{why: whyBreaker, wait: wait}
	}
	instance := backend.Pick(nil)
	if instance == nil {
		return nil, &failure{why: whyNoInstance}
	}
	var tried []*upstream.Instance
	for {
		res, err := l.sendTo(ctx, instance, early)
		if err == nil {
			l.call.instance = instance
			return res, nil
		}
		failed := l.failed(ctx, instance, err, early)
		tried = append(tried, instance)
		if failed.why == "" || len(tried) == maxTries {
			return nil, failed
		}
		next := backend.Pick(func(i *upstream.Instance) bool { return !slices.Contains(tried, i) })
		if next == nil || failed.why == whyLost && !backend.Retry() {
			return nil, failed
		}
		text := "instance could not be reached, another is tried"
		if failed.why == whyLost {
			text = "instance broke off before it answered, another is tried"
		}
		l.Log.Warn(text, "route", l.route.Name, "request", l.id, "url", instance.URL.String(), "error", err)
		instance = next
	}
}

func (l *life) sendTo(ctx context.Context, instance *upstream.Instance, early *interim) (*http.Response, error) {
	req, err := l.liveRequest(ctx)
	if err != nil {
		return nil, err
	}
	l.call.base, l.call.target = instance.URL, req.target
	l.call.began = time.Now()
	if l.call.late.IsZero() {
		l.call.late = l.call.began.Add(l.route.Timeout)
	}
	l.beginCall(req.Request, instance)
	call := upstream.Call{Idempotent: l.idempotent, Interim: early.pass}
	if l.upload == nil { // else limit does it, which can wake the reader of the body
		call.HeadTimeout = max(l.call.late.Sub(l.call.began), 1)
	}
	res, err := instance.Do(req.Request, call)
	if err != nil {
		l.endCall(ctx, nil, err)
	}
	return res, err
}

// callContext is what ends the live call: the client's leaving, or the cancel
// of those that watch its bodies. Without any there is nothing to cancel: each
// request would pay for it.
func (l *life) callContext() (context.Context, context.CancelCauseFunc) {
	ctx := l.liveContext()
	if l.upload == nil && l.idle == nil {
		return ctx, func(error) {}
	}
	return context.WithCancelCause(ctx)
}

// liveContext ends with the client, save where the client has been kept
// waiting for a shadow: without that the request would have been sent by now.
func (l *life) liveContext() context.Context {
	if l.waited {
		return context.WithoutCancel(l.r.Context())
	}
	return l.r.Context()
}

// clientLeft reports whether the call was ended because the client has gone.
func (l *life) clientLeft() bool { return !l.waited && l.r.Context().Err() != nil }

// note tells the instance that answered how that ended, once.
func (l *life) note(o upstream.Outcome) {
	if i := l.call.instance; i != nil {
		l.call.instance = nil
		i.Note(o)
	}
}
