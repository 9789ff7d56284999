package txshadow

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
	"github.com/quackproxy/quack/txshadow/internal/ledger"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// work is what the application sends at once: statements that share one
// implicit transaction when they stand outside of one of its own.
type work struct {
	stmts sqltext.Sent
	on    *tx // nil: outside of a transaction of the application
	send  func(ctx context.Context, conn *pgx.Conn) error
}

// statement admits sql and sends it by send. sql may be the name of a
// prepared statement.
func (s *shadow) statement(ctx context.Context, on *tx, sql string, args []any, send func(ctx context.Context, conn *pgx.Conn, sql string, args []any) error) error {
	sql, args, err := s.rewritten(ctx, sql, args)
	if err != nil {
		return err
	}
	own, leave, err := s.turn.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	stmts, sql, err := s.admit(own, on, sql, args)
	if err != nil {
		return err
	}
	return s.perform(ctx, own, work{stmts: stmts, on: on, send: func(ctx context.Context, conn *pgx.Conn) error {
		return send(ctx, conn, sql, args)
	}})
}

// perform sends work. Outside of a transaction of the application it has a
// savepoint of its own, so that what fails takes nothing else with it. Who
// calls it has the turn; own is from enter, ctx the application's.
func (s *shadow) perform(ctx, own context.Context, w work) error {
	if w.on.isClosed() {
		return pgx.ErrTxClosed
	}
	var m ledger.Mark
	if w.on == nil {
		var err error
		if m, err = s.before(own, w); err != nil {
			return err
		}
	}
	if w.stmts.Writes() && s.mode == ModeRollback {
		s.books.Stale, s.unchecked = true, true
	}
	sendCtx, cancel := context.WithCancel(own)
	stop := context.AfterFunc(ctx, cancel)
	err := s.hooked(ctx, sendCtx, w)
	stop()
	cancel()
	if gone := s.watch(w, err); gone != nil {
		return gone
	}
	s.observe(w, err)
	if w.on == nil {
		err = s.after(own, w, m, err)
	}
	return s.cancelled(ctx, err)
}

// hooked sends work behind the pool's hook for a connection that is given out.
func (s *shadow) hooked(ctx, sendCtx context.Context, w work) error {
	if hook := s.adapter.prepareConn; hook != nil && w.on == nil {
		if ok, err := hook(ctx, s.conn()); err != nil {
			return err
		} else if !ok {
			return s.refuse("unsupported:prepare-conn")
		}
		if err := s.afterHook(); err != nil {
			return err
		}
	}
	return w.send(sendCtx, s.conn())
}

// afterHook looks at what a hook has made of the session, before anything else
// is sent: hooks are given the session itself, and one that clears up may have
// ended the transaction, or reset what protects others.
func (s *shadow) afterHook() error {
	if gone := s.watch(work{stmts: []sqltext.Statement{{Verb: "prepare-conn"}}}, nil); gone != nil {
		return gone
	}
	l, c := s.adapter.layers, s.conn().PgConn()
	if s.mode != ModeRollback || l.noBelt || l.noWatch || c.ParameterStatus("default_transaction_read_only") != "off" {
		return nil
	}
	closeConn(s.conn()) // without its time limits live sessions would wait for it
	return s.lost(errHookReset)
}

var errHookReset = errors.New("the pool's PrepareConn hook has reset the settings that hold a shadow\n" +
	"  leave them alone where txshadow.Active(ctx) is true")

// before makes the savepoint of work outside of a transaction.
func (s *shadow) before(own context.Context, w work) (ledger.Mark, error) {
	if s.tx != nil && s.conn().PgConn().TxStatus() == 'E' {
		// On a connection of its own it would have run.
		return ledger.Mark{}, s.refuse("unsupported:concurrent-statements")
	}
	if s.tx != nil && w.stmts.Writes() {
		// The application's ROLLBACK will take it back here, and there not.
		s.note("unsupported:concurrent-writes")
	}
	if w.stmts.Writes() {
		if s.writers++; s.writers > sqltext.MaxWriters {
			return ledger.Mark{}, s.refuse("unsupported:too-many-statements")
		}
	}
	return s.savepoint(own, "")
}

