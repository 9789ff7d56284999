// Package shadow makes the calls that are only for comparing, and compares.
//
// Start with [New] and run [Dispatcher.Run]. The live path offers an exchange
// whose shadow call comes after it with [Dispatcher.Offer], which never blocks
// (bounded queue, fixed workers; a full queue drops and counts), or waits for
// a shadow before it with [Dispatcher.Before], which returns within the
// route's budget + 100 ms whatever happens. An unsafe request is sent only to
// an instance that has proved that it rolls back, and an answer without a
// valid acknowledgement latches the route's write shadowing off.
package shadow

import (
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/routes"
)

// Request is a snapshot of a client's request, as it was sent to the live
// side but for the marks: hop-by-hop and Quack-* fields removed, X-Forwarded-*
// set. It is not changed by anyone once made.
type Request struct {
	ID         string // Quack-Request-Id
	At         time.Time
	Route      *routes.Route
	Params     routes.Params
	Method     string
	Path       string // escaped, as it came
	RawQuery   string
	ForceQuery bool
	Host       string
	Header     http.Header
	Body       []byte // whole
	Trace      string // traceparent's trace-id part, 32 hex digits
	ReadOnly   bool   // passed through a closed gate
	// Client is what the route recognises the client by, "" when that is the
	// address alone, or the request lacks it; Address is the client's.
	Client, Address string
	// Span is the span of the live request, the parent of those of its shadow
	// calls; zero when it is not recorded.
	Span trace.SpanContext
}

// Answer is the live side's answer. One that the backend did not give, or not
// to its end, is Incomplete or has status 0; it is not compared.
type Answer struct {
	Exchange compare.Exchange
	Backend  string
	URL      string        // scheme, host and target as sent
	Latency  time.Duration // from request fully sent to end of answer
	Skip     string        // why the answer is not compared, one of the reasons of package reports; "" when it is
}

// broken reports whether there is no whole answer of the backend's own.
func (a *Answer) broken() bool { return a.Exchange.Incomplete != "" || a.Exchange.Status == 0 }

// Mode is what a shadow asks of the adapter.
type Mode string

// The modes of a shadow.
const (
	ModeRollback Mode = "rollback"
	ModeReadOnly Mode = "readonly"
	ModePrepare  Mode = "prepare" // as ModeRollback, and the transaction is prepared before, so that its rows can be read
	ModeHello    Mode = "hello"
)

// Ack is an adapter's signed acknowledgement.
type Ack struct {
	Outcome   string            // "rolled-back" or "ready"
	Reason    string            // "", "budget", "unsupported:…", "escape:…", "write:…"; of one that is ready "prepare"
	Footprint compare.Footprint // nil when the adapter sent none
	Effects   compare.Effects   // of the footprint
}

// Protocol writes and reads the Quack-* headers (package txshadow, plugged in
// by cmd, so that this package needs no database driver).
type Protocol interface {
	// MarkContext sets Quack-Request-Id, Quack-Context, Quack-Role,
	// Quack-Time and, when readOnly, Quack-Read-Only on a request.
	// role is "live" or "shadow".
	MarkContext(h http.Header, id, role string, at time.Time, readOnly bool)
	// MarkShadow sets Quack-Shadow and the baggage of a shadow request.
	// target is the path and query as sent.
	MarkShadow(h http.Header, id string, mode Mode, budget time.Duration, method, target string, body []byte)
	// MarkPrepare is MarkShadow with ModePrepare; gid names the transaction.
	MarkPrepare(h http.Header, id, gid string, budget time.Duration, method, target string, body []byte)
	// MarkNested sets the baggage of a shadow request to id alone, for backends
	// without rollback, and for writes that are kept.
	MarkNested(h http.Header, id string)
	// Acknowledged reads Quack-Shadow-Result and Quack-Footprint of the answer
	// to request id; an error when there is none that verifies.
	Acknowledged(h http.Header, id string) (Ack, error)
	// Nested reports whether a request was caused by a shadow call of ours.
	Nested(h http.Header) bool
}

// Databases bounds the shadow writes of each database and keeps live traffic on
// it from them (package watchdog, plugged in by cmd).
type Databases interface {
	// Enter asks for a shadow write on a database of routes.yaml, on the path of
	// a request: no I/O. skip is the reason why it is not to be run, one of
	// those of package reports, "" when it is; leave, never nil, says that it
	// has ended.
	Enter(database string) (leave func(), skip string)
}

// Leak is why a route's write shadowing was latched off.
type Leak struct {
	Route     string
	Backend   string
	RequestID string
	Why       string
	At        time.Time
}

// Latches keeps leaks until an operator resets them (package control).
type Latches interface {
	Latched(route string) bool // on the path of each unsafe shadow: no I/O
	Latch(Leak)                // durable, loud
}

// Proof is what is known of one instance's rollback.
type Proof struct {
	Backend string    `json:"backend"`
	URL     string    `json:"url"`
	Proved  bool      `json:"proved"`
	At      time.Time `json:"at"`     // of the last hello
	Detail  string    `json:"detail"` // why not
}
