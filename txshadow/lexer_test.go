package txshadow_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		reason, sql string
		backslash   bool
		want        []string // verbs; "!reason" for what is refused
	}{
		{"empty statements do not count", " ; ;-- x\n/* ; */;", false, nil},
		{"a semicolon in quotes is no end", `select ';commit' ; select ";" from t`, false, []string{"select", "select"}},
		{"doubled quotes", `select 'it''s;commit'; select "a"";""b"`, false, []string{"select", "select"}},
		{"a backslash is nothing in an ordinary string", `select '\'; commit`, false, []string{"select", "!escape:commit"}},
		{"unless the server says so", `select '\'; commit'`, true, []string{"select"}},
		{"it escapes in E strings", `select E'\'; commit'`, false, []string{"select"}},
		{"an E string goes on after a new line", "select E'a'\n'\\'; commit'", false, []string{"select"}},
		{"but not after a space", "select E'a' '\\'; commit", false, []string{"select", "!escape:commit"}},
		{"a comment may stand before the new line", "select E'a' -- x\n '\\'; commit'", false, []string{"select"}},
		{"an identifier that ends in e is no E string", `select me'\'; commit`, false, []string{"select", "!escape:commit"}},
		{"dollar quotes", `select $$;commit$$, $a$;$$;$a$; commit`, false, []string{"select", "!escape:commit"}},
		{"a dollar in a name opens nothing", `select a$b$; commit; select a$b$`, false, []string{"select", "!escape:commit", "select"}},
		{"a parameter opens nothing", `select $1$$;commit$$`, false, []string{"select"}},
		{"comments nest", `select 1 /* /* */ ; commit */ ; select 2`, false, []string{"select", "select"}},
		{"a comment inside an operator", "select 1 +-- ; commit\n 2", false, []string{"select"}},
		{"a comment before the verb", "/*c*/commit", false, []string{"!escape:commit"}},
		{"upper case", "CoMmIt", false, []string{"!escape:commit"}},
		{"a quoted verb is no verb", `"commit"`, false, []string{"!unsupported:statement"}},
		{"a string without end", `select 'x`, false, []string{"!unsupported:syntax"}},
		{"a comment without end", `select 1; commit /*`, false, []string{"select", "!unsupported:syntax"}},
		{"a body with an END of its own", "create function f() returns int begin atomic select 1; end", false, []string{"!unsupported:begin-atomic"}},
		{"parentheses", "(select 1) union (select 2)", false, []string{"select"}},
		{"a vertical tab is white space from PostgreSQL 16", "select 1;\vcommit", false, []string{"select", "!escape:commit"}},
	} {
		var got []string
		for _, s := range txshadow.Split(c.sql, c.backslash) {
			if s.Refusal != "" {
				got = append(got, "!"+s.Refusal)
			} else {
				got = append(got, s.Verb)
			}
		}
		if strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: %q gives %q, want %q", c.reason, c.sql, got, c.want)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	for sql, want := range map[string]string{
		"COMMIT": "escape:commit", "END": "escape:end", "ABORT": "escape:abort", "ROLLBACK": "escape:rollback",
		"ROLLBACK WORK": "escape:rollback", "COMMIT AND CHAIN": "escape:commit", "ROLLBACK AND CHAIN": "escape:rollback",
		"BEGIN": "escape:begin", "START TRANSACTION": "escape:start-transaction",
		"PREPARE TRANSACTION 'x'": "escape:prepare-transaction", "COMMIT PREPARED 'x'": "escape:commit-prepared",
		"ROLLBACK PREPARED 'x'": "escape:rollback-prepared",
		"SAVEPOINT _ts_1":       "escape:savepoint", `RELEASE "_ts_1"`: "escape:savepoint", "ROLLBACK TO _TS_1": "escape:savepoint",
		"ROLLBACK TRANSACTION TO SAVEPOINT _ts_1": "escape:savepoint", `SAVEPOINT U&"x"`: "unsupported:savepoint-name",
		"SAVEPOINT mine": "", "RELEASE SAVEPOINT mine": "", "RELEASE mine": "", "ROLLBACK TO mine": "", "ROLLBACK TO SAVEPOINT mine": "",
		"ROLLBACK WORK TO mine": "", "RELEASE savepoint": "", "ROLLBACK TO savepoint": "",
		"SET default_transaction_read_only = off":          "unsupported:default_transaction_read_only",
		`SET LOCAL "default_transaction_read_only" TO off`: "unsupported:default_transaction_read_only",
		"SET SESSION session_replication_role = replica":   "unsupported:session_replication_role",
		"RESET session_replication_role":                   "unsupported:session_replication_role",
		"RESET ALL":                                        "unsupported:reset-all",
		"DEALLOCATE ALL":                                   "unsupported:deallocate", "DEALLOCATE PREPARE ALL": "unsupported:deallocate", "DEALLOCATE x": "",
		"DEALLOCATE PREPARE _ts_open": "unsupported:deallocate",
		"DISCARD ALL":                 "unsupported:discard",
		"SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE": "unsupported:session-characteristics",
		"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE":          "unsupported:isolation",
		"SET default_transaction_isolation = 'serializable'":    "unsupported:isolation",
		"SET NAMES 'LATIN1'": "unsupported:client_encoding",
		"SELECT set_config('session_replication_role', 'replica', false)": "unsupported:session_replication_role",
		"SELECT set_config('app.tenant', '1', true)":                      "",
		"SET statement_timeout = 5":                                       "", "SET TIME ZONE 'UTC'": "", "SET SESSION AUTHORIZATION x": "",
		"SET CONSTRAINTS ALL DEFERRED": "", "SET CONSTRAINTS a, b IMMEDIATE": "",
		"SET CONSTRAINTS txshadow.fuse IMMEDIATE": "unsupported:fuse", "SET CONSTRAINTS fuse IMMEDIATE": "unsupported:fuse",
		"VACUUM t": "unsupported:vacuum", "CREATE DATABASE x": "unsupported:create-database", "DROP DATABASE x": "unsupported:drop-database",
		"CREATE INDEX CONCURRENTLY i ON t (a)": "unsupported:concurrently", "REINDEX INDEX CONCURRENTLY i": "unsupported:concurrently",
		"REFRESH MATERIALIZED VIEW CONCURRENTLY m": "unsupported:refresh", "CREATE INDEX i ON t (a)": "unsupported:create-index", "CREATE TABLE t (a int)": "",
		"CREATE UNIQUE INDEX i ON t (a)": "unsupported:create-index", "CREATE OR REPLACE TRIGGER x AFTER INSERT ON t": "unsupported:create-trigger",
		"CREATE CONSTRAINT TRIGGER x AFTER INSERT ON t": "unsupported:create-trigger", "CREATE POLICY p ON t": "unsupported:create-policy",
		"CREATE TABLE t (a int REFERENCES u)": "unsupported:create-table", "CREATE UNLOGGED TABLE t PARTITION OF u DEFAULT": "unsupported:create-table",
		"CREATE TEMP TABLE t (a int REFERENCES u)": "", "CREATE LOCAL TEMPORARY TABLE t (a int)": "", "CREATE VIEW v AS SELECT 1": "",
		"CREATE OR REPLACE VIEW v AS SELECT 1": "unsupported:create-view", "CREATE SCHEMA s": "", "CREATE SCHEMA s CREATE INDEX i ON t (a)": "unsupported:create-schema",
		"TRUNCATE t": "unsupported:truncate", "LOCK TABLE t": "unsupported:lock", "ALTER TABLE t ADD a int": "unsupported:alter",
		"DROP INDEX i": "unsupported:drop", "REINDEX TABLE t": "unsupported:reindex", "CLUSTER t USING i": "unsupported:cluster", "CLUSTER": "unsupported:cluster",
		"REASSIGN OWNED BY a TO b":               "unsupported:reassign",
		"SELECT a FROM t FOR UPDATE SKIP LOCKED": "unsupported:skip-locked", "SELECT a FROM t FOR NO KEY UPDATE OF t /**/ skip\nlocked": "unsupported:skip-locked",
		"SELECT a FROM t FOR UPDATE NOWAIT": "", "SELECT skip, locked FROM t": "",
		"SELECT set_config('Statement_Timeout', '0', true)": "unsupported:setting", "RESET lock_timeout": "",
		"ALTER SYSTEM SET x = 1": "unsupported:alter-system", "CHECKPOINT": "unsupported:checkpoint", "LISTEN x": "unsupported:listen",
		"NOTIFY x": "", "UNLISTEN *": "",
		"COPY t TO PROGRAM 'cat'": "unsupported:copy-program", "COPY t TO '/tmp/x'": "unsupported:copy-file", "COPY t TO STDOUT": "", "COPY t FROM STDIN": "",
		"SELECT setval('s', 1)": "unsupported:setval", `SELECT pg_catalog."setval"('s', 1)`: "unsupported:setval", "SELECT setval FROM t": "",
		"SELECT pg_advisory_lock(1)": "unsupported:advisory-lock", "SELECT pg_advisory_xact_lock(1)": "unsupported:advisory-lock",
		`SELECT pg_catalog."pg_try_advisory_xact_lock_shared"(1)`: "unsupported:advisory-lock",
		"SELECT dblink_exec('c', 'insert')":                       "unsupported:dblink", "SELECT * FROM dblink('c', 'q') AS t(a int)": "unsupported:dblink",
		"DELETE FROM txshadow.fuse": "unsupported:txshadow", `DELETE FROM "txshadow".fuse`: "unsupported:txshadow",
		"SET txshadow.probe = 1": "unsupported:txshadow", `SELECT U&"\0073etval"('s', 1)`: "unsupported:unicode-identifier",
		"UPDATE pg_settings SET setting = 'off' WHERE name = 'x'":                        "unsupported:pg_settings",
		`UPDATE ONLY (pg_catalog."pg_settings") SET setting = 'off'`:                     "unsupported:pg_settings",
		"WITH a AS (UPDATE pg_settings s SET setting = 'off' RETURNING 1) SELECT FROM a": "unsupported:pg_settings",
		"PREPARE x AS UPDATE pg_settings SET setting = $1":                               "unsupported:pg_settings",
		"SELECT setting FROM pg_settings":                                                "", "UPDATE pg_settings_kept SET a = 1": "",
		"EXECUTE x(1)": "", "PREPARE x AS SELECT 1": "", "frobnicate": "unsupported:statement", "42": "unsupported:statement",
		"WITH a AS (SELECT 1) SELECT * FROM a": "", "CALL p()": "", "DO $$BEGIN COMMIT; END$$": "",
	} {
		got := txshadow.Split(sql, false)
		if len(got) != 1 || got[0].Refusal != want {
			t.Errorf("%s: %+v, want %q", sql, got, want)
		}
	}
}