// savepoint makes a savepoint, with more SQL behind it. What the last
// statement has left open is released on the way, and the books are read when
// the savepoint will need to know where they stood.
func (s *shadow) savepoint(own context.Context, more string) (ledger.Mark, error) {
	s.serial++
	name := sqltext.SavepointPrefix + strconv.Itoa(s.serial)
	sql := s.released() + "SAVEPOINT " + name + more
	if s.books.Stale {
		sql += ";" + s.session.countsSQL
	}
	results, err := s.control(own, sql)
	if err != nil {
		return ledger.Mark{}, err
	}
	if s.books.Stale {
		s.readBooks(results)
	}
	return s.books.Mark(name), nil
}

// released is SQL that releases the savepoint of the last statement.
func (s *shadow) released() string {
	if s.open == "" {
		return ""
	}
	sql := "RELEASE " + s.open + ";"
	s.open = ""
	return sql
}

// after ends the savepoint of work outside of a transaction, as its commit or
// its rollback. err is what became of the work.
func (s *shadow) after(own context.Context, w work, m ledger.Mark, err error) error {
	if err == nil && s.unchecked {
		err = s.checkDeferred(own)
	}
	if s.conn().PgConn().TxStatus() == 'E' {
		if back := s.rollbackTo(own, m); back != nil {
			return errors.Join(err, back)
		}
	}
	s.open = m.Name
	if s.tx != nil { // a savepoint of the transaction that follows must not be inside this one
		if _, rel := s.control(own, s.released()); rel != nil {
			return errors.Join(err, rel)
		}
	}
	return err
}

// rollbackTo goes back to a savepoint and puts the books right. The savepoint
// stays.
func (s *shadow) rollbackTo(own context.Context, m ledger.Mark) error {
	sql := "ROLLBACK TO " + m.Name
	if s.books.Stale {
		sql += ";" + s.session.countsSQL
	}
	results, err := s.control(own, sql)
	if sqlState(err) == catalog.StateCancelled && own.Err() == nil { // a cancel request that came late
		results, err = s.control(own, sql)
	}
	if err != nil {
		return fmt.Errorf("go back to the savepoint of a statement that failed: %w", err)
	}
	if s.books.Stale {
		s.readBooks(results)
	}
	s.books.Undone(m)
	return nil
}

func (s *shadow) readBooks(results []*pgconn.Result) {
	if len(results) == 0 {
		return
	}
	now, err := catalog.Counted(results[len(results)-1].Rows)
	if err != nil {
		s.log.Warn("read what a shadow has written", "err", err)
		s.books.Lost = true
		return
	}
	s.books.Read(now)
}

// control runs statements of our own. That a savepoint is missing, or the
// transaction, means that it has been ended behind our back.
func (s *shadow) control(own context.Context, sql string) ([]*pgconn.Result, error) {
	if sql == "" {
		return nil, nil
	}
	results, err := s.session.control(own, sql)
	if s.adapter.layers.noWatch {
		return nil, nil
	}
	if gone := s.watch(work{}, err); gone != nil {
		return nil, gone
	}
	if st := sqlState(err); st == catalog.StateNoSavepoint || st == catalog.StateNoTx {
		return nil, s.escaped("chain")
	}
	return results, err
}

// cancelled is the error that pgx has for a context that has ended, when that
// is why the server has cancelled the statement.
func (s *shadow) cancelled(ctx context.Context, err error) error {
	cause := ctx.Err()
	if cause == nil || sqlState(err) != catalog.StateCancelled {
		return err
	}
	if errors.Is(cause, context.DeadlineExceeded) {
		return s.adapter.timedOut()
	}
	return cause
}
