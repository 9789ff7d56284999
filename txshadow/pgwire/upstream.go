package pgwire

import (
	"context"
	"fmt"
	"maps"
	"net"

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

func dial(ctx context.Context, cfg *pgconn.Config) (*upstream, error) {
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	h, err := conn.Hijack()
	if err != nil {
		return nil, fmt.Errorf("take the session over: %w", err)
	}
	u := &upstream{conn: h.Conn, params: h.ParameterStatuses}
	u.PgConn, err = pgconn.Construct(h)
	if err != nil {
		h.Conn.Close()
		return nil, fmt.Errorf("take the session over: %w", err)
	}
	return u, nil
}

// close closes the socket: what the session has open is rolled back. It may be
// called more than once.
func (u *upstream) close() { u.conn.Close() }
