package upstream

import (
	"cmp"
	"time"
)

// Options are how calls to a backend are made. The zero value is the default.
// They can be compared: two backends with the same are made alike.
type Options struct {
	Protocol       Protocol
	Reuse          Reuse
	TLS            TLS           // of https instances
	DialTimeout    time.Duration // of a connection, TLS included; default 5s
	IdleConns      int           // idle connections kept per instance; default 64
	MaxConns       int           // calls at once per instance, more wait; 0 is no limit
	MaxHeaderBytes int64         // of an answer's head; default 64 KiB

	HealthPath     string        // GET; 2xx and 3xx are healthy; "" has no active check
	HealthEvery    time.Duration // default 5s
	HealthTimeout  time.Duration // how long a check may take; default HealthEvery
	UnhealthyAfter int           // failed checks in a row; default 2
	HealthyAfter   int           // good checks in a row; default 1

	Outlier Outlier
	Breaker Breaker
}

// Protocol is what is spoken with a backend.
type Protocol int

// The protocols. Over TLS they are agreed on by ALPN, and a backend that does
// not agree is an error; without TLS HTTP/2 is spoken by prior knowledge (RFC
// 9113 section 3.3). A request to switch protocols (Upgrade) goes by HTTP/1.1
// always: HTTP/2 has no such thing.
const (
	ProtocolHTTP1 Protocol = iota
	ProtocolHTTP2
)

// Reuse is which requests may use a connection that was kept after an answer.
// A server may close such a connection while a request is on its way there,
// and mostly it can not be told whether that was lost or worked on. It says
// nothing of HTTP/2, which tells (RFC 9113 section 6.8), save ReuseNever.
type Reuse int

const (
	// ReuseIdempotent: idempotent requests whose body can be had again, as they
	// can be sent again. Others get a connection of their own, so that none is
	// lost when a backend restarts.
	ReuseIdempotent Reuse = iota
	// ReuseRecent: also others with a short body, within a second of the
	// connection's last answer, when it is alive just before and the backend is
	// known to keep idle connections for longer. That spares most of the
	// connections of ReuseIdempotent; of the requests that are on their way when
	// a backend closes its connections to restart, some fail.
	ReuseRecent
	// ReuseAlways: all requests, however long the connection was idle.
	ReuseAlways
	// ReuseNever: no request; each has a connection of its own.
	ReuseNever
)

// Outlier says when an instance that answers badly is taken out of use for a
// while; see [Backend.Pick]. The zero value is the default.
type Outlier struct {
	Off      bool          // no instance is taken out for its answers
	Failures int           // bad answers in a row; default 5
	For      time.Duration // the first time, doubling with each further one; default 10s
	Max      float64       // share of the instances that may be out at once, 0 to 1, and never the last one; default 0.5
}

// Breaker says when calls to a backend are refused at once because none of its
// instances can be reached; see [Backend.Admit]. The zero value is the default.
type Breaker struct {
	Off      bool
	Failures int           // calls in a row that could not be made; default 10
	For      time.Duration // until one call is let through to see, at the longest: a sixteenth at first, doubling; default 2s
}

func (o Options) withDefaults() Options {
	o.DialTimeout = cmp.Or(o.DialTimeout, 5*time.Second)
	o.IdleConns = cmp.Or(o.IdleConns, 64)
	o.MaxHeaderBytes = cmp.Or(o.MaxHeaderBytes, 64<<10)
	o.HealthEvery = cmp.Or(o.HealthEvery, 5*time.Second)
	o.HealthTimeout = cmp.Or(o.HealthTimeout, o.HealthEvery)
	o.UnhealthyAfter = cmp.Or(o.UnhealthyAfter, 2)
	o.HealthyAfter = cmp.Or(o.HealthyAfter, 1)
	o.Outlier.Failures = cmp.Or(o.Outlier.Failures, 5)
	o.Outlier.For = cmp.Or(o.Outlier.For, 10*time.Second)
	o.Outlier.Max = cmp.Or(o.Outlier.Max, 0.5)
	o.Breaker.Failures = cmp.Or(o.Breaker.Failures, 10)
	o.Breaker.For = cmp.Or(o.Breaker.For, 2*time.Second)
	return o
}
