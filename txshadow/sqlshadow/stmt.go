package sqlshadow

import (
	"context"
	"database/sql/driver"
)

// stmt is a prepared statement of a connection of the pool. Package
// database/sql keeps it and uses it for live requests and shadows alike, so it
// is prepared on the connection when a live request first needs it, and on the
// session of each shadow that does.
type stmt struct {
	conn  *liveConn
	query string
	base  driver.Stmt // nil until a live request needs it
	ins   int         // parameters, -1 when the driver does not know
}

func (c *liveConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	t, on, err := c.whose(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &stmt{conn: c, query: query}
	if t != nil {
		s.ins, err = t.prepare(ctx, on, query)
	} else {
		err = s.prepareLive(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Prepare is not called by package database/sql, because there is PrepareContext.
func (c *liveConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (s *stmt) prepareLive(ctx context.Context) (err error) {
	if s.base == nil {
		if s.base, err = prepareOn(ctx, s.conn.base, s.query); err == nil {
			s.ins = s.base.NumInput()
		}
	}
	return err
}

func (s *stmt) NumInput() int { return s.ins }

func (s *stmt) Close() error {
	if s.base == nil {
		return nil
	}
	return s.base.Close()
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	t, on, err := s.conn.whose(ctx, s.query)
	if err != nil {
		return nil, err
	}
	if t != nil {
		return t.execPrepared(ctx, on, s.query, args)
	}
	if err := s.prepareLive(ctx); err != nil {
		return nil, err
	}
	return execStmt(ctx, s.base, args)
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	t, on, err := s.conn.whose(ctx, s.query)
	if err != nil {
		return nil, err
	}
	if t != nil {
		return t.queryPrepared(ctx, on, s.query, args)
	}
	if err := s.prepareLive(ctx); err != nil {
		return nil, err
	}
	return queryStmt(ctx, s.base, args)
}

// Exec is not called by package database/sql, because there is ExecContext.
func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

// Query is not called by package database/sql, because there is QueryContext.
func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

func named(args []driver.Value) []driver.NamedValue {
	all := make([]driver.NamedValue, len(args))
	for i, v := range args {
		all[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return all
}

// CheckNamedValue makes of an argument what the driver makes of it.
func (s *stmt) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := s.base.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return s.conn.CheckNamedValue(v)
}

// ColumnConverter is the driver's, for a statement that is prepared there.
func (s *stmt) ColumnConverter(i int) driver.ValueConverter {
	//lint:ignore SA1019 drivers still have it
	if c, ok := s.base.(driver.ColumnConverter); ok {
		return c.ColumnConverter(i)
	}
	return driver.DefaultParameterConverter
}
