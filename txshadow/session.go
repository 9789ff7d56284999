package txshadow

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// session is one Postgres session with one transaction for one shadow. It is
// used by one goroutine at a time.
type session struct {
	conn    *pgx.Conn
	release func() // gives the connection back, or closes it

	// Of a dedicated session.
	who catalog.Session

	openSQL   string // asks what has to be known of a transaction
	countsSQL string // asks what it has written

	flushed bool // its statistics have nothing of before

	// Of its transaction.
	nonce       string // in its row of the fuse
	gid         string // by which it may have been prepared, "" when it can not have been
	xid         string
	isolation   string        // the session's default, as long as that is not SERIALIZABLE
	deferrable  bool          // the database has deferrable constraints, the fuse aside
	counting    bool          // track_counts is on
	fused       bool          // the fuse's trigger is in force
	belted      bool          // only this transaction may write
	limit       time.Duration // of a statement, and of doing nothing
	lockTimeout time.Duration
	noTx        bool // the server has said that a ROLLBACK found no transaction
}

// errPooled says that the belt can not be armed.
var errPooled = errors.New("a connection pooler stands before the database: the process that serves the session is not the one that it announced\n" +
	"  a pooler would hand the session's settings on to live work; set Config.DirectDSN to the database itself")

// prepare makes a fresh connection fit for one shadow, after the
// application's own hooks have run on it.
func (s *session) prepare(ctx context.Context, l layers) error {
	if st := s.conn.PgConn().TxStatus(); st != 'I' {
		return fmt.Errorf("the pool's AfterConnect hook has left a transaction open (status %c)", st)
	}
	row, err := s.row(ctx, "SELECT "+catalog.Who()+`, pg_catalog.current_setting('application_name'), pg_catalog.current_setting('server_version_num'),
		pg_catalog.current_setting('default_transaction_isolation')`)
	if err != nil {
		return fmt.Errorf("ask the session who it is: %w", err)
	}
	s.who = catalog.Session{PID: row[0], Started: row[1], Server: row[2]}
	if s.who.PID != strconv.FormatUint(uint64(s.conn.PgConn().PID()), 10) {
		return errPooled
	}
	if row[5] == "repeatable read" { // saves a round trip; what else it may be is seen later
		s.isolation = row[5]
	}
	version, err := strconv.Atoi(row[4])
	if err != nil {
		return fmt.Errorf("read server_version_num: %w", err)
	}
	if err := s.rehearse(ctx, l, version); err != nil {
		return fmt.Errorf("rehearse a shadow's transaction: %w%s", err, catalog.Remedy(sqlState(err)))
	}
	// PREPARE and its ROLLBACK wait for standbys otherwise.
	sql := "SET synchronous_commit = local; SET application_name = " + catalog.Literal(catalog.ShadowName(row[3]))
	if !l.noBelt {
		sql += "; SET default_transaction_read_only = on"
	}
	if _, err := s.control(ctx, sql); err != nil {
		return fmt.Errorf("set up the session: %w", err)
	}
	if version >= 150000 && !l.noFlush {
		// What hooks have written would count as the shadow's otherwise.
		if _, err := s.control(ctx, "SELECT pg_catalog.pg_stat_force_next_flush()"); err != nil {
			return fmt.Errorf("flush the session's statistics: %w", err)
		}
		s.flushed = true
	}
	return nil
}

// rehearse prepares what will be run around the shadow's work and runs it
// once, so that a request does not wait for plans and cold caches, and so that
// what is missing is found now. It writes nothing.
func (s *session) rehearse(ctx context.Context, l layers, version int) error {
	sql := "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
	if !l.noFuse {
		sql += "INSERT INTO txshadow.fuse (nonce) SELECT '' WHERE false;"
	}
	if version >= decodesFrom {
		sql += rehearsalOfRows
	}
	_, err := s.control(ctx, sql+"PREPARE _ts_open AS "+catalog.Open+"; PREPARE _ts_counts AS "+catalog.Counts+";"+
		"EXECUTE _ts_open; EXECUTE _ts_counts; ROLLBACK")
	s.openSQL, s.countsSQL = "EXECUTE _ts_open", "EXECUTE _ts_counts"
	return err
}

// arm opens the transaction that can not commit, in one round trip: the fuse
// first, then the limits that protect others.
func (s *session) arm(ctx context.Context, nonce string, budget, lockTimeout time.Duration, l layers) error {
	s.nonce = nonce
	sql := "READ WRITE;"
	if !l.noFuse {
		sql += "INSERT INTO txshadow.fuse (nonce) VALUES (" + catalog.Literal(nonce) + ");"
	}
	if err := s.open(ctx, sql, budget, lockTimeout); err != nil {
		return err
	}
	if !s.fused && !l.noFuse {
		return catalog.ErrNoFuse
	}
	if !s.belted && !l.noBelt {
		return errors.New("default_transaction_read_only is not on in the shadow's session")
	}
	return nil
}

