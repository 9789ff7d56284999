package txshadow

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// What an application does with a pool, a connection or a transaction, inside
// a shadow. on is the application's transaction, nil outside of one.

func (s *shadow) exec(ctx context.Context, on *tx, sql string, args []any) (pgconn.CommandTag, error) {
	var tag pgconn.CommandTag
	var sent error
	err := s.statement(ctx, on, sql, args, func(ctx context.Context, conn *pgx.Conn, sql string, args []any) error {
		tag, sent = conn.Exec(ctx, sql, args...)
		return sent
	})
	if err != nil && sent == nil { // a deferred constraint has failed after it
		tag = pgconn.CommandTag{}
	}
	return tag, err
}

// query reads the whole result before it returns, so that the session is free
// for the next statement while the application reads.
func (s *shadow) query(ctx context.Context, on *tx, sql string, args []any) (*rows, error) {
	var r *rows
	var early error // what Query itself returned; other errors are the rows'
	err := s.statement(ctx, on, sql, args, func(ctx context.Context, conn *pgx.Conn, sql string, args []any) error {
		var result pgx.Rows
		result, early = conn.Query(ctx, sql, args...)
		r = s.buffer(result, conn.TypeMap())
		return r.failure
	})
	if r == nil {
		return &rows{failure: err, closed: true}, err
	}
	if err != nil && r.failure == nil {
		r.tag = pgconn.CommandTag{}
	}
	r.failure = err
	if early != nil {
		early, r.closed = err, true
	}
	return r, early
}

func (s *shadow) queryRow(ctx context.Context, on *tx, sql string, args []any) pgx.Row {
	r, _ := s.query(ctx, on, sql, args)
	return row{r}
}

func (s *shadow) copyFrom(ctx context.Context, on *tx, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (n int64, err error) {
	own, leave, err := s.turn.Enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	if slices.Contains(table, "txshadow") && !s.adapter.layers.noInterception {
		return 0, s.refuse("unsupported:txshadow")
	}
	name := table.Sanitize()
	if len(table) > 0 {
		name = table[len(table)-1]
	}
	w := work{stmts: []sqltext.Statement{{Verb: "copy", Table: name, Writes: true}}, on: on}
	w.send = func(ctx context.Context, conn *pgx.Conn) error {
		n, err = conn.CopyFrom(ctx, table, columns, src)
		return err
	}
	if err := s.perform(ctx, own, w); err != nil {
		return 0, err
	}
	return n, nil
}

func (s *shadow) ping(ctx context.Context) error {
	_, err := s.exec(ctx, nil, ";", nil)
	return err
}
