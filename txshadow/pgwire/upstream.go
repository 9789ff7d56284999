package pgwire

import (
	"context"
	"fmt"
	"maps"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// upstream is a session with the database, logged in and idle.
type upstream struct {
	*pgconn.PgConn // for CancelRequest
	conn           net.Conn
	params         map[string]string // as the server has told them
}

// connect opens a session with a client's start-up parameters.
func (s *Server) connect(ctx context.Context, params map[string]string) (*upstream, error) {
	cfg := s.upstream.Copy()
	maps.Copy(cfg.RuntimeParams, params)
	delete(cfg.RuntimeParams, "user")
	delete(cfg.RuntimeParams, "database")
	u, err := dial(ctx, cfg)
	if err != nil {
		s.log.Error("open a session of the wire proxy", "host", cfg.Host, "port", cfg.Port, "database", cfg.Database, "err", err)
	}
	return u, err
}

// dial connects, and takes the connection from pgconn. On a slow machine that
// has a goroutine of its own left that reads: it has to be gone, or it would
// take the first answer.
func dial(ctx context.Context, cfg *pgconn.Config) (*upstream, error) {
	cfg = cfg.Copy()
	connect := cfg.DialFunc
	var all []*socket // more than one when pgconn tries several addresses
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := connect(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		s := &socket{Conn: c}
		all = append(all, s)
		return s, nil
	}
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	all[len(all)-1].interrupt()
	h, err := conn.Hijack()
	if err != nil {
		return nil, fmt.Errorf("take the session over: %w", err)
	}
	h.Config.DialFunc = connect // for cancel requests
	u := &upstream{conn: h.Conn, params: h.ParameterStatuses}
	u.PgConn, err = pgconn.Construct(h)
	if err != nil {
		h.Conn.Close()
		return nil, fmt.Errorf("take the session over: %w", err)
	}
	return u, nil
}

// socket is a connection of which it is known whether somebody reads.
type socket struct {
	net.Conn
	reading sync.Mutex
}

func (s *socket) Read(b []byte) (int, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	return s.Conn.Read(b)
}

// interrupt ends a Read that is under way.
func (s *socket) interrupt() {
	s.SetReadDeadline(time.Unix(1, 0))
	s.reading.Lock()
	defer s.reading.Unlock()
	s.SetReadDeadline(time.Time{})
}

// close closes the socket: what the session has open is rolled back. It may be
// called more than once.
func (u *upstream) close() { u.conn.Close() }
