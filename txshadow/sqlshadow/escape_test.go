package sqlshadow_test

import (
	"context"
	"database/sql"
	"flag"
	"net/http"
	"strings"
	"testing"

	"github.com/quackproxy/quack/internal/escapes"
	"github.com/quackproxy/quack/txshadow/internal/harness"
	"github.com/quackproxy/quack/txshadow/sqlshadow"
)

var update = flag.Bool("update", false, "write the golden files")

const insert = "INSERT INTO accounts (email) VALUES (md5(random()::text))"

// tried are the escapes that are tried on PostgreSQL.
var tried = escapes.And(
	escapes.Of("RELEASE _ts_0", "COMMIT"),
	escapes.Of("EXECUTE prepared_commit"),
	escapes.Of("prepared_commit"),
	escapes.Of("SET standard_conforming_strings = off", `SELECT '\'; SELECT '`, "SET standard_conforming_strings = on", `SELECT '\'; COMMIT; SELECT '`),
	escapes.Of("SET txshadow.probe = 'guess'", "COMMIT"),
	escapes.Of(`SET LOCAL "txshadow.probe" = ''`, "COMMIT"),
	escapes.Of("SELECT set_config('txshadow.probe', nonce, true) FROM txshadow.fuse", "COMMIT"),
)

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
	escape escapes.Escape
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
	for _, query := range a.escape.With(a.insert) {
		ways[a.way](ctx, q, query)
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
		columns[i] = make([]outcome, len(tried))
		t.Run(set.name, func(t *testing.T) {
			bothDrivers(t, func(t *testing.T, on server) { tryEscapes(t, on, set, columns[i], tried, insert, leakedPostgres) })
		})
	}
	checkAll(t, columns[allLayers], tried)
	harness.Golden(t, *update, "testdata/postgres.md", layersTable(layerSets, columns, tried))
}

const allLayers = 4

func checkAll(t *testing.T, all []outcome, tried []escapes.Escape) {
	t.Helper()
	for i, o := range all {
		if o.persisted > 0 {
			t.Errorf("%s: %d rows persisted with all layers", tried[i], o.persisted)
		}
		if o.unnoticed > 0 && !tried[i].Harmless {
			t.Errorf("%s: %d of %d attempts raised no alarm", tried[i], o.unnoticed, o.tried)
		}
	}
}

// tryEscapes tries all escapes inside a transaction of the application, where
// nothing of ours is sent between its statements; where the watch is on,
// outside of one too.
func tryEscapes(t *testing.T, on server, set layerSet, outcomes []outcome, tried []escapes.Escape, insert string, leaked func(*service) int) {
	var a attempt
	s := serve(t, on, func(s *service, w http.ResponseWriter, r *http.Request) { a.run(r.Context(), s.db) }, withLayers(set.layers))
	places := []string{"tx"}
	if !set.layers.NoWatch {
		places = []string{"tx", "db", "conn"}
	}
	for i, escape := range tried {
		for _, place := range places {
			for way := range ways {
				if place == "conn" && way != "exec" || on.name == onPQ.name && strings.Contains(escape.Statements[0], "prepared_commit") {
					continue
				}
				a = attempt{escape, way, place, insert}
				out := s.shadow("/")
				n := leaked(s)
				outcomes[i].persisted += n
				outcomes[i].tried++
				if n > 0 && set.layers == (sqlshadow.Layers{}) {
					t.Errorf("%s by %s on a %s: %d rows persisted (%s)", escape, way, place, n, out.ack.Reason)
				}
				alarm := strings.HasPrefix(out.ack.Reason, "escape:") || strings.HasPrefix(out.ack.Reason, "unsupported:")
				// Prepared and by the extended protocol, servers refuse several statements.
				several := (way != "exec" || on.dialect == sqlshadow.MariaDB) && strings.Contains(strings.Join(escape.Statements, ""), "; ") && !escape.Harmless
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

func layersTable(sets []layerSet, columns [][]outcome, tried []escapes.Escape) string {
	names := make([]string, len(sets))
	for i, set := range sets {
		names[i] = set.name
	}
	return escapes.Table(tried, names, func(escape, column int) string { return columns[column][escape].cell(names[column]) })
}
