package upstream

import (
	"net/http"
	"time"
)

// Call is how one request is sent. The zero value is that of an unsafe request
// without a time limit.
type Call struct {
	// Idempotent requests may be sent again when their connection is lost; see
	// Options.Reuse.
	Idempotent bool
	// HeadTimeout is how long the answer's head may take; then the error is
	// ErrHeadTimeout. It includes the wait for a connection, and begins anew with
	// each piece of the request's body that was sent. 0 is without limit.
	HeadTimeout time.Duration
	// Interim is called with each interim answer (1xx, but 101) before Do
	// returns, perhaps from another goroutine; its error ends the call. Like Sent
	// it is no httptrace hook, for that would cost each call a context.
	Interim func(code int, header http.Header) error
	// Sent is called when the request has been written, perhaps from another
	// goroutine, and once for each connection that it was written to.
	Sent func()
}

// CloneHeader is a copy of h with room for more fields.
func CloneHeader(h http.Header, room int) http.Header {
	n := 0
	for _, values := range h {
		n += len(values)
	}
	all := make([]string, n) // of all fields
	clone := make(http.Header, len(h)+room)
	for name, values := range h {
		n = copy(all, values)
		clone[name] = all[:n:n]
		all = all[n:]
	}
	return clone
}
