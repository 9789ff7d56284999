package txshadow

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Conn is what Pool.Acquire gives: a connection of the pool, or inside a
// shadow something that stands for its session. It has the methods of
// pgxpool.Conn that applications use.
type Conn struct {
	live   *pgxpool.Conn
	shadow *shadow // nil when live
	tx     *tx     // open on this connection; statements on it run inside
}

func (c *Conn) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if c.live != nil {
		return c.live.Exec(ctx, sql, args...)
	}
	return c.shadow.exec(ctx, c.tx, sql, args)
}

func (c *Conn) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if c.live != nil {
		return c.live.Query(ctx, sql, args...)
	}
	return c.shadow.query(ctx, c.tx, sql, args)
}

func (c *Conn) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if c.live != nil {
		return c.live.QueryRow(ctx, sql, args...)
	}
	return c.shadow.queryRow(ctx, c.tx, sql, args)
}

func (c *Conn) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if c.live != nil {
		return c.live.SendBatch(ctx, b)
	}
	return c.shadow.sendBatch(ctx, c.tx, b)
}

func (c *Conn) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error) {
	if c.live != nil {
		return c.live.CopyFrom(ctx, table, columns, src)
	}
	return c.shadow.copyFrom(ctx, c.tx, table, columns, src)
}

// Begin begins a transaction; inside a shadow, a savepoint.
func (c *Conn) Begin(ctx context.Context) (pgx.Tx, error) { return c.BeginTx(ctx, pgx.TxOptions{}) }

// BeginTx is Begin with options, as Pool.BeginTx has them.
func (c *Conn) BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error) {
	if c.live != nil {
		return c.live.BeginTx(ctx, o)
	}
	t, err := c.shadow.begin(ctx, o, func() { c.tx = nil })
	if err != nil {
		return nil, err
	}
	c.tx = t
	return t, nil
}

// Ping sends an empty statement.
func (c *Conn) Ping(ctx context.Context) error {
	if c.live != nil {
		return c.live.Ping(ctx)
	}
	return c.shadow.ping(ctx)
}

// Conn is the connection itself; inside a shadow one that is closed, because
// statements on the shadow's own would go past it. The request is not compared.
func (c *Conn) Conn() *pgx.Conn {
	if c.live != nil {
		return c.live.Conn()
	}
	c.shadow.note("unsupported:conn")
	return c.shadow.adapter.closedConn()
}

// Release gives the connection back.
func (c *Conn) Release() {
	if c.live != nil {
		c.live.Release()
	}
}
