package txshadow_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
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
	{"EXECUTE prepared_commit"},
	{"SET txshadow.probe = 'guess'", "COMMIT"},
	{"SET LOCAL txshadow.probe = ''", "COMMIT"},
	{`SET LOCAL "txshadow.probe" = ''`, "COMMIT"},
	{"SELECT set_config('txshadow.probe', 'guess', true)", "COMMIT"},
	{"SET LOCAL txshadow.probe = 'guess'", "PREPARE TRANSACTION 'escaped'", "COMMIT PREPARED 'escaped'"},
	{"SELECT set_config('txshadow.probe', nonce, true) FROM txshadow.fuse", "COMMIT"},
	{"DO $$BEGIN COMMIT; END$$"},
}

// layerSets are the columns of the table.
var layerSets = []struct {
	name   string
	layers txshadow.Layers
}{
	{"interception", txshadow.Layers{NoFuse: true, NoBelt: true, NoWatch: true}},
	{"fuse", txshadow.Layers{NoInterception: true, NoBelt: true, NoWatch: true}},
	{"belt", txshadow.Layers{NoInterception: true, NoFuse: true, NoWatch: true}},
	{"fuse and belt", txshadow.Layers{NoInterception: true, NoWatch: true}},
	{"all", txshadow.Layers{}},
	{"none", txshadow.Layers{NoInterception: true, NoFuse: true, NoBelt: true, NoWatch: true}},
	{"noticed", txshadow.Layers{NoInterception: true}},
}

const allLayers = 4

type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func simple(ctx context.Context, db querier, sql string) error {
	_, err := db.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

func extended(ctx context.Context, db querier, sql string) error {
	rows, err := db.Query(ctx, sql, pgx.QueryExecModeExec)
	rows.Close()
	if err == nil {
		err = rows.Err()
	}
	return err
}

// attempt is what the handler of a test does.
type attempt struct {
	escape   []string
	extended bool
	inTx     bool
}

func (a attempt) run(ctx context.Context, db *txshadow.Pool) {
	var q querier = db
	if a.inTx {
		tx, err := db.Begin(ctx)
		if err != nil {
			panic(err)
		}
		defer tx.Rollback(ctx)
		q = tx
	}
	send := simple
	if a.extended {
		send = extended
	}
	send(ctx, q, insert)
	for _, sql := range a.escape {
		send(ctx, q, strings.ReplaceAll(sql, "INSERT …", insert))
	}
}

// outcome is what came of an escape with one set of layers.
type outcome struct{ persisted, unnoticed int }

// TestEscapes tries every escape with layers taken away. With all of them
// nothing persists and the alarm is raised; which layer alone stops which
// escape is in testdata/layers.md, and from there in docs/writes.md.
func TestEscapes(t *testing.T) {
	columns := make([][]outcome, len(layerSets))
	for i, set := range layerSets {
		t.Run(set.name, func(t *testing.T) { columns[i] = tryEscapes(t, set.layers, set.name == "all" || set.name == "noticed") })
	}
	for i, o := range columns[allLayers] {
		name := strings.Join(escapes[i], " | ")
		if o.persisted > 0 {
			t.Errorf("%s: %d rows persisted with all layers", name, o.persisted)
		}
		if o.unnoticed > 0 && !harmlessAlone[escapes[i][0]] {
			t.Errorf("%s: %d attempts raised no alarm", name, o.unnoticed)
		}
	}
	golden(t, "testdata/layers.md", layersTable(columns))
}

// tryEscapes tries all escapes by both protocols inside a transaction of the
// application, where nothing of ours is sent between its statements; outside
// as well, outside of one too.
func tryEscapes(t *testing.T, layers txshadow.Layers, outside bool) []outcome {
	var a attempt
	prepared := withPool(func(c *pgxpool.Config) {
		c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Prepare(ctx, "prepared_commit", "COMMIT")
			return err
		}
	})
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) { a.run(r.Context(), s.db) }, withLayers(layers), prepared)
	db := s.watchman()
	outcomes := make([]outcome, len(escapes))
	for i, escape := range escapes {
		attempts := []attempt{{escape, false, true}, {escape, true, true}}
		if outside {
			attempts = append(attempts, attempt{escape, false, false}, attempt{escape, true, false})
		}
		for _, a = range attempts {
			out := s.shadow("/")
			outcomes[i].persisted += db.leaked()
			// By the extended protocol, PostgreSQL refuses what has several statements.
			several := a.extended && strings.Contains(escape[0], "; ")
			alarm := strings.HasPrefix(out.ack.Reason, "escape:") || strings.HasPrefix(out.ack.Reason, "unsupported:")
			if !alarm && (!several || layers == txshadow.Layers{}) {
				outcomes[i].unnoticed++
			}
		}
	}
	return outcomes
}

// harmlessAlone end no transaction, and an application may send them.
var harmlessAlone = map[string]bool{"DO $$BEGIN COMMIT; END$$": true, "SET CONSTRAINTS ALL IMMEDIATE": true}

func (o outcome) cell(set string) string {
	switch {
	case set == "noticed" && o.unnoticed == 0:
		return "yes"
	case set == "noticed":
		return "no"
	case o.persisted == 0:
		return "stops"
	}
	return "lets through"
}

func layersTable(columns [][]outcome) string {
	var b strings.Builder
	b.WriteString("| sent after an INSERT |")
	for _, set := range layerSets {
		b.WriteString(" " + set.name + " |")
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(layerSets)) + "\n")
	for i, escape := range escapes {
		fmt.Fprintf(&b, "| `%s` |", strings.Join(escape, "` then `"))
		for j, set := range layerSets {
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

// watchman looks at the database from outside.
type watchman struct {
	s    *service
	conn *pgx.Conn
}

func (s *service) watchman() watchman {
	conn, err := pgx.Connect(context.Background(), s.dsn)
	s.must(err)
	s.t.Cleanup(func() { conn.Close(context.Background()) })
	return watchman{s, conn}
}

// leaked is how many rows and prepared transactions are there; then they are
// gone.
func (w watchman) leaked() (n int) {
	ctx := context.Background()
	var prepared int
	w.s.must(w.conn.QueryRow(ctx, "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()").Scan(&prepared))
	if prepared > 0 {
		_, err := w.conn.Exec(ctx, "ROLLBACK PREPARED 'escaped'")
		w.s.must(err)
	}
	w.s.must(w.conn.QueryRow(ctx, "SELECT count(*) FROM accounts").Scan(&n))
	if n > 0 {
		_, err := w.conn.Exec(ctx, "DELETE FROM accounts")
		w.s.must(err)
	}
	return n + prepared
}

// A role or hook that sets session_replication_role = replica before the fuse
// is armed does not disarm it: the trigger is ENABLE ALWAYS.
func TestTheFuseHoldsUnderReplicaRole(t *testing.T) {
	a := attempt{[]string{"COMMIT"}, false, false}
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) { a.run(r.Context(), s.db) },
		withLayers(txshadow.Layers{NoInterception: true, NoBelt: true, NoWatch: true}),
		withPool(func(c *pgxpool.Config) {
			c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
				_, err := conn.Exec(ctx, "SET session_replication_role = replica")
				return err
			}
		}))
	s.shadow("/")
	if n := s.watchman().leaked(); n != 0 {
		t.Errorf("%d rows persisted", n)
	}
}