func TestWhatWrites(t *testing.T) {
	for sql, want := range map[string]bool{
		"SELECT 1": false, "SELECT count(*), lower(x) FROM t WHERE a IN (1) AND EXISTS (SELECT 1)": false,
		"SELECT * FROM t FOR UPDATE": true, "SELECT * FROM t FOR KEY SHARE": true, "SELECT * INTO x FROM t": true,
		"SELECT make_account('a')": true, "WITH x AS (INSERT INTO t VALUES (1) RETURNING a) SELECT * FROM x": true,
		"WITH x AS (SELECT 1) SELECT * FROM x": false, "EXPLAIN ANALYZE DELETE FROM t": true, "EXPLAIN SELECT 1": false,
		"INSERT INTO t VALUES (1)": true, "SHOW x": false, "SET x = 1": false, "CALL p()": true, "TRUNCATE t": true, "COPY t FROM STDIN": true,
	} {
		if got := txshadow.Split(sql, false); len(got) != 1 || got[0].Writes != want {
			t.Errorf("%s: %+v", sql, got)
		}
	}
	for sql, want := range map[string]string{
		`INSERT INTO other.notes VALUES (1)`: "other.notes", `UPDATE ONLY "Odd" SET a = 1`: "Odd", "DELETE FROM t": "t", "SELECT 1": "", "TRUNCATE TABLE t": "t",
	} {
		if got := txshadow.Split(sql, false); got[0].Table != want {
			t.Errorf("%s: table %q", sql, got[0].Table)
		}
	}
}

