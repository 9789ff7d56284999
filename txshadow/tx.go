package txshadow

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow/internal/ledger"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// tx is a transaction of the application inside a shadow: a savepoint.
type tx struct {
	s      *shadow
	parent *tx
	mark   ledger.Mark
	closed bool
	read   bool   // READ ONLY
	leak   string // what outlives the COMMIT, of the outermost
	ended  func() // tells the Conn that it has no transaction any more; may be nil
}

func (t *tx) isClosed() bool { return t != nil && (t.closed || t.parent.isClosed()) }

func (t *tx) readOnly() bool { return t != nil && (t.read || t.parent.readOnly()) }

func (t *tx) outermost() *tx {
	for t.parent != nil {
		t = t.parent
	}
	return t
}

// begin begins a transaction of the application.
func (s *shadow) begin(ctx context.Context, o pgx.TxOptions, ended func()) (*tx, error) {
	own, leave, err := s.turn.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := s.admitTx(ctx, o); err != nil {
		return nil, err
	}
	t := &tx{s: s, read: o.AccessMode == pgx.ReadOnly, ended: ended}
	more := ""
	if t.read {
		more = "; SET TRANSACTION READ ONLY" // the end of the savepoint lifts it
	}
	if t.mark, err = s.savepoint(own, more); err != nil {
		return nil, err
	}
	s.tx = t
	return t, nil
}

// admitTx refuses what one session with one open transaction can not give.
func (s *shadow) admitTx(ctx context.Context, o pgx.TxOptions) error {
	if s.tx != nil {
		return s.refuse("unsupported:concurrent-transactions")
	}
	if o.BeginQuery != "" || o.CommitQuery != "" {
		return s.refuse("unsupported:begin-query")
	}
	level := strings.ToLower(string(o.IsoLevel))
	if level == string(pgx.ReadUncommitted) { // the same in PostgreSQL
		level = string(pgx.ReadCommitted)
	}
	if level != "" && level != s.session.isolation {
		return s.refuse("unsupported:isolation")
	}
	if s.writers++; s.writers > sqltext.MaxWriters {
		return s.refuse("unsupported:too-many-statements")
	}
	if s.leaked != "" {
		s.note("unsupported:" + s.leaked)
	}
	if hook := s.adapter.prepareConn; hook != nil {
		if ok, err := hook(ctx, s.conn()); err != nil {
			return err
		} else if !ok {
			return s.refuse("unsupported:prepare-conn")
		}
		return s.afterHook()
	}
	return nil
}

// Begin starts a pseudo nested transaction.
func (t *tx) Begin(ctx context.Context) (pgx.Tx, error) {
	own, leave, err := t.s.turn.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if t.isClosed() {
		return nil, pgx.ErrTxClosed
	}
	if t.s.writers++; t.s.writers > sqltext.MaxWriters {
		return nil, t.s.refuse("unsupported:too-many-statements")
	}
	nested := &tx{s: t.s, parent: t}
	if nested.mark, err = t.s.savepoint(own, ""); err != nil {
		return nil, err
	}
	return nested, nil
}

// Commit releases the savepoint. For the outermost transaction it first fires
// the deferred constraints, and fails as a commit would: with their error, or
// with pgx.ErrTxCommitRollback when a statement has failed before.
func (t *tx) Commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		t.Rollback(ctx) // pgx would have closed the connection
		return err
	}
	own, leave, err := t.s.turn.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if t.isClosed() {
		return pgx.ErrTxClosed
	}
	if t.parent != nil {
		t.closed = true
		_, err := t.s.control(own, "RELEASE "+t.mark.Name)
		return err
	}
	defer t.end()
	if t.s.conn().PgConn().TxStatus() == 'E' {
		return joined(pgx.ErrTxCommitRollback, t.undo(own))
	}
	if t.s.unchecked {
		if err := t.s.checkDeferred(own); err != nil {
			return joined(err, t.undo(own))
		}
	}
	t.s.open = t.mark.Name // released with what comes next
	if t.leak != "" {
		t.s.leaked = t.leak
	}
	return nil
}

// Rollback goes back to the savepoint. Unlike pgx it works with a context that
// has ended, because here the session is the same for what comes next.
func (t *tx) Rollback(ctx context.Context) error {
	own, leave, err := t.s.turn.Enter(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	defer leave()
	if t.isClosed() {
		return pgx.ErrTxClosed
	}
	if t.parent == nil {
		defer t.end()
	}
	t.closed = true
	return t.undo(own)
}

// undo takes back what the transaction did.
func (t *tx) undo(own context.Context) error {
	if err := t.s.rollbackTo(own, t.mark); err != nil {
		return err
	}
	_, err := t.s.control(own, "RELEASE "+t.mark.Name)
	return err
}

// end closes the outermost transaction.
func (t *tx) end() {
	t.closed = true
	t.s.tx = nil
	if t.ended != nil {
		t.ended()
	}
}

func joined(err, more error) error {
	if more != nil {
		return more
	}
	return err
}

func (t *tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return t.s.exec(ctx, t, sql, args)
}

func (t *tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return t.s.query(ctx, t, sql, args)
}

func (t *tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return t.s.queryRow(ctx, t, sql, args)
}

func (t *tx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error) {
	return t.s.copyFrom(ctx, t, table, columns, src)
}

func (t *tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return t.s.sendBatch(ctx, t, b)
}

// Prepare prepares a statement on the shadow's session.
func (t *tx) Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error) {
	return t.s.prepare(ctx, t, name, sql)
}

// LargeObjects is not available in a shadow: every method of what it returns
// fails, and the request is not compared.
func (t *tx) LargeObjects() pgx.LargeObjects {
	t.s.note("unsupported:large-objects")
	return t.s.adapter.closedTx().LargeObjects()
}

// Conn is a connection that is closed: on the session itself, statements would
// go past the shadow. The request is not compared.
func (t *tx) Conn() *pgx.Conn {
	t.s.note("unsupported:conn")
	return t.s.adapter.closedConn()
}
