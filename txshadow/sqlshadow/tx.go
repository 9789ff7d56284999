package sqlshadow

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/quackproxy/quack/txshadow/internal/ledger"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// tx is a transaction of the application inside a shadow: a savepoint.
type tx struct {
	t      *transaction
	mark   ledger.Mark
	closed bool
	failed bool   // a statement has, so that only a rollback is left
	read   bool   // READ ONLY
	leak   string // what outlives the COMMIT
	points []point
	ended  func() // tells the connection that it has no transaction any more
}

// point is a savepoint of the application's own, which database/sql has no
// other way for than SQL.
type point struct {
	name string
	mark ledger.Mark
}

// keeps keeps the books right over savepoints that stand in the application's
// SQL. It is called before a statement is sent, and kept after it has succeeded.
func (x *tx) keeps(own context.Context, w work) (kept func() error, err error) {
	nothing := func() error { return nil }
	if len(w.stmts) != 1 {
		for _, st := range w.stmts {
			x.t.books.Lost = x.t.books.Lost || st.Savepoint
		}
		return nothing, nil
	}
	st := w.stmts[0]
	switch {
	case !st.Savepoint || x.t.adapter.layers.noInterception:
		return nothing, nil
	case st.Verb == "savepoint":
		if !x.failed {
			err = x.t.readBooks(own)
		}
		return func() error {
			x.points = append(x.points, point{st.Name, x.t.books.Mark(st.Name)})
			return nil
		}, err
	case st.Verb == "rollback":
		return func() error { return x.wentBack(own, st.Name) }, nil
	}
	return func() error { // RELEASE: those after it go with it
		x.points = x.points[:max(0, x.last(st.Name))]
		return nil
	}, nil
}

// last is where the last savepoint of a name stands, -1 when there is none.
func (x *tx) last(name string) int {
	for i := len(x.points) - 1; i >= 0; i-- {
		if x.points[i].name == name {
			return i
		}
	}
	return -1
}

func (x *tx) wentBack(own context.Context, name string) error {
	at := x.last(name)
	if at < 0 {
		x.t.books.Lost = true
		return nil
	}
	if err := x.t.readBooks(own); err != nil {
		return err
	}
	x.t.books.Undone(x.points[at].mark)
	x.points = x.points[:at+1]
	return nil
}

// begin begins a transaction of the application.
func (t *transaction) begin(ctx context.Context, o driver.TxOptions, ended func()) (*tx, error) {
	own, leave, err := t.turn.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := t.admitTx(o); err != nil {
		return nil, err
	}
	opened := &tx{t: t, read: o.ReadOnly, ended: ended}
	if opened.mark, err = t.savepoint(own); err != nil {
		return nil, err
	}
	if sql := t.adapter.dialect.readOnlyTx(); opened.read && sql != "" { // the end of the savepoint lifts it
		if err := t.own(own, sql); err != nil {
			return nil, err
		}
	}
	t.tx = opened
	return opened, nil
}

// admitTx refuses what one session with one open transaction can not give.
func (t *transaction) admitTx(o driver.TxOptions) error {
	if t.tx != nil {
		return t.refuse("unsupported:concurrent-transactions")
	}
	if level := sql.IsolationLevel(o.Isolation); level != sql.LevelDefault && !t.adapter.dialect.same(level, t.session.isolation) {
		return t.refuse("unsupported:isolation")
	}
	if t.writers++; t.writers > sqltext.MaxWriters {
		return t.refuse("unsupported:too-many-statements")
	}
	if t.leaked != "" {
		t.note("unsupported:" + t.leaked)
	}
	return nil
}

// ErrFailed is the error of a Commit in a shadow, when a statement of the
// transaction has failed before: as live, it is rolled back. Each driver has
// an error of its own for that.
var ErrFailed = errors.New("sqlshadow: commit of a transaction in which a statement has failed: it is rolled back")

// Commit releases the savepoint. Before, it fires the deferred constraints,
// and fails as a commit would: with their error, or with ErrFailed.
func (x *tx) Commit() error {
	own, leave, err := x.t.turn.Enter(context.Background())
	if err != nil {
		return err
	}
	defer leave()
	if x.closed {
		return sql.ErrTxDone
	}
	defer x.end()
	if x.failed {
		return firstOf(x.t.rollbackTo(own, x.mark), ErrFailed)
	}
	if x.t.unchecked {
		if err := x.t.checkDeferred(own); err != nil {
			return firstOf(x.t.turn.Broken(), x.t.rollbackTo(own, x.mark), x.t.ifFailed(err))
		}
	}
	if err := x.t.own(own, "RELEASE SAVEPOINT "+x.mark.Name); err != nil {
		if x.t.adapter.dialect.kind(err) == failedTransaction {
			return firstOf(x.t.rollbackTo(own, x.mark), ErrFailed)
		}
		return err
	}
	if x.leak != "" {
		x.t.leaked = x.leak
	}
	return nil
}

// ifFailed is ErrFailed in place of what the server says of each statement
// then.
func (t *transaction) ifFailed(err error) error {
	if t.adapter.dialect.kind(err) == failedTransaction {
		return ErrFailed
	}
	return err
}

// Rollback goes back to the savepoint.
func (x *tx) Rollback() error {
	own, leave, err := x.t.turn.Enter(context.Background())
	if err != nil {
		return err
	}
	defer leave()
	if x.closed {
		return sql.ErrTxDone
	}
	defer x.end()
	return x.t.rollbackTo(own, x.mark)
}

func (x *tx) end() {
	x.closed = true
	x.t.tx = nil
	x.ended()
}
