package sqlshadow

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/quackproxy/quack/txshadow/internal/ledger"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// root is the savepoint that is made with the transaction: as long as it is
// there, so is the transaction.
const root = sqltext.SavepointPrefix + "0"

// work is what the application sends at once: statements that share one
// implicit transaction when they stand outside of one of its own.
type work struct {
	stmts sqltext.Sent
	on    *tx // nil: outside of a transaction of the application
	send  func(ctx context.Context) error
}

// perform sends work. Outside of a transaction of the application it has a
// savepoint of its own, so that what fails takes nothing else with it. Who
// calls it has the turn; own is from enter, ctx the application's.
func (t *transaction) perform(ctx, own context.Context, w work) error {
	if w.on != nil && w.on.closed {
		return sql.ErrTxDone
	}
	var m ledger.Mark
	if w.on == nil {
		var err error
		if m, err = t.before(own, w); err != nil {
			return err
		}
	}
	kept := func() error { return nil }
	if w.on != nil {
		var err error
		if kept, err = w.on.keeps(own, w); err != nil {
			return err
		}
	}
	if w.stmts.Writes() && !t.reads() {
		t.books.Stale, t.unchecked = true, true
	}
	err := t.sending(ctx, own, w.send)
	if gone := t.watch(w, err); gone != nil {
		return gone
	}
	t.observe(w, err)
	if w.on == nil {
		err = t.after(own, w, m, err)
	} else if gone := t.within(own, w, err); gone != nil {
		return gone
	} else if err == nil {
		err = kept()
	}
	return cancelled(ctx, t.adapter.dialect, err)
}

// before makes the savepoint of work outside of a transaction.
func (t *transaction) before(own context.Context, w work) (ledger.Mark, error) {
	if t.tx != nil && t.tx.failed {
		// On a connection of its own it would have run.
		return ledger.Mark{}, t.refuse("unsupported:concurrent-statements")
	}
	if t.tx != nil && w.stmts.Writes() {
		// The application's ROLLBACK will take it back here, and there not.
		t.note("unsupported:concurrent-writes")
	}
	if w.stmts.Writes() {
		if t.writers++; t.writers > sqltext.MaxWriters {
			return ledger.Mark{}, t.refuse("unsupported:too-many-statements")
		}
	}
	return t.savepoint(own)
}

// savepoint makes a savepoint. The books are read when they have to be known
// where it stands.
func (t *transaction) savepoint(own context.Context) (ledger.Mark, error) {
	t.serial++
	name := sqltext.SavepointPrefix + strconv.Itoa(t.serial)
	if err := t.own(own, "SAVEPOINT "+name); err != nil {
		return ledger.Mark{}, err
	}
	if err := t.readBooks(own); err != nil {
		return ledger.Mark{}, err
	}
	return t.books.Mark(name), nil
}

// after ends the savepoint of work outside of a transaction, as its commit or
// its rollback. That it is still there shows that the transaction is. err is
// what became of the work.
func (t *transaction) after(own context.Context, w work, m ledger.Mark, err error) error {
	if err == nil && t.unchecked {
		err = t.checkDeferred(own)
	}
	if err == nil || !t.adapter.dialect.ofServer(err) {
		rel := t.own(own, "RELEASE SAVEPOINT "+m.Name)
		if t.adapter.dialect.kind(rel) != failedTransaction {
			return firstOf(rel, err)
		}
		err = firstOf(err, rel)
	}
	if t.adapter.dialect.kind(err) == undone {
		return err
	}
	if back := t.rollbackTo(own, m); back != nil {
		return back
	}
	return err
}

// within looks after work in a transaction of the application, whose savepoint
// stays.
func (t *transaction) within(own context.Context, w work, err error) error {
	if err != nil {
		w.on.failed = w.on.failed || t.adapter.dialect.aborts(err)
		return nil
	}
	if slices.ContainsFunc(w.stmts, func(s sqltext.Statement) bool { return s.Verb == "rollback" }) {
		w.on.failed = false
	}
	if !slices.ContainsFunc(w.stmts, func(s sqltext.Statement) bool { return !plain[s.Verb] }) {
		return nil
	}
	// Whatever it was, the transaction's savepoint has to be there.
	t.serial++
	probe := sqltext.SavepointPrefix + strconv.Itoa(t.serial)
	if err := t.own(own, "SAVEPOINT "+probe); err != nil {
		return t.unlessFailed(w.on, err)
	}
	return t.unlessFailed(w.on, t.own(own, "RELEASE SAVEPOINT "+probe))
}

func (t *transaction) unlessFailed(on *tx, err error) error {
	if t.adapter.dialect.kind(err) == failedTransaction {
		on.failed = true
		return nil
	}
	return err
}

// plain statements end no transaction, whatever else is wrong with them.
var plain = map[string]bool{"select": true, "insert": true, "update": true, "delete": true, "merge": true, "replace": true, "values": true, "table": true, "with": true}

// rollbackTo goes back to a savepoint, ends it, and puts the books right.
func (t *transaction) rollbackTo(own context.Context, m ledger.Mark) error {
	back := func() error { return t.own(own, "ROLLBACK TO SAVEPOINT "+m.Name) }
	err := back()
	if t.adapter.dialect.kind(err) == cancelledStatement && own.Err() == nil { // a cancel request that came late
		err = back()
	}
	if err != nil {
		return fmt.Errorf("go back to the savepoint of a statement that failed: %w", err)
	}
	if err := t.readBooks(own); err != nil {
		return err
	}
	t.books.Undone(m)
	return t.own(own, "RELEASE SAVEPOINT "+m.Name)
}

// readBooks reads what was written, when something may have been.
func (t *transaction) readBooks(own context.Context) error {
	if !t.books.Stale || t.books.Lost || t.reads() {
		return nil
	}
	var now ledger.Counts
	err := t.sending(own, own, func(ctx context.Context) (err error) {
		now, err = t.adapter.dialect.counts(ctx, t.session)
		return err
	})
	if err != nil {
		if gone := t.vanished(err); gone != nil {
			return gone
		}
		t.request.Log().Warn("read what a shadow has written", "err", err)
	}
	if now == nil {
		t.books.Lost = true
		return nil
	}
	t.books.Read(now)
	return nil
}

// own runs a statement of ours. That a savepoint is missing, or the
// transaction, means that it has been ended behind our back.
func (t *transaction) own(own context.Context, sql string) error {
	err := t.sending(own, own, func(ctx context.Context) error { return t.session.exec(ctx, sql) })
	if t.adapter.layers.noWatch {
		return nil
	}
	if gone := t.vanished(err); gone != nil {
		return gone
	}
	return err
}

// vanished is the error of a session or a transaction that is not there any
// more, nil when err does not say so.
func (t *transaction) vanished(err error) error {
	if err == nil || t.adapter.layers.noWatch {
		return nil
	}
	if gone := t.watch(work{}, err); gone != nil {
		return gone
	}
	if k := t.adapter.dialect.kind(err); k == noSavepoint || k == noTransaction {
		return t.escaped("chain")
	}
	return nil
}

// cancelled is the error for a statement that the server has cancelled because
// ctx has ended: the driver's, and that of ctx.
func cancelled(ctx context.Context, d dialect, err error) error {
	if cause := ctx.Err(); cause != nil && d.kind(err) == cancelledStatement {
		return errors.Join(cause, err)
	}
	return err
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
