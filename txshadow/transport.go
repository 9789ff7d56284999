package txshadow

import (
	"net/http"
	"slices"
)

// Transport sends the marks of the request in whose context a call is made on
// with the call: Quack-Request-Id, Quack-Context, traceparent and tracestate
// unless the call has its own, and in a shadow its signed baggage, by which
// Quack and other adapters see that a write must not be made. It is for calls
// to services of your own. base nil means http.DefaultTransport.
func Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return transport{base}
}

type transport struct{ base http.RoundTripper }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	s := scopeOf(r.Context())
	if s == nil || s.baggage == "" && len(s.carried) == 0 {
		return t.base.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	for name, v := range s.carried {
		if r.Header.Values(name) == nil {
			r.Header[name] = slices.Clone(v)
		}
	}
	if s.baggage != "" {
		setBaggage(r.Header, s.baggage)
	}
	return t.base.RoundTrip(r)
}
