// Package pgwire is a Postgres wire proxy that can roll back what a backend
// writes for a shadow request, without a line of the backend's code touched.
//
// A [Server] stands between one backend instance and its database. Made
// without [Config.Lane] it passes frames through untouched, each client on a
// session of its own. Made with one, all clients share the one session of a
// [Lane]: [Lane.Open] opens a transaction on it that can not commit, what the
// instance sends is run inside it, with its BEGIN, COMMIT and ROLLBACK turned
// into savepoints, and [Lane.Close] rolls everything back and says what was
// written. It never belongs before a backend that serves live requests.
//
// Promises: a client's password is never sent on and never logged; a cancel
// request never hits a query that began after it was received; a message of a
// kind that is not known passes as it is where no shadow is open.
package pgwire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Auth is how clients prove who they are.
type Auth int

const (
	AuthSCRAM     Auth = iota // SCRAM-SHA-256; the default
	AuthMD5                   // MD5, for drivers without SCRAM
	AuthCleartext             // the password as it is; only over TLS
	AuthTrust                 // nobody is asked; only from this machine
)

// Config says between whom a Server stands. DSN is needed, the rest has
// defaults.
type Config struct {
	// DSN is of the database, as libpq and pgx read one: URL or key=value,
	// with role, password and sslmode. All sessions are opened with it.
	DSN string

	// Users are who may log in: role and password, or, for AuthSCRAM, a
	// verifier as pg_authid has it (SCRAM-SHA-256$…). Default: role and
	// password of DSN, so that a backend changes host and port and nothing
	// else. Whoever logs in acts as the role of DSN.
	Users map[string]string
	Auth  Auth // default AuthSCRAM

	// TLS is for clients. nil: no TLS is offered.
	TLS *tls.Config
	// RequireTLS refuses clients without TLS.
	RequireTLS bool

	// Lane makes the sessions of all clients one, in which shadows can be
	// rolled back. nil: frames are passed through.
	Lane *LaneConfig

	MaxClients     int           // connections at once; default 500
	LoginTimeout   time.Duration // from accept to the first query; default 10s
	ConnectTimeout time.Duration // to reach the database; default 5s

	Log *slog.Logger // default: slog.Default()
}

// Server is the proxy before one database. Safe for concurrent use.
type Server struct {
	cfg      Config
	upstream *pgconn.Config
	users    map[string]*user
	fake     *user // whom one who does not exist is checked against
	keys     keys
	lane     *Lane
	log      *slog.Logger

	mu    sync.Mutex
	conns map[net.Conn]struct{} // all clients', to be closed at the end
	ended bool
}

// New checks cfg. It opens no connection.
func New(cfg Config) (*Server, error) {
	cfg.defaults()
	up, err := pgconn.ParseConfig(cfg.DSN)
	if err != nil {
		return nil, fmt.Errorf("read the DSN of the wire proxy's database: %w", withoutSecrets(err))
	}
	if up.ConnectTimeout <= 0 || up.ConnectTimeout > cfg.ConnectTimeout {
		up.ConnectTimeout = cfg.ConnectTimeout
	}
	s := &Server{cfg: cfg, upstream: up, log: cfg.Log, conns: map[net.Conn]struct{}{}}
	s.keys.init()
	if s.users, err = cfg.logins(up); err != nil {
		return nil, err
	}
	if s.fake, err = impostor(s.users); err != nil {
		return nil, err
	}
	if cfg.Auth == AuthCleartext && (cfg.TLS == nil || !cfg.RequireTLS) {
		return nil, errors.New("passwords in clear text need TLS\n  set TLS and RequireTLS, or take SCRAM")
	}
	if cfg.Lane != nil {
		s.lane = newLane(s, *cfg.Lane)
	}
	return s, nil
}

func (c *Config) defaults() {
	if c.MaxClients <= 0 {
		c.MaxClients = 500
	}
	if c.LoginTimeout <= 0 {
		c.LoginTimeout = 10 * time.Second
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
}

// withoutSecrets is pgconn's error of a DSN without the DSN, of which it
// repeats what it takes for no secret.
func withoutSecrets(err error) error {
	if e := errors.Unwrap(err); e != nil {
		err = e
	}
	if strings.Contains(err.Error(), "://") {
		return errors.New("it is not a valid URL")
	}
	return err
}

// Lane is what shadows are opened in; nil without Config.Lane.
func (s *Server) Lane() *Lane { return s.lane }

// Serve takes clients from l until ctx ends, then closes l and all
// connections, and returns when nothing of it runs any more. The error is that
// of l; nil when ctx has ended. It is called once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close(); s.closeAll() })
	defer stop()
	var clients sync.WaitGroup
	defer clients.Wait()
	defer s.closeAll()
	defer l.Close()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() || isTransient(err) {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if err != nil {
			return fmt.Errorf("accept Postgres clients: %w", err)
		}
		known, room := s.admit(conn)
		if !known {
			conn.Close()
			continue
		}
		clients.Go(func() {
			defer s.forget(conn)
			s.serve(ctx, conn, room)
		})
	}
}

// admit takes conn into the list; known is false when all are being closed,
// room when there are too many.
func (s *Server) admit(conn net.Conn) (known, room bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false, false
	}
	s.conns[conn] = struct{}{}
	// Cancel requests come when all is taken.
	return true, len(s.conns) <= s.cfg.MaxClients
}

func (s *Server) forget(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

func (s *Server) closeAll() {
	s.mu.Lock()
	s.ended = true
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	if s.lane != nil {
		s.lane.shutDown()
	}
}
