package sqlshadow

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
	"github.com/quackproxy/quack/txshadow/internal/ledger"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// postgres is PostgreSQL, by any driver whose errors have a method SQLState.
type postgres struct{}

func (postgres) number() string { return "pg_catalog.pg_backend_pid()" }

func (d postgres) identify(ctx context.Context, s *session, l layers) error {
	row, err := s.row(ctx, "SELECT "+catalog.Who()+`, pg_catalog.current_setting('application_name'), pg_catalog.current_setting('server_version_num'),
		pg_catalog.current_setting('default_transaction_isolation'),
		pg_catalog.current_setting('standard_conforming_strings'), pg_catalog.current_setting('client_encoding')`)
	if err != nil {
		return fmt.Errorf("ask the session who it is: %w", err)
	}
	s.id, s.started, s.server, s.isolation, s.escapes = row[0], row[1], row[2], row[5], row[6] == "off"
	if row[7] != "UTF8" && row[7] != "SQL_ASCII" {
		return fmt.Errorf("client_encoding is %s: what is sent can not be read safely\n  set it to UTF8", row[7])
	}
	if s.isolation == "read uncommitted" { // the same in PostgreSQL
		s.isolation = "read committed"
	}
	version, err := strconv.Atoi(row[4])
	if err != nil {
		return fmt.Errorf("read server_version_num: %w", err)
	}
	s.joins = true
	s.joins = s.exec(ctx, "SELECT 1", "SELECT 1") == nil
	if err := d.rehearse(ctx, s, l); err != nil {
		return fmt.Errorf("rehearse a shadow's transaction: %w", err)
	}
	return d.belt(ctx, s, l, row[3], version)
}

// rehearse prepares what will be run around the shadow's work and runs it
// once, so that what is missing is found now. It writes nothing.
func (postgres) rehearse(ctx context.Context, s *session, l layers) error {
	begin := []string{"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"}
	if !l.noFuse {
		begin = append(begin, "INSERT INTO txshadow.fuse (nonce) SELECT '' WHERE false")
	}
	if err := s.exec(ctx, append(begin, "PREPARE _ts_open AS "+catalog.Open, "PREPARE _ts_counts AS "+catalog.Counts)...); err != nil {
		return err
	}
	for _, ask := range []string{"EXECUTE _ts_open", "EXECUTE _ts_counts"} {
		if _, err := s.query(ctx, ask); err != nil {
			return err
		}
	}
	return s.exec(ctx, "ROLLBACK")
}

func (postgres) belt(ctx context.Context, s *session, l layers, application string, version int) error {
	set := []string{"SET application_name = " + catalog.Literal(catalog.ShadowName(application)), "SET synchronous_commit = local"}
	if !l.noBelt {
		set = append(set, "SET default_transaction_read_only = on")
	}
	if s.flushed = version >= 150000; s.flushed { // what hooks have written would count as the shadow's otherwise
		set = append(set, "SELECT pg_catalog.pg_stat_force_next_flush()")
	}
	if err := s.exec(ctx, set...); err != nil {
		return fmt.Errorf("set up the session: %w", err)
	}
	return nil
}

func (postgres) open(ctx context.Context, s *session, o opening) error {
	if s.isolation == "serializable" {
		return errSerializable
	}
	access := " READ WRITE"
	if o.readOnly {
		access = " READ ONLY"
	}
	s.limit, s.lockTimeout = (o.budget+graceOfServer).Truncate(limitStep)+limitStep, o.lockTimeout
	limit := catalog.Milliseconds(s.limit)
	begin := []string{"BEGIN ISOLATION LEVEL " + s.isolation + access}
	if !o.readOnly && !o.layers.noFuse {
		begin = append(begin, "INSERT INTO txshadow.fuse (nonce) VALUES ("+catalog.Literal(o.nonce)+")")
	}
	begin = append(begin, "SET LOCAL lock_timeout = "+catalog.Milliseconds(o.lockTimeout), "SET LOCAL statement_timeout = "+limit,
		"SET LOCAL idle_in_transaction_session_timeout = "+limit, "SAVEPOINT "+root)
	if err := s.exec(ctx, begin...); err != nil {
		return err
	}
	row, err := s.row(ctx, "EXECUTE _ts_open")
	if err != nil {
		return err
	}
	s.transaction, s.counting, s.deferrable = row[0], row[2] == "on", row[3] == "t"
	switch {
	case o.readOnly:
	case row[4] != "t" && !o.layers.noFuse:
		return catalog.ErrNoFuse
	case row[5] != "on" && !o.layers.noBelt:
		return errors.New("default_transaction_read_only is not on in the shadow's session")
	}
	return nil
}

// drill commits, which the fuse has to refuse, and then writes, which the belt
// has to refuse.
func (d postgres) drill(ctx context.Context, s *session) error {
	if err := s.exec(ctx, "COMMIT"); d.kind(err) != fuseBlown {
		return fmt.Errorf("the fuse did not refuse a COMMIT (%s)\n  install it anew: quack txshadow install", outcomeOf(err))
	}
	if err := s.exec(ctx, "INSERT INTO txshadow.fuse (nonce) VALUES ('drill')"); d.kind(err) != readOnly {
		return fmt.Errorf("the session did not refuse to write after its transaction (%s)", outcomeOf(err))
	}
	return nil
}