// beginReadOnly opens a transaction that can not write.
func (s *session) beginReadOnly(ctx context.Context, budget, lockTimeout time.Duration) error {
	return s.open(ctx, "READ ONLY;", budget, lockTimeout)
}

// graceOfServer is how much later than us, at least, the server ends a
// statement or a transaction that is idle: it is for an adapter that has stopped
// running.
const (
	graceOfServer = 100 * time.Millisecond
	limitStep     = 50 * time.Millisecond
)

// open begins a transaction with the isolation of the session's default, which
// it has to ask for, and refuses when that is SERIALIZABLE.
func (s *session) open(ctx context.Context, access string, budget, lockTimeout time.Duration) error {
	if s.isolation == "" {
		s.isolation = readCommitted
	}
	for range 2 {
		usual, err := s.begin(ctx, "BEGIN ISOLATION LEVEL "+s.isolation+" "+access, budget, lockTimeout)
		if err != nil || usual == s.isolation {
			return err
		}
		if _, err := s.control(ctx, "ROLLBACK"); err != nil {
			return fmt.Errorf("begin with another isolation level: %w", err)
		}
		if usual == "serializable" {
			return catalog.ErrSerializable
		}
		s.isolation = usual
	}
	return errors.New("default_transaction_isolation does not stay what it is")
}

const readCommitted = "read committed"

// begin begins a transaction and returns what isolation one has by default.
func (s *session) begin(ctx context.Context, begin string, budget, lockTimeout time.Duration) (usual string, err error) {
	// In steps, because pg_stat_statements keeps each spelling of a SET.
	s.limit, s.lockTimeout = (budget+graceOfServer).Truncate(limitStep)+limitStep, lockTimeout
	limit := catalog.Milliseconds(s.limit)
	row, err := s.row(ctx, begin+"SET LOCAL lock_timeout = "+catalog.Milliseconds(lockTimeout)+"; SET LOCAL statement_timeout = "+limit+
		"; SET LOCAL idle_in_transaction_session_timeout = "+limit+";"+s.openSQL)
	if err != nil {
		return "", err
	}
	s.xid, usual, s.counting, s.deferrable = row[0], row[1], row[2] == "on", row[3] == "t"
	s.fused, s.belted = row[4] == "t", row[5] == "on"
	if st := s.conn.PgConn().TxStatus(); st != 'T' {
		return "", fmt.Errorf("the transaction has status %c", st)
	}
	if usual == "read uncommitted" { // the same in PostgreSQL
		usual = readCommitted
	}
	return usual, nil
}

// control runs statements of our own by the simple protocol: no cache, no
// tracer, one round trip for all of them.
func (s *session) control(ctx context.Context, sql string) ([]*pgconn.Result, error) {
	return s.conn.PgConn().Exec(ctx, sql).ReadAll()
}

// row runs statements and returns the one row of the last.
func (s *session) row(ctx context.Context, sql string) ([]string, error) {
	results, err := s.control(ctx, sql)
	if err != nil {
		return nil, err
	}
	last := results[len(results)-1]
	if len(last.Rows) != 1 {
		return nil, fmt.Errorf("%d rows where one was expected", len(last.Rows))
	}
	row := make([]string, len(last.Rows[0]))
	for i, v := range last.Rows[0] {
		row[i] = string(v)
	}
	return row, nil
}

// rollback ends the transaction, in one round trip with what is asked of it
// before; answers is nil when that failed, or nothing was asked. escaped says
// that there was no transaction.
func (s *session) rollback(ctx context.Context, ask string) (answers []*pgconn.Result, escaped bool, err error) {
	if s.conn.PgConn().TxStatus() == 'I' {
		return nil, true, nil
	}
	s.noTx = false
	if ask != "" {
		answers, err = s.control(ctx, ask+";ROLLBACK")
	}
	for range 2 { // a cancel request that comes late may hit the first
		if s.conn.PgConn().TxStatus() == 'I' || s.conn.IsClosed() {
			break
		}
		answers = nil
		if _, err = s.control(ctx, "ROLLBACK"); sqlState(err) != catalog.StateCancelled {
			break
		}
	}
	if err != nil {
		return nil, false, err
	}
	if st := s.conn.PgConn().TxStatus(); st != 'I' {
		return nil, false, fmt.Errorf("after ROLLBACK the session has status %c", st)
	}
	return answers, s.noTx, nil
}

// sqlState is the SQLSTATE of err, "" when it is none of the server's.
func sqlState(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// guarded is what to send in place of a statement that sets a guard: nothing
// else when it only lowers it, else the guard as it is.
func (s *session) guarded(st *sqltext.Statement) (instead string, ok bool) {
	ours := s.limit
	if st.Guard == "lock_timeout" {
		ours = s.lockTimeout
	}
	if time.Millisecond <= st.GuardTo && st.GuardTo < ours {
		return "", false
	}
	return "SET LOCAL " + st.Guard + " = " + catalog.Milliseconds(ours), true
}
