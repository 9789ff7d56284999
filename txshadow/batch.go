package txshadow

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// batch is the results of a batch that has been run whole. It behaves as
// pgx's own.
type batch struct {
	queued  []*pgx.QueuedQuery
	results []*rows
	next    int
	err     error
	closed  bool
}

// sendBatch runs a batch as one implicit transaction, or inside on.
func (s *shadow) sendBatch(ctx context.Context, on *tx, b *pgx.Batch) pgx.BatchResults {
	out := &batch{queued: b.QueuedQueries}
	if err := s.runBatch(ctx, on, b, out); err != nil && len(out.results) == 0 {
		return pgx.FailedBatchResults(b, err)
	}
	return out
}

func (s *shadow) runBatch(ctx context.Context, on *tx, b *pgx.Batch, out *batch) error {
	copied := &pgx.Batch{}
	for _, q := range b.QueuedQueries {
		sql, args, err := s.rewritten(ctx, q.SQL, q.Arguments)
		if err != nil {
			return err
		}
		copied.Queue(sql, args...)
	}
	own, leave, err := s.turn.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	w := work{on: on}
	for i, q := range copied.QueuedQueries {
		stmts, sql, err := s.admitQueued(own, on, q, i)
		if err != nil {
			return err
		}
		q.SQL = sql
		w.stmts = append(w.stmts, stmts...)
	}
	w.send = func(ctx context.Context, conn *pgx.Conn) error { return s.readBatch(ctx, conn, copied, out) }
	err = s.perform(ctx, own, w)
	if n := len(out.results); err != nil && n > 0 {
		out.results[n-1].failure = err
	}
	return err
}

func (s *shadow) admitQueued(own context.Context, on *tx, q *pgx.QueuedQuery, at int) ([]sqltext.Statement, string, error) {
	stmts, sql, err := []sqltext.Statement(nil), q.SQL, error(nil)
	first := sqltext.Split(sql, false)
	if at == 0 && len(first) == 1 && first[0].Verb == "begin" && !s.adapter.layers.noInterception {
		return nil, "", s.refuse("unsupported:batch-begin")
	}
	if stmts, sql, err = s.admit(own, on, sql, q.Arguments); err != nil {
		return nil, "", err
	}
	if len(stmts) > 1 && !s.adapter.layers.noInterception {
		return nil, "", s.refuse("unsupported:batch-of-several")
	}
	return stmts, sql, nil
}

// readBatch sends the batch and reads all its results, up to the first that
// fails.
func (s *shadow) readBatch(ctx context.Context, conn *pgx.Conn, b *pgx.Batch, out *batch) error {
	results := conn.SendBatch(ctx, b)
	for range b.QueuedQueries {
		result, _ := results.Query()
		r := s.buffer(result, conn.TypeMap())
		out.results = append(out.results, r)
		if r.failure != nil {
			break
		}
	}
	err := results.Close()
	if n := len(out.results); n > 0 && out.results[n-1].failure != nil {
		return out.results[n-1].failure
	}
	return err
}

func (b *batch) Exec() (pgconn.CommandTag, error) {
	r, err := b.Query()
	r.Close()
	return r.CommandTag(), firstError(err, r.Err())
}

func (b *batch) Query() (pgx.Rows, error) {
	r, err := b.take()
	return r, err
}

func (b *batch) QueryRow() pgx.Row {
	r, _ := b.take()
	return row{r}
}

// take is the next result. After one that has failed, all fail alike.
func (b *batch) take() (*rows, error) {
	switch {
	case b.err != nil:
	case b.closed:
		b.err = errors.New("batch already closed")
	case b.next >= len(b.results):
		b.err = errors.New("no more results in batch")
	default:
		r := b.results[b.next]
		b.next++
		if r.failure != nil {
			b.err = r.failure
			if len(r.data) == 0 {
				r.closed = true
			}
		}
		return r, nil
	}
	return &rows{failure: b.err, closed: true}, b.err
}

// Close runs the functions of the queries whose results have not been read.
func (b *batch) Close() error {
	if b.closed {
		return b.err
	}
	for b.err == nil && b.next < len(b.results) {
		if fn := b.queued[b.next].Fn; fn != nil {
			b.err = firstError(fn(b), b.err)
		} else {
			b.Exec()
		}
	}
	b.closed = true
	return b.err
}

// Tx is nil: a batch that begins a transaction is refused.
func (b *batch) Tx() pgx.Tx { return nil }

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
