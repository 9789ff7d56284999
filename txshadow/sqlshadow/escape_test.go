package sqlshadow_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/quackproxy/quack/txshadow/sqlshadow"
)

var update = flag.Bool("update", false, "write the golden files")

const insert = "INSERT INTO accounts (email) VALUES (md5(random()::text))"

// escapes are ways of ending the transaction that a shadow runs in, each
// behind an INSERT. What stands in one line is sent one after the other.
var escapes = [][]string{
	{"COMMIT"},
	{"END"},
	{"/*c*/commit"},
	{"SELECT 1; COMMIT"},
	{"COMMIT AND CHAIN"},
	{"COMMIT; INSERT …"},
	{"COMMIT", "INSERT …"},
	{"ROLLBACK; INSERT …"},
	{"ROLLBACK", "INSERT …"},
	{"ABORT", "INSERT …"},
	{"ROLLBACK AND CHAIN; INSERT …; COMMIT"},
	{"ROLLBACK AND CHAIN", "INSERT …", "COMMIT"},
	{"ROLLBACK; BEGIN READ WRITE; INSERT …; COMMIT"},
	{"ROLLBACK", "BEGIN READ WRITE", "INSERT …", "COMMIT"},
	{"ROLLBACK", "START TRANSACTION READ WRITE", "INSERT …", "COMMIT"},
	{"PREPARE TRANSACTION 'escaped'"},
	{"PREPARE TRANSACTION 'escaped'", "COMMIT PREPARED 'escaped'"},
	{"SET default_transaction_read_only = off", "ROLLBACK", "INSERT …"},
	{"SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "ROLLBACK", "INSERT …"},
	{"SELECT set_config('default_transaction_read_only', 'off', false)", "ROLLBACK", "INSERT …"},
	{"SET session_replication_role = replica", "COMMIT"},
	{"DELETE FROM txshadow.fuse", "COMMIT"},
	{"SET CONSTRAINTS ALL IMMEDIATE", "INSERT …"},
	{"RELEASE _ts_1", "COMMIT"},
	{"RELEASE _ts_0", "COMMIT"},
	{"EXECUTE prepared_commit"},
	{"prepared_commit"},
	{"SET standard_conforming_strings = off", `SELECT '\'; SELECT '`, "SET standard_conforming_strings = on", `SELECT '\'; COMMIT; SELECT '`},
	{"SET txshadow.probe = 'guess'", "COMMIT"},
	{`SET LOCAL "txshadow.probe" = ''`, "COMMIT"},
	{"SELECT set_config('txshadow.probe', nonce, true) FROM txshadow.fuse", "COMMIT"},
	{"DO $$BEGIN COMMIT; END$$"},
}

// layerSet is a column of the table.
type layerSet struct {
	name   string
	layers sqlshadow.Layers
}

var layerSets = []layerSet{
	{"interception", sqlshadow.Layers{NoFuse: true, NoBelt: true, NoWatch: true}},
	{"fuse", sqlshadow.Layers{NoInterception: true, NoBelt: true, NoWatch: true}},
	{"belt", sqlshadow.Layers{NoInterception: true, NoFuse: true, NoWatch: true}},
	{"fuse and belt", sqlshadow.Layers{NoInterception: true, NoWatch: true}},
	{"all", sqlshadow.Layers{}},
	{"none", sqlshadow.Layers{NoInterception: true, NoFuse: true, NoBelt: true, NoWatch: true}},
	{"noticed", sqlshadow.Layers{NoInterception: true}},
}

type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// ways are how SQL is sent. With pgx, a query is the extended protocol.
var ways = map[string]func(ctx context.Context, q querier, query string){
	"exec": func(ctx context.Context, q querier, query string) { q.ExecContext(ctx, query) },
	"query": func(ctx context.Context, q querier, query string) {
		if rows, err := q.QueryContext(ctx, query); err == nil {
			for rows.Next() {
			}
			rows.Close()
		}
	},
	"prepared": func(ctx context.Context, q querier, query string) {
		if st, err := q.PrepareContext(ctx, query); err == nil {
			st.ExecContext(ctx)
			st.Close()
		}
	},
}

// attempt is what the handler of a test does.
type attempt struct {
	escape []string
	way    string
	on     string // "db", "conn" or "tx"
	insert string
}

func (a attempt) run(ctx context.Context, db *sql.DB) {
	var q querier = db
	switch a.on {
	case "conn":
		conn, err := db.Conn(ctx)
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		q = conn
	case "tx":
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			panic(err)
		}
		defer tx.Rollback()
		q = tx
	}
	q.ExecContext(ctx, a.insert)
	for _, query := range a.escape {
		ways[a.way](ctx, q, strings.ReplaceAll(query, "INSERT …", a.insert))
	}
}

