package txshadow

import (
	"context"
	"net/http"
	"time"
)

// scope is what a request's context knows of Quack.
type scope struct {
	id       string
	context  Context // zero when there was no Quack-Context that verifies
	known    bool
	readOnly bool
	baggage  string      // our member's value, "" when this is not a shadow
	shadow   *Shadow     // nil when this is no shadow
	carried  http.Header // what Transport sends on
}

type scopeKey struct{}

// unmarked is that of a request that did not come by Quack. It says that there
// is a request.
var unmarked = &scope{}

func scopeOf(ctx context.Context) *scope {
	s, _ := ctx.Value(scopeKey{}).(*scope)
	return s
}

// newScope reads what the headers say of a request.
func (a *front) newScope(h http.Header) *scope {
	s := &scope{carried: http.Header{}}
	for _, name := range []string{HeaderRequestID, HeaderContext, "Traceparent", "Tracestate"} {
		if v := h.Values(name); len(v) > 0 {
			s.carried[name] = v
		}
	}
	if id := h.Get(HeaderRequestID); validID(id) {
		s.id = id
	}
	s.readOnly = h.Get(HeaderReadOnly) == "1"
	if c, err := a.codec.ReadContext(h); err == nil {
		s.context, s.known, s.readOnly = c, true, c.ReadOnly
	}
	s.baggage, _ = a.codec.nested(h)
	return s
}

// Active reports whether ctx is that of a shadow request: its writes will be
// rolled back, so mail, jobs and calls to others should be left out.
func Active(ctx context.Context) bool {
	s := scopeOf(ctx)
	return s != nil && s.shadow != nil
}

// Now is the instant of the request as Quack saw it, the same in the live call
// and in its shadow, so that what both write can be equal; the clock's time
// when Quack has not said so.
func Now(ctx context.Context) time.Time {
	if s := scopeOf(ctx); s != nil && s.known {
		return s.context.At
	}
	return time.Now()
}

// ReadOnly reports whether the request passed through a closed gate, so that
// it should write nothing and work all the same, as far as it can.
func ReadOnly(ctx context.Context) bool {
	s := scopeOf(ctx)
	return s != nil && s.readOnly
}

// RequestID is the request's Quack-Request-Id, the same in the live call and
// in its shadow; "" when there is none. It proves nothing.
func RequestID(ctx context.Context) string {
	if s := scopeOf(ctx); s != nil {
		return s.id
	}
	return ""
}