// pieces are what SQL is made of that could mislead a lexer.
var pieces = []string{
	"select 1", "select 'a'", "select 1 as x", ";", ";", " ", "\n", "\t", "'", "''", "\"", "--", "/*", "*/", "$$", "$a$", "$1", "$", "E'", "e'", "U&'", "U&\"",
	"B'", "x'", "N'", "\\", "\\'", "1", "1e", "1.", "a", "_", "é", "(", ")", ",", " as ", "+", "-", "*", "/", "commit", "rollback", "end;", "begin",
	" commit ", "; commit", ";rollback;", "'; commit; select '", "savepoint s", "and chain",
}

// TestSplitAgreesWithTheServer sends random SQL to a real server. What it
// executes is cut into as many statements here, and what ends the transaction
// there is refused here.
func TestSplitAgreesWithTheServer(t *testing.T) {
	dsn := pgtest.NewDatabase(t)
	for _, conforming := range []string{"on", "off"} {
		t.Run("standard_conforming_strings "+conforming, func(t *testing.T) {
			ctx := context.Background()
			conn, err := pgx.Connect(ctx, dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(ctx)
			if _, err := conn.Exec(ctx, "SET standard_conforming_strings = "+conforming+"; SET backslash_quote = on"); err != nil {
				t.Fatal(err)
			}
			accepted := 0
			rapid.Check(t, func(t *rapid.T) {
				for _, some := range rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 12), 1, 20).Draw(t, "sql") {
					accepted += agree(t, conn.PgConn(), strings.Join(some, ""), conforming == "off")
				}
			})
			if accepted < 5 {
				t.Errorf("the server accepted only %d of the statements", accepted)
			}
		})
	}
}

