package front

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/quackproxy/quack/internal/sockets"
)

// phase is what a connection is doing.
type phase uint8

const (
	opening phase = iota // PROXY header, handshake, first bytes
	idle                 // between requests, nothing of the next one is there
	reading              // a head has begun to arrive, or a rest is drained
	busy                 // a request is being answered
	foreign              // HTTP/2 or hijacked: others look after it
	closing
)

// conn is a client's connection from its first byte to its last. Reads of what
// was read ahead come first.
type conn struct {
	net.Conn          // as accepted
	quick    net.Conn // the same with quick reads and writes
	server   *Server
	origin   *origin
	remote   net.Addr             // the client, by the PROXY header if there is one
	tls      *tls.ConnectionState // nil without TLS
	stream   net.Conn             // what HTTP is spoken over: TLS, or the connection itself
	ahead    []byte               // read, not yet passed on; belongs to the reader

	// state is the phase, and above it when it began, in sweeps.
	state    atomic.Uint64
	current  atomic.Pointer[requestContext] // of the request in the fast lane
	whole    atomic.Bool                    // that request's body has been read
	hijacked atomic.Bool                    // the handler has it; nobody waits for it
	writing  atomic.Uint64                  // the sweep after which the write under way began, and 1; 0 is none

	remoteText string
	closed     sync.Once
	closeErr   error
}

func (s *Server) newConn(raw net.Conn, o *origin) *conn {
	c := &conn{Conn: raw, quick: sockets.New(raw), server: s, origin: o, remote: raw.RemoteAddr()}
	c.stream = c
	c.enter(opening)
	return c
}

// enter begins a phase without asking.
func (c *conn) enter(p phase) { c.state.Store(c.server.ticks.Load()<<8 | uint64(p)) }

// proceed begins a phase, and is false when somebody has begun to close the
// connection.
func (c *conn) proceed(to phase) bool {
	for {
		old := c.state.Load()
		if phase(old) == closing {
			return false
		}
		if c.state.CompareAndSwap(old, c.server.ticks.Load()<<8|uint64(to)) {
			return true
		}
	}
}

// end begins to close the connection, if it is still in the phase in which it
// was seen.
func (c *conn) end(seen uint64) bool {
	return c.state.CompareAndSwap(seen, seen&^0xff|uint64(closing))
}

// stopped reports whether the server stops and nothing of a request is there.
func (c *conn) stopped() bool { return c.server.draining.Load() && !arrived(c.Conn) }

func (c *conn) phase() phase { return phase(c.state.Load()) }

// Read gives what was read ahead, then what comes.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
			c.ahead = nil
		}
		return n, nil
	}
	return c.quick.Read(p)
}

// writePiece is how much is written at once at most, so that a long write to a
// slow client is told from one that does not move.
const writePiece = 64 << 10

// Write writes piece by piece, under the sweeper's eyes.
func (c *conn) Write(p []byte) (n int, err error) {
	for {
		c.beginWrite()
		m, err := c.quick.Write(p[n:min(len(p), n+writePiece)])
		c.endWrite()
		if n += m; err != nil || n >= len(p) {
			return n, err
		}
	}
}

func (c *conn) beginWrite() { c.writing.Store(c.server.ticks.Load() + 1) }
func (c *conn) endWrite()   { c.writing.Store(0) }

// stuck reports whether a write has stood still until the sweep now for longer
// than limit sweeps.
func (c *conn) stuck(now, limit uint64) bool {
	began := c.writing.Load()
	return began > 0 && now+1 > began+limit
}

// RemoteAddr is the client's address.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// CloseWrite says that nothing more comes.
func (c *conn) CloseWrite() error { return closeWrite(c.Conn) }

// Close closes the connection and forgets it.
func (c *conn) Close() error {
	c.closed.Do(func() {
		c.enter(closing)
		c.closeErr = c.Conn.Close()
		c.server.forget(c)
	})
	return c.closeErr
}

func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return http.ErrNotSupported
}

// remember takes a new connection into the books. It is false when the server
// stops.
func (s *Server) remember(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return false
	}
	s.conns[c] = struct{}{}
	s.loops.Add(1)
	s.running.Add(1)
	return true
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.emptied()
}

// emptied tells Shutdown when nobody is left to wait for. The caller has mu.
func (s *Server) emptied() {
	if s.empty == nil {
		return
	}
	for c := range s.conns {
		if !c.hijacked.Load() {
			return
		}
	}
	close(s.empty)
	s.empty = nil
}

// each calls f for every connection. f may close it.
func (s *Server) each(f func(*conn)) {
	for _, c := range s.all(nil) {
		f(c)
	}
}

// all appends the connections to list.
func (s *Server) all(list []*conn) []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		list = append(list, c)
	}
	return list
}

// cancelAll ends the contexts of the requests in the fast lane that came from
// o, or of all if o is nil.
func (s *Server) cancelAll(o *origin) {
	s.each(func(c *conn) {
		if o == nil || c.origin == o {
			c.cancel()
		}
	})
}

func (c *conn) cancel() {
	if ctx := c.current.Load(); ctx != nil {
		ctx.cancel()
	}
}

// hijack is called when a handler has taken the connection over: nobody waits
// for it any more.
func (c *conn) hijack() {
	c.enter(foreign)
	c.hijacked.Store(true)
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.emptied()
}