func outcomeOf(err error) string {
	if err == nil {
		return "it was accepted"
	}
	return err.Error()
}

func (postgres) glance(query string) []sqltext.Statement { return sqltext.Split(query, false) }

// split asks the server how it reads backslashes when that makes a difference:
// no driver tells.
func (postgres) split(ctx context.Context, s *session, query string) ([]sqltext.Statement, error) {
	stmts := sqltext.Split(query, s.escapes)
	if !strings.Contains(query, `\`) || alike(stmts, sqltext.Split(query, !s.escapes)) {
		return stmts, nil
	}
	row, err := s.row(ctx, "SELECT pg_catalog.current_setting('standard_conforming_strings')")
	if err != nil {
		return nil, err
	}
	s.escapes = row[0] == "off"
	return sqltext.Split(query, s.escapes), nil
}

func alike(a, b []sqltext.Statement) bool {
	return slices.EqualFunc(a, b, func(a, b sqltext.Statement) bool {
		return a.Start == b.Start && a.End == b.End && a.Verb == b.Verb && a.Refusal == b.Refusal && a.Blocks == b.Blocks && a.Writes == b.Writes
	})
}

// judge refuses to EXECUTE a statement that was prepared by the protocol, as
// connectors do, and would be refused itself.
func (d postgres) judge(ctx context.Context, t *transaction, st *sqltext.Statement, _ *tx) error {
	if st.Executes == "" {
		return nil
	}
	rows, err := t.session.query(ctx, "SELECT statement FROM pg_catalog.pg_prepared_statements WHERE name ="+catalog.Literal(st.Executes))
	if err != nil || len(rows) == 0 {
		return err
	}
	for _, prepared := range d.glance(rows[0][0]) {
		against := prepared.Refusal
		if against == "" && !t.reads() {
			against = prepared.Blocks
		}
		if against != "" {
			return t.refuse(against)
		}
	}
	return nil
}

// instead is a SET CONSTRAINTS that names all constraints but the fuse, which
// ALL would fire, and the shadow's own limits in place of what would raise
// them.
func (d postgres) instead(ctx context.Context, t *transaction, st *sqltext.Statement) (string, bool, error) {
	switch {
	case st.Guard != "":
		ours := t.session.limit
		if st.Guard == "lock_timeout" {
			ours = t.session.lockTimeout
		}
		if time.Millisecond <= st.GuardTo && st.GuardTo < ours {
			return "", false, nil
		}
		return "SET LOCAL " + st.Guard + " = " + catalog.Milliseconds(ours), true, nil
	case st.AllImmediate && !t.reads():
		row, err := t.session.row(ctx, catalog.Deferrable(""))
		if err != nil {
			return "", false, err
		}
		if row[0] == "" { // there is nothing but the fuse
			return "SET CONSTRAINTS ALL DEFERRED", true, nil
		}
		return "SET CONSTRAINTS " + row[0] + " IMMEDIATE", true, nil
	}
	return "", false, nil
}

// fireDeferred fires the deferred constraints that wait, the fuse aside, and
// puts all as they were declared.
func (postgres) fireDeferred(ctx context.Context, s *session) (fired bool, err error) {
	if !s.deferrable {
		return false, nil
	}
	condition := catalog.Touched
	if !s.counting {
		condition = ""
	}
	row, err := s.row(ctx, catalog.Deferrable(condition))
	if err != nil || row[0] == "" {
		return false, err
	}
	return true, s.exec(ctx, catalog.Fire(row[0], row[1])...)
}

func (postgres) counts(ctx context.Context, s *session) (ledger.Counts, error) {
	rows, err := s.query(ctx, "EXECUTE _ts_counts")
	if err != nil {
		return nil, err
	}
	return catalog.Counted(rows)
}

func (postgres) still(ctx context.Context, s *session) (bool, error) {
	row, err := s.row(ctx, "SELECT pg_catalog.txid_current_if_assigned()")
	return err == nil && (s.transaction == "" || row[0] == s.transaction), err
}

func (postgres) rollBack(ctx context.Context, s *session) error { return s.exec(ctx, "ROLLBACK") }

func (postgres) rolledBack(ctx context.Context, s *session) error {
	if s.transaction == "" {
		return nil
	}
	row, err := s.row(ctx, "SELECT pg_catalog.txid_status("+s.transaction+")")
	if err == nil && row[0] != "aborted" {
		err = fmt.Errorf("the transaction of a shadow is %q, and should be aborted\n  compare the tables of this request with what live requests have written", row[0])
	}
	return err
}

func (postgres) readOnlyTx() string { return "SET TRANSACTION READ ONLY" }

func (postgres) same(l sql.IsolationLevel, usual string) bool {
	switch l {
	case sql.LevelReadUncommitted, sql.LevelReadCommitted:
		return usual == "read committed"
	case sql.LevelRepeatableRead, sql.LevelSnapshot:
		return usual == "repeatable read"
	}
	return false
}
