package sqlshadow

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// session is one session of the base driver with one transaction for one
// shadow. It is used by one goroutine at a time.
type session struct {
	conn   driver.Conn
	hard   context.Context // ends the session when nothing else does
	kill   context.CancelFunc
	once   sync.Once
	closed atomic.Bool
	stmts  map[string]driver.Stmt // by their SQL

	id      string          // of the process or thread that serves it
	started string          // when, so that the id is not somebody else's by now
	server  string          // start of the server, likewise
	joins   bool            // takes several statements at once
	escapes bool            // a backslash escapes in ordinary strings, as far as was known last
	quotes  bool            // double quotes are for identifiers
	flushed bool            // its statistics have nothing of before
	lasting map[string]bool // tables that can not roll back
	unfused bool

	// Of its transaction.
	transaction string        // what the server calls it
	isolation   string        // the session's default
	deferrable  bool          // the database has deferrable constraints, the fuse aside
	counting    bool          // the server counts rows
	limit       time.Duration // of a statement, and of doing nothing
	lockTimeout time.Duration
}

func newSession(conn driver.Conn) *session {
	s := &session{conn: conn, stmts: map[string]driver.Stmt{}}
	s.hard, s.kill = context.WithCancel(context.Background())
	return s
}

// release closes the session. Only for who has the turn, or nobody has.
func (s *session) release() {
	s.once.Do(func() {
		s.closed.Store(true)
		s.conn.Close()
		s.kill()
	})
}

// during is a context with the values of ctx that ends with the session only:
// drivers close a connection whose context ends in the middle of a statement.
func (s *session) during(ctx context.Context) (context.Context, func()) {
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(s.hard, cancel)
	return run, func() { stop(); cancel() }
}

// exec runs statements of our own, in one round trip when that is to be had.
func (s *session) exec(ctx context.Context, stmts ...string) error {
	if s.joins && len(stmts) > 1 {
		joined := stmts[0]
		for _, sql := range stmts[1:] {
			joined += ";" + sql
		}
		stmts = []string{joined}
	}
	for _, sql := range stmts {
		_, err := execOn(ctx, s.conn, sql, nil)
		if errors.Is(err, driver.ErrSkip) {
			var st driver.Stmt
			if st, err = prepareOn(ctx, s.conn, sql); err == nil {
				_, err = execStmt(ctx, st, nil)
				st.Close()
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// query runs one statement and returns its rows as text, NULL as "".
func (s *session) query(ctx context.Context, sql string) ([][]string, error) {
	base, err := queryOn(ctx, s.conn, sql, nil)
	if errors.Is(err, driver.ErrSkip) {
		var st driver.Stmt
		if st, err = prepareOn(ctx, s.conn, sql); err == nil {
			defer st.Close()
			base, err = queryStmt(ctx, st, nil)
		}
	}
	if err != nil {
		return nil, err
	}
	all, err := textRows(base)
	if closed := base.Close(); err == nil { // once: lib/pq panics at the second
		err = closed
	}
	return all, err
}

func textRows(base driver.Rows) (all [][]string, err error) {
	for {
		values := make([]driver.Value, len(base.Columns()))
		if err := base.Next(values); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = textOf(v)
		}
		all = append(all, row)
	}
}

// row is query for a statement that has one row.
func (s *session) row(ctx context.Context, sql string) ([]string, error) {
	all, err := s.query(ctx, sql)
	if err != nil {
		return nil, err
	}
	if len(all) != 1 {
		return nil, fmt.Errorf("%d rows where one was expected", len(all))
	}
	return all[0], nil
}

func textOf(v driver.Value) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	case bool:
		return strconv.FormatBool(v)[:1]
	}
	return fmt.Sprint(v)
}

// prepared is a statement of the session; it ends with it.
func (s *session) prepared(ctx context.Context, query string) (driver.Stmt, error) {
	if st := s.stmts[query]; st != nil {
		return st, nil
	}
	st, err := prepareOn(ctx, s.conn, query)
	if err == nil {
		s.stmts[query] = st
	}
	return st, err
}
