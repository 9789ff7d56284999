package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// insert stands before each escape, and for "INSERT …" in it.
const insert = "INSERT INTO items (name) VALUES (md5(random()::text))"

// escape is a way of ending the transaction that a shadow runs in, or of
// getting rid of what holds it. Its statements are sent one after the other.
type escape struct {
	statements []string
	// verbs says that there is nothing in it but BEGIN, COMMIT, ROLLBACK and
	// ordinary statements: App.MapsVerbs may run it.
	verbs bool
	// harmless says that an application may send it: PostgreSQL refuses it, or
	// it ends nothing.
	harmless bool
}

func verbs(s ...string) escape    { return escape{statements: s, verbs: true} }
func weakens(s ...string) escape  { return escape{statements: s} }
func harmless(s ...string) escape { return escape{statements: s, harmless: true} }

var escapes = []escape{
	verbs("COMMIT"),
	verbs("commit work"),
	verbs("COMMIT TRANSACTION;"),
	verbs("END"),
	verbs("/*c*/commit"),
	verbs("/* a /* nested */ comment */ COMMIT"),
	verbs("-- a comment\nCOMMIT"),
	verbs(";;COMMIT"),
	verbs("SELECT 1; COMMIT"),
	verbs("SELECT ';'; COMMIT"),
	verbs(`SELECT E'\'; '; COMMIT; --'`),
	verbs("SELECT $a$;$a$; COMMIT"),
	verbs("COMMIT; INSERT …"),
	verbs("COMMIT", "INSERT …"),
	verbs("ROLLBACK; INSERT …"),
	verbs("ROLLBACK", "INSERT …"),
	verbs("ABORT", "INSERT …"),
	verbs("BEGIN", "INSERT …", "COMMIT", "INSERT …"),
	verbs("BEGIN; INSERT …; COMMIT"),
	verbs("ROLLBACK; BEGIN READ WRITE; INSERT …; COMMIT"),
	verbs("ROLLBACK", "BEGIN READ WRITE", "INSERT …", "COMMIT"),
	verbs("ROLLBACK", "START TRANSACTION READ WRITE", "INSERT …", "COMMIT"),
	verbs("ROLLBACK", "ROLLBACK", "COMMIT", "INSERT …"),
	weakens("COMMIT AND CHAIN"),
	weakens("ROLLBACK AND CHAIN; INSERT …; COMMIT"),
	weakens("ROLLBACK AND CHAIN", "INSERT …", "COMMIT"),
	weakens("PREPARE TRANSACTION 'escaped'"),
	weakens("PREPARE TRANSACTION 'escaped'", "COMMIT PREPARED 'escaped'"),
	weakens("PREPARE TRANSACTION 'txshadow-conf1-99'", "INSERT …"),
	weakens("COMMIT PREPARED 'other'"),
	weakens("SET default_transaction_read_only = off"),
	weakens("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"),
	weakens("SELECT set_config('default_transaction_read_only', 'off', false)"),
	weakens("RESET ALL"),
	weakens("DISCARD ALL"),
	weakens("SET session_replication_role = replica"),
	weakens("DELETE FROM txshadow.fuse"),
	weakens("ALTER TABLE txshadow.fuse DISABLE TRIGGER fuse"),
	weakens("SET LOCAL txshadow.probe = 'mine'"),
	weakens(`SET LOCAL "txshadow.probe" = 'mine'`),
	weakens("SELECT set_config('txshadow.probe', 'mine', true)"),
	weakens("UPDATE pg_settings SET setting = 'off' WHERE name = 'default_transaction_read_only'"),
	weakens("SET default_transaction_read_only = off", "ROLLBACK", "INSERT …"),
	weakens("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "ROLLBACK", "INSERT …"),
	weakens("SELECT set_config('default_transaction_read_only', 'off', false)", "ROLLBACK", "INSERT …"),
	weakens("UPDATE pg_settings SET setting = 'off' WHERE name = 'default_transaction_read_only'", "ROLLBACK", "INSERT …"),
	weakens("SET session_replication_role = replica", "COMMIT"),
	weakens("RESET ALL", "ROLLBACK", "INSERT …"),
	weakens("SET LOCAL txshadow.probe = ''", "COMMIT"),
	weakens("SELECT set_config('txshadow.probe', (SELECT max(nonce) FROM txshadow.fuse), true)", "COMMIT"),
	weakens("DELETE FROM txshadow.fuse", "COMMIT"),
	weakens("UPDATE txshadow.fuse SET nonce = ''", "COMMIT"),
	weakens("ALTER TABLE txshadow.fuse DISABLE TRIGGER fuse", "COMMIT"),
	weakens("DROP TRIGGER fuse ON txshadow.fuse", "COMMIT"),
	weakens("DROP SCHEMA txshadow CASCADE", "COMMIT"),
	weakens("RELEASE _ts_1", "COMMIT"),
	weakens("ROLLBACK TO _ts_1", "COMMIT"),
	harmless("SET CONSTRAINTS ALL IMMEDIATE", "INSERT …"),
	harmless("DO $$BEGIN COMMIT; END$$"),
	harmless("DO $$BEGIN EXECUTE 'COMMIT'; END$$"),
	harmless("SELECT 'COMMIT'"),
	harmless("SAVEPOINT mine", "INSERT …", "RELEASE mine"),
}

// several says that the escape has several statements in one string, which
// PostgreSQL itself refuses by the extended protocol.
func (e escape) several() bool {
	for _, s := range e.statements {
		if strings.Contains(strings.TrimRight(s, ";"), ";") {
			return true
		}
	}
	return false
}

func (e escape) request(p Protocol) request {
	statements := []string{insert}
	for _, s := range e.statements {
		statements = append(statements, strings.ReplaceAll(s, "INSERT …", insert))
	}
	return post("/sql", fields{"protocol": string(p), "statements": statements})
}

func (e escape) String() string {
	return "`" + strings.ReplaceAll(strings.Join(e.statements, "` then `"), "\n", "⏎") + "`"
}

// checkEscapes tries each escape by each protocol. Nothing persists, and what
// became of it is in the adapter's table.
func checkEscapes(t *testing.T, s *suite) {
	table := s.tryEscapes(t, func(r request) reply { return s.do(t, s.marked(t, r.shadow())) })
	t.Logf("\n%s", table)
	golden(t, s.app.Golden, "What became of each way of ending a shadow's transaction: made by the conformance suite, with -update.\n\n"+table)
	if out := s.live(t, post("/sql", fields{"protocol": string(s.app.Protocols[0]), "statements": []string{insert}})); out.body == "" {
		t.Errorf("live after all of them: %d", out.status)
	}
	if n := s.db.count(t, "SELECT count(*) FROM items"); n != 3 {
		t.Errorf("%d items after a live insert", n)
	}
}

func (s *suite) tryEscapes(t *testing.T, send func(request) reply) string {
	var b strings.Builder
	b.WriteString("| sent after an INSERT |")
	for _, p := range s.app.Protocols {
		b.WriteString(" " + string(p) + " |")
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(s.app.Protocols)) + "\n")
	for _, e := range escapes {
		b.WriteString("| " + strings.ReplaceAll(e.String(), "|", `\|`) + " |")
		for _, p := range s.app.Protocols {
			b.WriteString(" " + s.tryEscape(t, e, p, send) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// tryEscape is what became of an escape, for the table.
func (s *suite) tryEscape(t *testing.T, e escape, p Protocol, send func(request) reply) string {
	t.Helper()
	before := s.db.content(t)
	out := send(e.request(p))
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
	case p == Extended && !e.harmless && e.several() && refusedBy(out.body):
		return "an error of PostgreSQL"
	case e.harmless:
		return "does no harm"
	case e.verbs && s.app.MapsVerbs:
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
	s.db.install(t)
	s.reset(t)
}

// golden holds a file to what has been found.
func golden(t *testing.T, file, got string) {
	t.Helper()
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
	if string(want) != got {
		t.Errorf("%s is out of date (go test -update)\n%s", file, lineDiff(string(want), got))
	}
}

// lineDiff is the lines that differ.
func lineDiff(want, got string) string {
	var b strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var was, is string
		if i < len(w) {
			was = w[i]
		}
		if i < len(g) {
			is = g[i]
		}
		if was != is {
			fmt.Fprintf(&b, "-%s\n+%s\n", was, is)
		}
	}
	return b.String()
}
