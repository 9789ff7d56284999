package txshadow

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// Single has the methods of pgx.Conn that applications use, for those that
// have one connection and no pool. With the context of a shadow request they
// run in the shadow's one transaction, and the connection is not touched: a
// shadow does not wait for live requests that use it, nor they for the shadow.
// With any other context they are the connection's own, and as little safe for
// concurrent use. What [Pool] says of contexts holds here too.
type Single struct {
	adapter *Adapter
	live    *pgx.Conn
}

// Conn makes of a connection what handlers are to use in its place.
func (a *Adapter) Conn(conn *pgx.Conn) *Single { return &Single{adapter: a, live: conn} }

// shadow is what stands for the connection in the shadow that ctx belongs to,
// nil when it is live. sql is what is to be run.
func (c *Single) shadow(ctx context.Context, sql string) (*Conn, error) {
	s, err := c.adapter.shadowOf(ctx, sql)
	if err != nil || s == nil {
		return nil, err
	}
	if err := s.turn.Stopped(); err != nil {
		return nil, err
	}
	return s.standIn(c), nil
}

// standIn is the same for all calls of a shadow: a transaction that is open on
// the connection takes in what is sent beside it.
func (s *shadow) standIn(c *Single) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.singles == nil {
		s.singles = map[*Single]*Conn{}
	}
	conn := s.singles[c]
	if conn == nil {
		conn = &Conn{shadow: s}
		s.singles[c] = conn
	}
	return conn
}

func (c *Single) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	conn, err := c.shadow(ctx, sql)
	switch {
	case err != nil:
		return pgconn.CommandTag{}, err
	case conn != nil:
		return conn.Exec(ctx, sql, args...)
	}
	return c.live.Exec(ctx, sql, args...)
}

func (c *Single) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	conn, err := c.shadow(ctx, sql)
	switch {
	case err != nil:
		return &rows{failure: err, closed: true}, err
	case conn != nil:
		return conn.Query(ctx, sql, args...)
	}
	return c.live.Query(ctx, sql, args...)
}

func (c *Single) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	conn, err := c.shadow(ctx, sql)
	switch {
	case err != nil:
		return row{&rows{failure: err, closed: true}}
	case conn != nil:
		return conn.QueryRow(ctx, sql, args...)
	}
	return c.live.QueryRow(ctx, sql, args...)
}

func (c *Single) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	sql := ""
	for _, q := range b.QueuedQueries {
		if sql = q.SQL; !plainRead(sql) {
			break
		}
	}
	conn, err := c.shadow(ctx, sql)
	switch {
	case err != nil:
		return pgx.FailedBatchResults(b, err)
	case conn != nil:
		return conn.SendBatch(ctx, b)
	}
	return c.live.SendBatch(ctx, b)
}

func (c *Single) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error) {
	conn, err := c.shadow(ctx, mayWrite)
	switch {
	case err != nil:
		return 0, err
	case conn != nil:
		return conn.CopyFrom(ctx, table, columns, src)
	}
	return c.live.CopyFrom(ctx, table, columns, src)
}

// Begin begins a transaction; inside a shadow, a savepoint.
func (c *Single) Begin(ctx context.Context) (pgx.Tx, error) { return c.BeginTx(ctx, pgx.TxOptions{}) }

// BeginTx is Begin with options, as Pool.BeginTx has them.
func (c *Single) BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error) {
	conn, err := c.shadow(ctx, sqlOf(o))
	switch {
	case err != nil:
		return nil, err
	case conn != nil:
		return conn.BeginTx(ctx, o)
	}
	return c.live.BeginTx(ctx, o)
}

// Prepare prepares a statement; inside a shadow, on its session alone. What
// handlers find prepared already belongs in Config.AfterConnect.
func (c *Single) Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error) {
	conn, err := c.shadow(ctx, sql)
	switch {
	case err != nil:
		return nil, err
	case conn != nil:
		return conn.shadow.prepare(ctx, conn.tx, name, sql)
	}
	return c.live.Prepare(ctx, name, sql)
}

// prepare prepares a statement on the shadow's session.
func (s *shadow) prepare(ctx context.Context, on *tx, name, sql string) (sd *pgconn.StatementDescription, err error) {
	err = s.statement(ctx, on, sql, nil, func(ctx context.Context, conn *pgx.Conn, sql string, _ []any) error {
		sd, err = conn.Prepare(ctx, name, sql)
		return err
	})
	return sd, err
}

// Ping sends an empty statement.
func (c *Single) Ping(ctx context.Context) error {
	conn, err := c.shadow(ctx, "")
	switch {
	case err != nil:
		return err
	case conn != nil:
		return conn.Ping(ctx)
	}
	return c.live.Ping(ctx)
}

// TypeMap is that of the application's connection. Sessions of shadows have
// the types of Config.AfterConnect.
func (c *Single) TypeMap() *pgtype.Map { return c.live.TypeMap() }

// Config is that of the application's connection.
func (c *Single) Config() *pgx.ConnConfig { return c.live.Config() }

// IsClosed is that of the application's connection.
func (c *Single) IsClosed() bool { return c.live.IsClosed() }

// Close closes the application's connection. Shadows go on.
func (c *Single) Close(ctx context.Context) error { return c.live.Close(ctx) }
