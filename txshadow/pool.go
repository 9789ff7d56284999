package txshadow

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Pool has the methods of pgxpool.Pool that applications use. With the context
// of a shadow request, or one made from it, they run in the shadow's one
// transaction; with any other context they are the pool's own. What may write
// with the context of no request, while a shadow runs, is live and noted, or
// with Config.Strict refused: see ErrForeign. After the shadow's end they fail with ErrOver: nothing of a shadow reaches the pool.
type Pool struct{ adapter *Adapter }

// mayWrite stands for SQL that is not known yet.
const mayWrite = "BEGIN"

// shadowOf is the shadow that ctx belongs to, nil when it is live. sql is what
// is to be run.
func (a *Adapter) shadowOf(ctx context.Context, sql string) (*shadow, error) {
	s := scopeOf(ctx)
	if s == nil {
		a.before(ctx, func() bool { return !plainRead(sql) })
		return nil, a.foreign(sql)
	}
	if s.shadow == nil {
		return nil, nil
	}
	tx, ok := s.shadow.transaction.(*shadow)
	if !ok || tx.adapter != a {
		return nil, s.shadow.refuse("unsupported:two-adapters")
	}
	return tx, nil
}

func (p *Pool) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	s, err := p.adapter.shadowOf(ctx, sql)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	if s == nil {
		return p.adapter.live.Exec(ctx, sql, args...)
	}
	return s.exec(ctx, nil, sql, args)
}

func (p *Pool) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	s, err := p.adapter.shadowOf(ctx, sql)
	if err != nil {
		return &rows{failure: err, closed: true}, err
	}
	if s == nil {
		return p.adapter.live.Query(ctx, sql, args...)
	}
	return s.query(ctx, nil, sql, args)
}

func (p *Pool) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	s, err := p.adapter.shadowOf(ctx, sql)
	if err != nil {
		return row{&rows{failure: err, closed: true}}
	}
	if s == nil {
		return p.adapter.live.QueryRow(ctx, sql, args...)
	}
	return s.queryRow(ctx, nil, sql, args)
}

func (p *Pool) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	s, err := p.adapter.shadowOf(ctx, "")
	if err != nil {
		return pgx.FailedBatchResults(b, err)
	}
	if s == nil {
		for _, q := range b.QueuedQueries {
			if _, err := p.adapter.shadowOf(ctx, q.SQL); err != nil {
				return pgx.FailedBatchResults(b, err)
			}
		}
		return p.adapter.live.SendBatch(ctx, b)
	}
	return s.sendBatch(ctx, nil, b)
}

func (p *Pool) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error) {
	s, err := p.adapter.shadowOf(ctx, mayWrite)
	if err != nil {
		return 0, err
	}
	if s == nil {
		return p.adapter.live.CopyFrom(ctx, table, columns, src)
	}
	return s.copyFrom(ctx, nil, table, columns, src)
}

// Begin begins a transaction; inside a shadow, a savepoint.
func (p *Pool) Begin(ctx context.Context) (pgx.Tx, error) {
	return p.BeginTx(ctx, pgx.TxOptions{})
}

// BeginTx begins a transaction; inside a shadow, a savepoint. There, a second
// one while one is open and an isolation level that the shadow's transaction
// does not have are refused.
func (p *Pool) BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error) {
	s, err := p.adapter.shadowOf(ctx, sqlOf(o))
	if err != nil {
		return nil, err
	}
	if s == nil {
		return p.adapter.live.BeginTx(ctx, o)
	}
	t, err := s.begin(ctx, o, nil)
	if err != nil {
		return nil, err
	}
	return t, nil
}

func sqlOf(o pgx.TxOptions) string {
	if o.AccessMode == pgx.ReadOnly && o.BeginQuery == "" {
		return ""
	}
	return mayWrite
}

// Acquire gives a connection; inside a shadow, one that stands for the
// shadow's session.
func (p *Pool) Acquire(ctx context.Context) (*Conn, error) {
	s, err := p.adapter.shadowOf(ctx, mayWrite)
	if err != nil {
		return nil, err
	}
	if s != nil {
		if err := s.turn.Stopped(); err != nil {
			return nil, err
		}
		return &Conn{shadow: s}, nil
	}
	conn, err := p.adapter.live.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return &Conn{live: conn}, nil
}

// AcquireFunc calls f with a connection and releases it after.
func (p *Pool) AcquireFunc(ctx context.Context, f func(*Conn) error) error {
	conn, err := p.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return f(conn)
}

// Ping sends an empty statement.
func (p *Pool) Ping(ctx context.Context) error {
	s, err := p.adapter.shadowOf(ctx, "")
	if err != nil {
		return err
	}
	if s == nil {
		return p.adapter.live.Ping(ctx)
	}
	return s.ping(ctx)
}

// Stat is that of the application's pool.
func (p *Pool) Stat() *pgxpool.Stat { return p.adapter.live.Stat() }

// Config is that of the application's pool.
func (p *Pool) Config() *pgxpool.Config { return p.adapter.live.Config() }

// Reset closes the connections of the application's pool. Shadows go on.
func (p *Pool) Reset() { p.adapter.live.Reset() }

// Close closes the application's pool, not the adapter.
func (p *Pool) Close() { p.adapter.live.Close() }
