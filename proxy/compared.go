package proxy

import (
	"net/http"
	"runtime/debug"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/shadow"
)

// shadowFirst prepares a request that is to be compared: its body will be
// copied as it passes, or is read now and the shadow run before the live call,
// when the route asks for that. What is too large for it goes on without. It
// answers when the body can not be read: then nothing has been sent to anyone.
func (l *life) shadowFirst() bool {
	if !l.copied() {
		return false
	}
	if l.upload != nil {
		l.upload.keep(l.route.Shadow.MaxBody)
		if l.grpc {
			l.upload.messages = new(framing) // nothing has been read yet
		}
	}
	if !l.compared || !l.route.ShadowFirst(l.r.Method) {
		return false
	}
	var body []byte
	if l.upload != nil {
		l.upload.moved = l.uploadMoved
		l.idle.moved()
		l.upload.readAhead()
		if l.upload.failed() != nil {
			l.skip(skipAborted)
			return l.uploadFailed()
		}
		var refuse string
		if body, refuse = l.bodyToCompare(); refuse != "" {
			l.skip(refuse)
			return false
		}
	}
	l.waited = true
	l.shielded(func() {
		l.pending = l.Shadow.Before(l.r.Context(), l.snapshot(body), l.side)
	})
	return false
}

// bodyToCompare is the whole body for a shadow call, or why there is none. A
// shadow call has no trailer, so that a request that has one is not compared.
func (l *life) bodyToCompare() (body []byte, refuse string) {
	if l.grpc {
		ended := l.upload.whole()
		if body, refuse = l.upload.message(); !ended {
			return body, refuse // the trailer may be written now, by who reads on
		}
	} else {
		body, refuse = l.upload.copy()
	}
	for _, values := range l.r.Trailer {
		if refuse == "" && len(values) > 0 {
			return nil, skipUnsupported
		}
	}
	return body, refuse
}

// snapshot is the request as a shadow call needs it.
func (l *life) snapshot(body []byte) shadow.Request {
	return shadow.Request{
		ID: l.id, At: l.began, Route: l.route, Params: l.params,
		Method: l.r.Method, Path: l.target.path, RawQuery: l.target.rawQuery, ForceQuery: l.target.forceQuery,
		Host: l.r.Host, Header: l.header, Body: body, Trace: l.trace, Span: l.serverSpan(), ReadOnly: l.readOnly,
		Client: l.mark, Address: l.client,
	}
}

// offer hands the exchange over to be compared, after the answer's last byte
// has gone to the client.
func (l *life) offer() {
	l.offerSpecimen()
	if l.pending != nil || !l.compared {
		return // settle does it, however the life ends
	}
	if !l.call.complete {
		l.skip(skipAborted)
		return
	}
	var body []byte
	if l.upload != nil {
		var refuse string
		if body, refuse = l.bodyToCompare(); refuse != "" {
			l.skip(refuse)
			return
		}
	}
	if l.call.response.ContentLength > 0 && l.r.Method != http.MethodHead {
		// The server would send the last piece only when the handler returns.
		_ = l.flush()
	}
	l.shielded(func() {
		l.Shadow.Offer(l.snapshot(body), l.side, l.liveAnswer())
	})
}

// settle gives a shadow that ran first its live answer, whatever became of it.
func (l *life) settle() {
	if l.pending == nil {
		return
	}
	l.shielded(func() { l.pending.Live(l.liveAnswer()) })
	l.pending = nil
}

// liveAnswer is the answer of the live side, Incomplete when it has not come
// to its end or not to the client.
func (l *life) liveAnswer() shadow.Answer {
	a := shadow.Answer{Backend: l.call.backend, URL: l.call.url()}
	sent := l.call.began
	if l.upload != nil && l.upload.sent().After(sent) {
		sent = l.upload.sent()
	}
	a.Latency = l.call.ended.Sub(sent)
	a.Exchange = compare.Exchange{}
	if res := l.call.response; res != nil {
		a.Exchange.Status, a.Exchange.Header, a.Exchange.Trailer = res.StatusCode, res.Header, res.Trailer
	}
	l.answer.put(&a.Exchange)
	if l.fellBack {
		a.Skip = skipFallback
	}
	switch {
	case l.call.complete:
	case l.gone:
		a.Exchange.Incomplete = "the client went before the end of its answer"
	case l.call.response == nil:
		a.Exchange.Incomplete = "there was no answer"
	default:
		a.Exchange.Incomplete = "the answer broke off"
	}
	return a
}

// shielded keeps a fault of the shadow's from the client.
func (l *life) shielded(f func()) {
	defer func() {
		if fault := recover(); fault != nil {
			l.Log.Error("panic in the shadow", "route", l.route.Name, "request", l.id, "panic", fault, "stack", string(debug.Stack()))
		}
	}()
	f()
}
