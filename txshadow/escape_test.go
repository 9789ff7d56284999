package txshadow_test

import (
	"context"
	"flag"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/internal/escapes"
	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/harness"
)

var update = flag.Bool("update", false, "write the golden files")

const insert = "INSERT INTO accounts (email) VALUES (md5(random()::text))"

// tried are the escapes that are tried here.
var tried = escapes.And(
	escapes.Of("EXECUTE prepared_commit"),
	escapes.Of("SET txshadow.probe = 'guess'", "COMMIT"),
	escapes.Of("SET LOCAL txshadow.probe = ''", "COMMIT"),
	escapes.Of(`SET LOCAL "txshadow.probe" = ''`, "COMMIT"),
	escapes.Of("SELECT set_config('txshadow.probe', 'guess', true)", "COMMIT"),
	escapes.Of("SET LOCAL txshadow.probe = 'guess'", "PREPARE TRANSACTION 'escaped'", "COMMIT PREPARED 'escaped'"),
	escapes.Of("SELECT set_config('txshadow.probe', nonce, true) FROM txshadow.fuse", "COMMIT"),
)

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
	escape   escapes.Escape
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
	for _, sql := range a.escape.With(insert) {
		send(ctx, q, sql)
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
		if o.persisted > 0 {
			t.Errorf("%s: %d rows persisted with all layers", tried[i], o.persisted)
		}
		if o.unnoticed > 0 && !tried[i].Harmless {
			t.Errorf("%s: %d attempts raised no alarm", tried[i], o.unnoticed)
		}
	}
	harness.Golden(t, *update, "testdata/layers.md", layersTable(columns))
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
	outcomes := make([]outcome, len(tried))
	for i, escape := range tried {
		attempts := []attempt{{escape, false, true}, {escape, true, true}}
		if outside {
			attempts = append(attempts, attempt{escape, false, false}, attempt{escape, true, false})
		}
		for _, a = range attempts {
			out := s.shadow("/")
			outcomes[i].persisted += db.leaked()
			// By the extended protocol, PostgreSQL refuses what has several statements.
			several := a.extended && strings.Contains(escape.Statements[0], "; ")
			alarm := strings.HasPrefix(out.ack.Reason, "escape:") || strings.HasPrefix(out.ack.Reason, "unsupported:")
			if !alarm && (!several || layers == txshadow.Layers{}) {
				outcomes[i].unnoticed++
			}
		}
	}
	return outcomes
}

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
	names := make([]string, len(layerSets))
	for i, set := range layerSets {
		names[i] = set.name
	}
	return escapes.Table(tried, names, func(escape, column int) string { return columns[column][escape].cell(names[column]) })
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
	a := attempt{escapes.Of("COMMIT"), false, false}
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