// agree compares what the server makes of sql with what split does, and
// returns 1 when the server has accepted it.
func agree(t interface{ Fatalf(string, ...any) }, conn *pgconn.PgConn, sql string, backslash bool) int {
	ctx := context.Background()
	if _, err := conn.Exec(ctx, "BEGIN").ReadAll(); err != nil {
		t.Fatalf("%v", err)
	}
	results, err := conn.Exec(ctx, sql).ReadAll()
	stmts, refused := txshadow.Split(sql, backslash), false
	for _, s := range stmts {
		refused = refused || s.Refusal != ""
	}
	if conn.TxStatus() == 'I' && !refused {
		t.Fatalf("%q ended the transaction, and split refuses nothing: %+v", sql, stmts)
	}
	conn.Exec(ctx, "ROLLBACK").ReadAll()
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return 0
	}
	if err != nil {
		t.Fatalf("%q: %v", sql, err)
	}
	if len(stmts) == 0 && len(results) == 1 && results[0].CommandTag.String() == "" {
		return 0 // the answer to an empty string
	}
	if len(results) != len(stmts) {
		t.Fatalf("%q: the server ran %d statements, split finds %d: %+v", sql, len(results), len(stmts), stmts)
	}
	return 1
}

func FuzzSplit(f *testing.F) {
	for _, p := range pieces {
		f.Add(p, false)
	}
	f.Add("select E'a'\n'\\'; commit' /* /* */ */ $x$;$x$", true)
	f.Fuzz(func(t *testing.T, sql string, backslash bool) {
		end := 0
		for _, s := range txshadow.Split(sql, backslash) {
			at := strings.Index(sql[end:], s.Text)
			if s.Text == "" || at < 0 {
				t.Fatalf("%q: statement %q is not in order", sql, s.Text)
			}
			end += at + len(s.Text)
		}
	})
}
