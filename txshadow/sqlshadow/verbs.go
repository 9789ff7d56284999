package sqlshadow

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// statement admits query and sends it by send.
func (t *transaction) statement(ctx context.Context, on *tx, query string, args []driver.NamedValue, send func(ctx context.Context, query string) error) error {
	own, leave, err := t.turn.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	stmts, query, err := t.admit(own, on, query, args)
	if err != nil {
		return err
	}
	return t.perform(ctx, own, work{stmts: stmts, on: on, send: func(ctx context.Context) error { return send(ctx, query) }})
}

func (t *transaction) exec(ctx context.Context, on *tx, query string, args []driver.NamedValue) (driver.Result, error) {
	var out result
	err := t.statement(ctx, on, query, args, func(ctx context.Context, query string) error {
		r, err := execOn(ctx, t.session.conn, query, args)
		if errors.Is(err, driver.ErrSkip) {
			var s driver.Stmt
			if s, err = t.session.prepared(ctx, query); err == nil {
				r, err = execStmt(ctx, s, args)
			}
		}
		out = resultOf(r, err)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// query reads the whole result before it returns, so that the session is free
// for the next statement while the application reads.
func (t *transaction) query(ctx context.Context, on *tx, query string, args []driver.NamedValue) (driver.Rows, error) {
	return t.rowsOf(ctx, on, query, args, func(ctx context.Context, query string) (driver.Rows, error) {
		r, err := queryOn(ctx, t.session.conn, query, args)
		if errors.Is(err, driver.ErrSkip) {
			var s driver.Stmt
			if s, err = t.session.prepared(ctx, query); err == nil {
				r, err = queryStmt(ctx, s, args)
			}
		}
		return r, err
	})
}

func (t *transaction) execPrepared(ctx context.Context, on *tx, query string, args []driver.NamedValue) (driver.Result, error) {
	var out result
	err := t.statement(ctx, on, query, args, func(ctx context.Context, query string) error {
		s, err := t.session.prepared(ctx, query)
		if err != nil {
			return err
		}
		r, err := execStmt(ctx, s, args)
		out = resultOf(r, err)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (t *transaction) queryPrepared(ctx context.Context, on *tx, query string, args []driver.NamedValue) (driver.Rows, error) {
	return t.rowsOf(ctx, on, query, args, func(ctx context.Context, query string) (driver.Rows, error) {
		s, err := t.session.prepared(ctx, query)
		if err != nil {
			return nil, err
		}
		return queryStmt(ctx, s, args)
	})
}

// rowsOf reads what send begins to. An error in the middle of a result comes
// after the rows before it, as from the driver.
func (t *transaction) rowsOf(ctx context.Context, on *tx, query string, args []driver.NamedValue,
	send func(ctx context.Context, query string) (driver.Rows, error)) (driver.Rows, error) {
	var out *rows
	err := t.statement(ctx, on, query, args, func(ctx context.Context, query string) error {
		base, err := send(ctx, query)
		if err != nil {
			return err
		}
		out = t.buffer(base)
		return out.failure
	})
	if out == nil || err != nil && len(out.sets) == 0 {
		return nil, err
	}
	out.failure = err
	return out, nil
}

// prepare prepares a statement on the shadow's session and returns how many
// parameters it has, -1 when the driver does not know.
func (t *transaction) prepare(ctx context.Context, on *tx, query string) (ins int, err error) {
	err = t.statement(ctx, on, query, nil, func(ctx context.Context, query string) error {
		s, err := t.session.prepared(ctx, query)
		if err == nil {
			ins = s.NumInput()
		}
		return err
	})
	return ins, err
}

// ping sends what does nothing.
func (t *transaction) ping(ctx context.Context) error {
	own, leave, err := t.turn.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	stmts := []sqltext.Statement{{Verb: "select"}}
	return t.perform(ctx, own, work{stmts: stmts, send: func(ctx context.Context) error { return t.session.exec(ctx, "SELECT 1") }})
}

// result is a driver.Result that has been read.
type result struct {
	id, n       int64
	idErr, nErr error
}

func resultOf(r driver.Result, err error) (out result) {
	if err != nil || r == nil {
		return out
	}
	out.id, out.idErr = r.LastInsertId()
	out.n, out.nErr = r.RowsAffected()
	return out
}

func (r result) LastInsertId() (int64, error) { return r.id, r.idErr }
func (r result) RowsAffected() (int64, error) { return r.n, r.nErr }
