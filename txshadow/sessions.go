package txshadow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
	"github.com/quackproxy/quack/txshadow/internal/connect"
	"github.com/quackproxy/quack/txshadow/internal/spare"
)

// sessions makes dedicated sessions, each for one shadow, and keeps one ready.
type sessions struct {
	adapter *Adapter
	before  func(context.Context, *pgx.ConnConfig) error
	after   func(context.Context, *pgx.Conn) error
	closing func(*pgx.Conn)

	spare.Spare[session]
}

func (p *sessions) init(a *Adapter, pc *pgxpool.Config) {
	p.adapter, p.before, p.after, p.closing = a, pc.BeforeConnect, pc.AfterConnect, pc.BeforeClose
	p.Open, p.Go, p.Log = p.open, a.inBackground, a.log
	p.Sound = func(s *session) bool { return !s.conn.IsClosed() }
	p.Close = func(s *session) { s.release() }
}

const (
	// goneTimeout is how long the end of a session is looked for.
	goneTimeout = 2 * time.Second
	// goneRetry is how long after one that failed it is looked for again.
	goneRetry = 50 * time.Millisecond
)

// open connects as the pool does, hooks and all.
func (p *sessions) open(ctx context.Context) (_ *session, err error) {
	s := &session{}
	cfg := p.adapter.config.Copy()
	cfg.BuildContextWatcherHandler = newCanceller
	notice := cfg.OnNotice
	cfg.OnNotice = func(c *pgconn.PgConn, n *pgconn.Notice) {
		s.noTx = s.noTx || n.Code == catalog.StateNoTx
		if notice != nil {
			notice(c, n)
		}
	}
	if s.conn, err = p.connect(ctx, cfg); err != nil {
		return nil, fmt.Errorf("open a session for a shadow: %w", err)
	}
	s.release = sync.OnceFunc(func() { closeConn(s.conn) })
	if p.after != nil {
		if err := p.after(ctx, s.conn); err != nil {
			s.release()
			return nil, fmt.Errorf("open a session for a shadow: the pool's AfterConnect: %w", err)
		}
	}
	s.release = sync.OnceFunc(func() { p.farewell(s.conn) })
	if err := s.prepare(ctx, p.adapter.layers); err != nil {
		s.release()
		return nil, fmt.Errorf("open a session for a shadow: %w", err)
	}
	return s, nil
}

func (p *sessions) connect(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, error) {
	if cfg.ConnectTimeout <= 0 || cfg.ConnectTimeout > spare.ConnectTimeout {
		cfg.ConnectTimeout = spare.ConnectTimeout
	}
	if p.before != nil {
		if err := p.before(ctx, cfg); err != nil {
			return nil, err
		}
	}
	return pgx.ConnectConfig(ctx, cfg)
}

// farewell closes a connection behind the pool's hook. The hook gets an open
// one only when no transaction is open on it.
func (p *sessions) farewell(conn *pgx.Conn) {
	if p.closing != nil {
		if conn.PgConn().TxStatus() != 'I' {
			closeConn(conn)
		}
		p.closing(conn)
	}
	closeConn(conn)
}

// closeConn closes a connection and waits until its goroutines are gone.
func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	connect.Close(ctx, conn.PgConn())
}

// gone ends a session from outside and returns when the server has it no more. A
// server that has crashed and is recovering is asked again: sessions do not
// survive that, but it has to say so.
func (p *sessions) gone(s *session) error {
	ctx, cancel := context.WithTimeout(context.Background(), goneTimeout)
	defer cancel()
	for {
		err := p.goneNow(ctx, s)
		if err == nil || errors.Is(err, errOtherServer) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(goneRetry):
		}
	}
}

// errUnreachable says that there is no server to ask.
var errUnreachable = errors.New("the server can not be asked")

// errOtherServer says that what answers is not the server that had the session:
// perhaps it has restarted.
var errOtherServer = fmt.Errorf("this is another server: %w", errUnreachable)

// goneNow is one attempt of gone.
func (p *sessions) goneNow(ctx context.Context, s *session) (err error) {
	conn, err := p.connect(ctx, p.adapter.config.Copy())
	if err != nil {
		return fmt.Errorf("look for the session %s: %w: %w", s.who.PID, errUnreachable, err)
	}
	defer func() {
		if err != nil && conn.IsClosed() {
			err = fmt.Errorf("%w: %w", errUnreachable, err)
		}
		closeConn(conn)
	}()
	if _, err := conn.Exec(ctx, s.who.End()); err != nil {
		return fmt.Errorf("end the session %s: %w", s.who.PID, err)
	}
	for {
		var server string
		var n int
		if err := conn.QueryRow(ctx, s.who.Find()).Scan(&server, &n); err != nil {
			return fmt.Errorf("look for the session %s: %w", s.who.PID, err)
		}
		if server != s.who.Server {
			return fmt.Errorf("look for the session %s: %w", s.who.PID, errOtherServer)
		}
		if n == 0 && s.gid != "" { // and what it may have prepared
			if _, err := conn.Exec(ctx, withoutStandbys); err != nil {
				return fmt.Errorf("look for the prepared transaction %s: %w", s.gid, err)
			}
			return (&session{conn: conn, xid: s.xid}).settle(ctx, s.gid)
		}
		if n == 0 {
			return nil
		}
		time.Sleep(2 * time.Millisecond)
	}
}
