package routes

import (
	"net/url"
	"time"
)

// Backend is a server that Quack sends requests to. Numbers and durations that
// are not stated are zero: package upstream has their defaults.
type Backend struct {
	Name     string
	URLs     []*url.URL // scheme and host only; at least one
	Rollback Rollback
	Proof    string // what to GET so that a backend without an adapter proves that it rolls back; RollbackPrefer: default "/"
	Lanes    []Lane // RollbackLanes: the instances that run its shadow writes; at least one
	Database string // name in databases:, "" when not stated

	Protocol       Protocol // default http1
	Reuse          Reuse    // default idempotent
	Compress       Compress // of request bodies; the zero value does not
	Host           string   // HostKeep (default), HostBackend, or the name to send; see HostFor
	MaxConns       int      // live calls at once per instance, more wait; 0 is no limit
	ConnectTimeout time.Duration
	TLS            TLS
	Health         Health
	Outlier        Outlier
	Breaker        Breaker

	Position Position

	forLanes *Backend // made once, since it is asked for with each request

	bad bool // its rollback could not be read: reported there, and not at each route
}

// Rollback says how a backend undoes a shadow's writes.
type Rollback string

// How a backend rolls back.
const (
	RollbackNone   Rollback = "none"   // it does not: unsafe requests are never shadowed to it
	RollbackHeader Rollback = "header" // an adapter speaks the Quack-Shadow protocol
	RollbackPrefer Rollback = "prefer" // it takes "Prefer: tx=rollback" (RFC 7240), as PostgREST does
	RollbackLanes  Rollback = "lanes"  // further instances, which reach their database through Quack's wire proxy, run the shadow's writes
)

// RollsBack reports whether the backend can undo a shadow's writes, once it has
// proved it.
func (b *Backend) RollsBack() bool {
	return b.Rollback != RollbackNone && b.Rollback != ""
}

// ForLanes is the backend of the instances that run shadow writes: b with the
// URLs of its lanes, and a name that no other has. It is nil without
// RollbackLanes.
func (b *Backend) ForLanes() *Backend { return b.forLanes }

func (b *Backend) makeLanes() *Backend {
	laned := *b
	laned.Name, laned.URLs, laned.Health = b.Name+" lanes", nil, Health{}
	for _, l := range b.Lanes {
		laned.URLs = append(laned.URLs, l.URL)
	}
	return &laned
}

// Lane is an instance of a backend that runs shadow writes and no live request,
// and the address that it takes for its database's.
type Lane struct {
	URL    *url.URL
	Listen string // host:port where Quack's wire proxy listens for it
}

// Protocol is what is spoken with a backend.
type Protocol string

// The protocols.
const (
	ProtocolHTTP1 Protocol = "http1"
	ProtocolHTTP2 Protocol = "h2" // by ALPN over https, by prior knowledge over http
)

// Reuse says which requests may go over a connection that has been used before.
type Reuse string

// The policies of reuse.
const (
	ReuseIdempotent Reuse = "idempotent" // the rest over a fresh one
	ReuseRecent     Reuse = "recent"     // the rest over one just used and seen open, if there is one
	ReuseAlways     Reuse = "always"
	ReuseNever      Reuse = "never"
)

// Compression is a content coding of RFC 9110 section 8.4.1.
type Compression string

// The codings of request bodies.
const (
	CompressGzip Compression = "gzip"
	CompressZstd Compression = "zstd"
)

// Compress says which request bodies are compressed on their way to a backend.
type Compress struct {
	Type Compression // "" is none
	Over int64       // bytes; shorter bodies go as they are; default 16 KiB
}

// What Backend.Host may be beside a name.
const (
	HostKeep    = "keep"    // as the client sent it
	HostBackend = "backend" // of the instance's URL
)

// HostFor is the Host to send for a client's, "" for that of the instance's URL.
func (b *Backend) HostFor(client string) string {
	switch b.Host {
	case HostKeep, "":
		return client
	case HostBackend:
		return ""
	}
	return b.Host
}

// TLS is how a backend's https instances are spoken to: what stood in the files
// when routes.yaml was read, in PEM, and the name that is expected. Key is a
// secret.
type TLS struct {
	CA, Cert, Key string
	Name          string

	files []string // as stated, for people
}

// Health is the active health check of a backend; the zero value has none.
type Health struct {
	Path      string        // GET; 2xx and 3xx are healthy
	Every     time.Duration // default 5s
	Timeout   time.Duration // of one check; default Every
	Healthy   int           // good checks in a row that bring an instance back
	Unhealthy int           // failed checks in a row that take it out
}

// Outlier says when an instance that answers badly is taken out for a while.
type Outlier struct {
	Off      bool
	Failures int           // bad answers in a row
	For      time.Duration // the first time, doubling
	Max      float64       // share of the instances that may be out at once, 0 to 1
}

// Breaker says when requests to a backend that can not be reached are refused
// at once.
type Breaker struct {
	Off      bool
	Failures int           // calls in a row that could not be made
	For      time.Duration // until one is let through
}
