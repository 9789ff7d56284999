// Package front takes clients' connections and turns what comes over them into
// calls of an http.Handler. Start with [New] and [Server.Serve].
//
// HTTP/2 (over TLS, or in the clear with prior knowledge) is served by
// net/http. HTTP/1 goes through one strict reader of heads, so that what is
// ambiguous is refused and reaches no handler. With [Auto] plain requests over
// a kept-alive connection run in the fast lane, a loop of this package's own;
// the first request that is not plain takes its connection, and the bytes read
// so far, to net/http for good. A handler sees the same request, and a client
// the same answer, on either way.
package front

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Kind says by which way HTTP/1 requests come to the handler.
type Kind string

// The kinds of front.
const (
	Auto Kind = "auto" // the fast lane, net/http for what is outside of it
	Std  Kind = "std"  // net/http for everything
)

// Config is the manual.
type Config struct {
	Handler http.Handler
	Front   Kind // default Auto

	// Certificates makes every connection a TLS one; nil is plain text.
	Certificates *Certificates
	// H2C serves HTTP/2 on plain connections that begin with its preface (RFC
	// 9113 section 3.3). The upgrade from HTTP/1.1 is not known any more.
	H2C bool
	// ProxyProtocol lists the peers that begin each connection with a PROXY
	// header, version 1 or 2. They must; from anybody else it is malformed.
	ProxyProtocol []netip.Prefix

	// MaxConns is how many connections are held; default no limit. When a
	// further one comes, those that have been idle longest are closed; where
	// none is, the new one.
	MaxConns    int
	HeadBytes   int           // longest head of a request; default 64 KiB
	OpenTimeout time.Duration // for a head, a PROXY header, a TLS handshake; default 30 s
	IdleTimeout time.Duration // between requests; default 2 min
	// WriteTimeout is how long a client may take nothing of what it is sent,
	// or less than 64 KiB; default 2 min. Connections that have switched
	// protocols are not held to it.
	WriteTimeout time.Duration

	// Refused is told of each request that was refused and why, in one word of
	// the fixed set of refuse.go, or proxy-header, or full for a connection over
	// MaxConns; it must not block. Stats counts them in any case.
	Refused func(reason string)
	Log     *slog.Logger // default: nothing is logged
}

// Stats are counts since the start.
type Stats struct {
	Accepted   int64            // connections
	Open       int64            // connections, at this moment
	HandedOver int64            // connections that left the fast lane for net/http
	Lane       int64            // requests served in the fast lane
	Refused    map[string]int64 // requests, and connections without their PROXY header, by reason
}

// Server serves HTTP on listeners. Make it with [New].
type Server struct {
	Config
	std   *http.Server // HTTP/1
	h2    *http.Server
	toStd *handOver
	toH2  *handOver

	date    atomic.Pointer[string] // for Date, kept by the sweeper
	second  atomic.Int64           // which date is of
	ticks   atomic.Uint64          // sweeps so far: the clock of phases
	stop    chan struct{}          // ends the sweeper
	began   sync.Once
	ended   sync.Once
	own     sync.WaitGroup // sweeper, hand-overs
	loops   sync.WaitGroup // connections before and in the fast lane
	running atomic.Int64   // loops, and handlers under net/http

	accepted, handedOver, lane atomic.Int64
	draining                   atomic.Bool

	mu        sync.Mutex
	refusals  map[string]int64
	conns     map[*conn]struct{}
	listeners map[net.Listener]struct{}
	empty     chan struct{} // closed when conns is empty while draining
}

// New makes a server; it starts with Serve.
func New(c Config) *Server {
	if c.Front == "" {
		c.Front = Auto
	}
	if c.HeadBytes == 0 {
		c.HeadBytes = 64 << 10
	}
	if c.OpenTimeout == 0 {
		c.OpenTimeout = 30 * time.Second
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 2 * time.Minute
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = 2 * time.Minute
	}
	if c.Refused == nil {
		c.Refused = func(string) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		Config:    c,
		stop:      make(chan struct{}),
		refusals:  make(map[string]int64),
		conns:     make(map[*conn]struct{}),
		listeners: make(map[net.Listener]struct{}),
	}
	s.setDate(time.Now())
	s.std, s.toStd = s.newStd(), newHandOver()
	s.h2, s.toH2 = s.newH2(), newHandOver()
	return s
}

// Stats counts.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{
		Accepted: s.accepted.Load(), Open: int64(len(s.conns)), HandedOver: s.handedOver.Load(), Lane: s.lane.Load(),
		Refused: maps.Clone(s.refusals),
	}
}

// start starts what serves all listeners.
func (s *Server) start() {
	s.own.Go(s.sweep)
	s.own.Go(func() { _ = s.std.Serve(s.toStd) }) // ends with the hand-over
	s.own.Go(func() { _ = s.h2.Serve(s.toH2) })
}

// Serve serves what comes over ln until Shutdown or Close, and then returns
// http.ErrServerClosed. Several listeners may be served at once. The contexts
// of requests end with ctx: it should outlive Shutdown. Serve closes ln.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	defer ln.Close()
	if !s.track(ln) {
		return http.ErrServerClosed
	}
	defer s.untrack(ln)
	o := &origin{ctx: ctx}
	stop := context.AfterFunc(ctx, func() {
		o.ended.Store(true)
		s.cancelAll(o)
	})
	defer stop()
	return s.accept(ln, o)
}

// origin is the listener that a connection came from.
type origin struct {
	ctx   context.Context // of Serve: the base of requests' contexts
	ended atomic.Bool
}

func (s *Server) track(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return false
	}
	s.listeners[ln] = struct{}{}
	s.began.Do(s.start)
	return true
}

func (s *Server) untrack(ln net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
}

// accept takes connections. An error that may pass, such as too many open
// files, is waited out as net/http does.
func (s *Server) accept(ln net.Listener, o *origin) error {
	var pause time.Duration
	for {
		raw, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
			s.accepted.Add(1)
			s.open(raw, o)
		case s.draining.Load():
			return http.ErrServerClosed
		case !mayPass(err):
			return fmt.Errorf("accept on %s: %w", ln.Addr(), err)
		default:
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.Log.Error("connections can not be accepted, it is tried again", "listen", ln.Addr().String(), "error", err, "again_in", pause)
			select {
			case <-time.After(pause):
			case <-s.stop:
			}
		}
	}
}

// mayPass is what net/http asks too.
func mayPass(err error) bool {
	ne, ok := err.(interface{ Temporary() bool })
	return ok && ne.Temporary()
}
