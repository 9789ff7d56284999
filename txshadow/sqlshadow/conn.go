package sqlshadow

import (
	"context"
	"database/sql/driver"

	"github.com/quackproxy/quack/txshadow"
)

// connector makes the connections of Adapter.DB's pool.
type connector struct{ adapter *Adapter }

func (c connector) Driver() driver.Driver { return c.adapter.live.Driver() }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	base, err := c.adapter.live.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn := &liveConn{adapter: c.adapter, base: base}
	conn.lend(ctx)
	return conn, nil
}

// Close closes the application's connector, when it can be.
func (c connector) Close() error {
	if closer, ok := c.adapter.live.(interface{ Close() error }); ok {
		return closer.Close()
	}
	return nil
}

// liveConn is a connection of the pool. A shadow that has borrowed it uses its
// own session in its place. Package database/sql locks it.
type liveConn struct {
	adapter *Adapter
	base    driver.Conn

	lent    *transaction // the shadow that has it from the pool, nil when live
	request bool         // a request has it
	tx      *tx          // of a shadow, open on it
	liveTx  bool         // open on base
	bad     bool         // not to be used again
}

// lend is called when the pool gives the connection to somebody.
func (c *liveConn) lend(ctx context.Context) {
	c.lent, c.request = nil, false
	s, request, err := c.adapter.front.Find(ctx)
	c.request = request && err == nil
	if s != nil {
		c.lent = transactionOf(s)
	}
}

func transactionOf(s *txshadow.Shadow) *transaction {
	t, _ := s.Transaction().(*transaction)
	return t
}

// borrower is the shadow that has the connection, nil when it is live.
func (c *liveConn) borrower() *transaction {
	if c.tx != nil {
		return c.tx.t
	}
	return c.lent
}

// whose is the shadow that what comes with ctx belongs to, and its transaction
// on this connection; nil when it is live. sql is what is to be sent.
func (c *liveConn) whose(ctx context.Context, sql string) (*transaction, *tx, error) {
	if c.tx != nil {
		return c.tx.t, c.tx, nil
	}
	if c.lent != nil && !c.liveTx {
		return c.lent, nil, nil
	}
	s, request, err := c.adapter.front.Find(ctx)
	switch {
	case err != nil:
		return nil, nil, err
	case s != nil && c.liveTx:
		// Begun with another context: its statements are live.
		return nil, nil, transactionOf(s).refuse("unsupported:foreign-context")
	case s != nil:
		return transactionOf(s), nil, nil
	case request || c.request || c.liveTx:
		return nil, nil, nil
	}
	return nil, nil, c.adapter.front.Foreign(ctx, func() bool { return mayWrite(c.adapter.dialect, sql) })
}

// begins stands for SQL that is not known yet and may write.
const begins = "BEGIN"

func mayWrite(d dialect, sql string) bool {
	for _, st := range d.glance(sql) {
		if st.Writes || st.Refusal != "" {
			return true
		}
	}
	return false
}

func (c *liveConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	t, on, err := c.whose(ctx, query)
	if err != nil {
		return nil, err
	}
	if t != nil {
		return t.exec(ctx, on, query, args)
	}
	return execOn(ctx, c.base, query, args)
}

func (c *liveConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	t, on, err := c.whose(ctx, query)
	if err != nil {
		return nil, err
	}
	if t != nil {
		return t.query(ctx, on, query, args)
	}
	return queryOn(ctx, c.base, query, args)
}

// BeginTx begins a transaction; inside a shadow, a savepoint.
func (c *liveConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	sql := begins
	if o.ReadOnly {
		sql = ""
	}
	t, _, err := c.whose(ctx, sql)
	if err != nil {
		return nil, err
	}
	if t == nil {
		base, err := beginOn(ctx, c.base, o)
		if err != nil {
			return nil, err
		}
		c.liveTx = true
		return &liveTx{conn: c, base: base, ctx: ctx}, nil
	}
	opened, err := t.begin(ctx, o, func() { c.tx = nil })
	if err != nil {
		return nil, err
	}
	c.tx = opened
	return opened, nil
}

// Begin is not called by package database/sql, because there is BeginTx.
func (c *liveConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *liveConn) Ping(ctx context.Context) error {
	if t := c.borrower(); t != nil {
		return t.ping(ctx)
	}
	if p, ok := c.base.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// CheckNamedValue makes of an argument what the driver makes of it.
func (c *liveConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.base.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// ResetSession is called each time that the pool gives the connection out. A
// shadow leaves it as it is: it uses its own.
func (c *liveConn) ResetSession(ctx context.Context) error {
	c.lend(ctx)
	c.tx = nil
	if r, ok := c.base.(driver.SessionResetter); ok && c.lent == nil {
		return r.ResetSession(ctx)
	}
	return nil
}

// IsValid is called each time that it comes back.
func (c *liveConn) IsValid() bool {
	if v, ok := c.base.(driver.Validator); ok && !v.IsValid() {
		return false
	}
	return !c.bad
}

func (c *liveConn) Close() error { return c.base.Close() }

// liveTx is a transaction that is live.
type liveTx struct {
	conn *liveConn
	base driver.Tx
	ctx  context.Context // that it was begun with, as pgx keeps it
}

func (t *liveTx) Commit() error {
	t.conn.liveTx = false
	return t.base.Commit()
}

// Rollback rolls back. Package database/sql calls it when the context has
// ended, and then keeps the connection only when the driver can tell that it is
// sound: ours could, whatever the driver's can.
func (t *liveTx) Rollback() error {
	t.conn.liveTx = false
	_, resets := t.conn.base.(driver.SessionResetter)
	_, validates := t.conn.base.(driver.Validator)
	if t.ctx.Err() != nil && !(resets && validates) {
		t.conn.bad = true
	}
	return t.base.Rollback()
}
