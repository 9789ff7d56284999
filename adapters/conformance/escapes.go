package conformance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/internal/escapes"
	"github.com/quackproxy/quack/txshadow"
)

// insert stands before each escape, and for "INSERT …" in it.
const insert = "INSERT INTO items (name) VALUES (md5(random()::text))"

// tried are the escapes that every adapter is tried with.
var tried = escapes.And(
	escapes.Verbs("commit work"),
	escapes.Verbs("COMMIT TRANSACTION;"),
	escapes.Verbs("/* a /* nested */ comment */ COMMIT"),
	escapes.Verbs("-- a comment\nCOMMIT"),
	escapes.Verbs(";;COMMIT"),
	escapes.Verbs("SELECT ';'; COMMIT"),
	escapes.Verbs(`SELECT E'\'; '; COMMIT; --'`),
	escapes.Verbs("SELECT $a$;$a$; COMMIT"),
	escapes.Verbs("BEGIN", "INSERT …", "COMMIT", "INSERT …"),
	escapes.Verbs("BEGIN; INSERT …; COMMIT"),
	escapes.Verbs("ROLLBACK", "ROLLBACK", "COMMIT", "INSERT …"),
	escapes.Of("PREPARE TRANSACTION 'txshadow-conf1-99'", "INSERT …"),
	escapes.Of("COMMIT PREPARED 'other'"),
	escapes.Of("SET default_transaction_read_only = off"),
	escapes.Of("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"),
	escapes.Of("SELECT set_config('default_transaction_read_only', 'off', false)"),
	escapes.Of("RESET ALL"),
	escapes.Of("DISCARD ALL"),
	escapes.Of("SET session_replication_role = replica"),
	escapes.Of("DELETE FROM txshadow.fuse"),
	escapes.Of("ALTER TABLE txshadow.fuse DISABLE TRIGGER fuse"),
	escapes.Of("SET LOCAL txshadow.probe = 'mine'"),
	escapes.Of(`SET LOCAL "txshadow.probe" = 'mine'`),
	escapes.Of("SELECT set_config('txshadow.probe', 'mine', true)"),
	escapes.Of("UPDATE pg_settings SET setting = 'off' WHERE name = 'default_transaction_read_only'"),
	escapes.Of("UPDATE pg_settings SET setting = 'off' WHERE name = 'default_transaction_read_only'", "ROLLBACK", "INSERT …"),
	escapes.Of("RESET ALL", "ROLLBACK", "INSERT …"),
	escapes.Of("SET LOCAL txshadow.probe = ''", "COMMIT"),
	escapes.Of("SELECT set_config('txshadow.probe', (SELECT max(nonce) FROM txshadow.fuse), true)", "COMMIT"),
	escapes.Of("UPDATE txshadow.fuse SET nonce = ''", "COMMIT"),
	escapes.Of("ALTER TABLE txshadow.fuse DISABLE TRIGGER fuse", "COMMIT"),
	escapes.Of("DROP TRIGGER fuse ON txshadow.fuse", "COMMIT"),
	escapes.Of("DROP SCHEMA txshadow CASCADE", "COMMIT"),
	escapes.Of("ROLLBACK TO _ts_1", "COMMIT"),
	escapes.Harmless("DO $$BEGIN EXECUTE 'COMMIT'; END$$"),
	escapes.Harmless("SELECT 'COMMIT'"),
	escapes.Harmless("SAVEPOINT mine", "INSERT …", "RELEASE mine"),
)

// several says that the escape has several statements in one string, which
// PostgreSQL itself refuses by the extended protocol.
func several(e escapes.Escape) bool {
	for _, s := range e.Statements {
		if strings.Contains(strings.TrimRight(s, ";"), ";") {
			return true
		}
	}
	return false
}

func requestOf(e escapes.Escape, p Protocol) request {
	return statements(p, append([]string{insert}, e.With(insert)...)...)
}

// statements is a request that sends SQL as it is.
func statements(p Protocol, list ...string) request {
	return post("/sql", fields{"protocol": string(p), "statements": list})
}

// checkEscapes tries each escape by each protocol. Nothing persists, and what
// became of it is in the adapter's table.
func checkEscapes(t *testing.T, s *suite) {
	table := s.tryEscapes(t, func(r request) reply { return s.do(t, s.marked(t, r.shadow())) })
	t.Logf("\n%s", table)
	golden(t, "What became of each way of ending a shadow's transaction: made by the conformance suite, with -update.\n\n"+table)
	if out := s.live(t, statements(Simple, insert)); out.body == "" {
		t.Errorf("live after all of them: %d", out.status)
	}
	if n := s.db.count(t, "SELECT count(*) FROM items"); n != 3 {
		t.Errorf("%d items after a live insert", n)
	}
}

func (s *suite) tryEscapes(t *testing.T, send func(request) reply) string {
	names := make([]string, len(protocols))
	for i, p := range protocols {
		names[i] = string(p)
	}
	return escapes.Table(tried, names, func(escape, protocol int) string {
		return s.tryEscape(t, tried[escape], protocols[protocol], send)
	})
}

// tryEscape is what became of an escape, for the table.
func (s *suite) tryEscape(t *testing.T, e escapes.Escape, p Protocol, send func(request) reply) string {
	t.Helper()
	before := s.db.content(t)
	out := send(requestOf(e, p))
	s.db.settles(t)
	if after := s.db.content(t); after != before {
		t.Errorf("%v, %s: ESCAPED\nbefore:\n%s\nafter:\n%s", e, p, before, after)
		s.recover(t)
		return "**escaped**"
	}
	if out.err != nil {
		t.Errorf("%v, %s: no acknowledgement: %v\n%d %s", e, p, out.err, out.status, out.body)
		return "not acknowledged"
	}
	reason := out.ack.Reason
	switch {
	case strings.HasPrefix(reason, "escape:"), strings.HasPrefix(reason, "unsupported:"):
		return "`" + reason + "`"
	case reason != "":
		t.Errorf("%v, %s: reason %q", e, p, reason)
		return "`" + reason + "`"
	case p == Extended && !e.Harmless && several(e) && refusedBy(out.body):
		return "an error of PostgreSQL"
	case e.Harmless:
		return "does no harm"
	case e.Verbs && s.app.MapsVerbs:
		return "savepoints"
	}
	t.Errorf("%v, %s: it raised no alarm\n%s", e, p, out.body)
	return "no alarm"
}

// refusedBy says that the last statement had an error.
func refusedBy(body string) bool {
	var told struct{ Errors []*string }
	return json.Unmarshal([]byte(body), &told) == nil && len(told.Errors) > 0 && told.Errors[len(told.Errors)-1] != nil
}

// recover puts right what an escape has done, so that the others are tried.
func (s *suite) recover(t *testing.T) {
	t.Helper()
	for s.db.count(t, "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()") > 0 {
		var gid string
		if err := s.db.conn.QueryRow(t.Context(), "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()").Scan(&gid); err != nil {
			t.Fatal(err)
		}
		s.db.exec(t, "ROLLBACK PREPARED '"+gid+"'")
	}
	s.db.exec(t, txshadow.InstallSQL())
	s.db.seed(t)
}

// golden holds the table of escapes to what has been found.
func golden(t *testing.T, got string) {
	t.Helper()
	const file = "testdata/escapes.md"
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v\n  write it: go test -update", err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s is out of date (go test -update): -file +got\n%s", file, d)
	}
}