// outcome is what came of an escape with one set of layers.
type outcome struct{ persisted, unnoticed, tried int }

// TestEscapes tries every escape with layers taken away, by each driver and in
// each way to send. With all layers nothing persists and the alarm is raised;
// which layer alone stops which escape is in testdata/postgres.md.
func TestEscapes(t *testing.T) {
	columns := make([][]outcome, len(layerSets))
	for i, set := range layerSets {
		columns[i] = make([]outcome, len(escapes))
		t.Run(set.name, func(t *testing.T) {
			bothDrivers(t, func(t *testing.T, on server) { tryEscapes(t, on, set, columns[i], escapes, insert, leakedPostgres) })
		})
	}
	checkAll(t, columns[allLayers], escapes)
	golden(t, "testdata/postgres.md", layersTable(layerSets, columns, escapes))
}

const allLayers = 4

func checkAll(t *testing.T, all []outcome, escapes [][]string) {
	t.Helper()
	for i, o := range all {
		name := strings.Join(escapes[i], " | ")
		if o.persisted > 0 {
			t.Errorf("%s: %d rows persisted with all layers", name, o.persisted)
		}
		if o.unnoticed > 0 && !harmlessAlone[escapes[i][0]] {
			t.Errorf("%s: %d of %d attempts raised no alarm", name, o.unnoticed, o.tried)
		}
	}
}

// tryEscapes tries all escapes inside a transaction of the application, where
// nothing of ours is sent between its statements; where the watch is on,
// outside of one too.
func tryEscapes(t *testing.T, on server, set layerSet, outcomes []outcome, escapes [][]string, insert string, leaked func(*service) int) {
	var a attempt
	s := serve(t, on, func(s *service, w http.ResponseWriter, r *http.Request) { a.run(r.Context(), s.db) }, withLayers(set.layers))
	places := []string{"tx"}
	if !set.layers.NoWatch {
		places = []string{"tx", "db", "conn"}
	}
	for i, escape := range escapes {
		for _, place := range places {
			for way := range ways {
				if place == "conn" && way != "exec" || on.name == onPQ.name && strings.Contains(escape[0], "prepared_commit") {
					continue
				}
				a = attempt{escape, way, place, insert}
				out := s.shadow("/")
				n := leaked(s)
				outcomes[i].persisted += n
				outcomes[i].tried++
				if n > 0 && set.layers == (sqlshadow.Layers{}) {
					t.Errorf("%s by %s on a %s: %d rows persisted (%s)", strings.Join(escape, " | "), way, place, n, out.ack.Reason)
				}
				alarm := strings.HasPrefix(out.ack.Reason, "escape:") || strings.HasPrefix(out.ack.Reason, "unsupported:")
				// Prepared and by the extended protocol, servers refuse several statements.
				several := (way != "exec" || on.dialect == sqlshadow.MariaDB) && strings.Contains(strings.Join(escape, ""), "; ") && !harmlessAlone[escape[0]]
				if !alarm && (!several || set.layers == (sqlshadow.Layers{})) {
					outcomes[i].unnoticed++
				}
			}
		}
	}
}

// leakedPostgres is how many rows and prepared transactions are there; then
// they are gone.
func leakedPostgres(s *service) (n int) {
	prepared := ask[int](s, "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()")
	if prepared > 0 {
		_, err := s.outside.Exec("ROLLBACK PREPARED 'escaped'")
		s.must(err)
	}
	if n = ask[int](s, "SELECT count(*) FROM accounts"); n > 0 {
		_, err := s.outside.Exec("DELETE FROM accounts")
		s.must(err)
	}
	return n + prepared
}

// harmlessAlone end no transaction, and an application may send them.
var harmlessAlone = map[string]bool{"DO $$BEGIN COMMIT; END$$": true, "SET CONSTRAINTS ALL IMMEDIATE": true}

func (o outcome) cell(set string) string {
	switch {
	case set == "noticed" && o.unnoticed == 0:
		return "yes"
	case set == "noticed" && o.unnoticed < o.tried:
		return "mostly"
	case set == "noticed":
		return "no"
	case o.persisted == 0:
		return "stops"
	}
	return "lets through"
}

func layersTable(sets []layerSet, columns [][]outcome, escapes [][]string) string {
	var b strings.Builder
	b.WriteString("| sent after an INSERT |")
	for _, set := range sets {
		b.WriteString(" " + set.name + " |")
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(sets)) + "\n")
	for i, escape := range escapes {
		fmt.Fprintf(&b, "| `%s` |", strings.ReplaceAll(strings.Join(escape, "` then `"), "\n", "⏎"))
		for j, set := range sets {
			b.WriteString(" " + columns[j][i].cell(set.name) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is out of date (go test -update); got\n%s", file, got)
	}
}
