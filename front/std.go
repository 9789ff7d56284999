package front

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/quackproxy/quack/internal/problem"
)

// newStd is net/http's server for HTTP/1. It gets connections with a guard
// around them. Time limits are the sweeper's.
func (s *Server) newStd() *http.Server {
	srv := s.bare()
	srv.Protocols.SetHTTP1(true)
	srv.Handler = http.HandlerFunc(s.serveStd)
	srv.ConnState = func(c net.Conn, state http.ConnState) { c.(*guard).stateChanged(state) }
	// The limit is the guard's; this is above what it lets through.
	srv.MaxHeaderBytes = s.HeadBytes + 4<<10
	return srv
}

func (s *Server) bare() *http.Server {
	return &http.Server{
		Protocols:                    new(http.Protocols),
		ConnContext:                  s.connContext,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
}

// connectionContext ends with the listener's context and knows whose it is.
type connectionContext struct {
	context.Context // of the listener
	server          *http.Server
	guard           *guard
}

// guardKey finds the guard of a request's connection.
type guardKey struct{}

func (c connectionContext) Value(key any) any {
	switch key {
	case http.ServerContextKey:
		return c.server
	case guardKey{}:
		return c.guard
	}
	return c.Context.Value(key)
}

func (s *Server) connContext(ctx context.Context, nc net.Conn) context.Context {
	srv, _ := ctx.Value(http.ServerContextKey).(*http.Server)
	switch c := nc.(type) {
	case *guard:
		return connectionContext{c.origin.ctx, srv, c}
	case *tls.Conn:
		nc = c.NetConn()
	}
	return connectionContext{nc.(*conn).origin.ctx, srv, nil}
}

// serveStd answers a request that came through a guard.
func (s *Server) serveStd(w http.ResponseWriter, r *http.Request) {
	s.running.Add(1)
	defer s.running.Add(-1)
	g := r.Context().Value(guardKey{}).(*guard)
	no, last := g.called()
	if r.RequestURI == refusedTarget {
		s.answerRefused(w, r, no)
		return
	}
	if last || s.draining.Load() {
		// Unless the connection is hijacked nothing comes after this.
		w.Header()["Connection"] = []string{"close"}
	}
	r.TLS = g.tls
	s.Handler.ServeHTTP(w, r)
	if r.ContentLength != 0 && !g.transparent.Load() {
		// net/http reads a short rest away now, and takes the deadline off
		// before the next request.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.OpenTimeout))
	}
}

// refused counts and notes a refusal.
func (s *Server) refused(no *refusal, peer string) {
	s.count(no.reason)
	s.Log.Debug("request refused", "peer", peer, "reason", no.reason)
}

func (s *Server) count(reason string) {
	s.mu.Lock()
	s.refusals[reason]++
	s.mu.Unlock()
	s.Refused(reason)
}

func (s *Server) answerRefused(w http.ResponseWriter, r *http.Request, no *refusal) {
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
	problem.Write(w, r, problem.Details{Type: problem.TypeBase + "malformed-request", Status: no.status, Detail: no.detail})
}

// handOver is the listener of a net/http server that gets its connections from
// elsewhere.
type handOver struct {
	conns chan net.Conn
	ended chan struct{}
	once  sync.Once
}

func newHandOver() *handOver {
	return &handOver{conns: make(chan net.Conn), ended: make(chan struct{})}
}

// give waits until the server has taken c. It is false when the server has
// ended.
func (h *handOver) give(c net.Conn) bool {
	select {
	case h.conns <- c:
		return true
	case <-h.ended:
		return false
	}
}

// Accept is the server's end.
func (h *handOver) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.ended:
		return nil, net.ErrClosed
	}
}

// Close ends the hand-over.
func (h *handOver) Close() error {
	h.once.Do(func() { close(h.ended) })
	return nil
}

// Addr is nobody's.
func (h *handOver) Addr() net.Addr { return &net.TCPAddr{} }
