package txshadow_test

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/harness"
)

func TestMain(m *testing.M) {
	flag.Set("rapid.checks", "30") // each is a request to a real database; -rapid.checks asks for more
	goleak.VerifyTestMain(m)
}

const secret = "a secret of tests that is long enough"

// schema is a small shop: an audit row per account by trigger, and orders
// whose account is looked for only at commit.
const schema = `
CREATE TABLE accounts (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, n int NOT NULL DEFAULT 0);
CREATE TABLE audit (id bigserial PRIMARY KEY, what text NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, account bigint NOT NULL REFERENCES accounts DEFERRABLE INITIALLY DEFERRED);
CREATE SCHEMA other;
CREATE TABLE other.notes (note text);
CREATE FUNCTION audit_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO audit (what) VALUES (TG_OP || ' ' || NEW.email); RETURN NULL; END $$;
CREATE TRIGGER audit AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION audit_account();
`

// service is an application with an adapter, on a database of its own.
type service struct {
	t       testing.TB
	dsn     string
	pool    *pgxpool.Pool
	adapter *txshadow.Adapter
	db      *txshadow.Pool
	codec   *txshadow.Codec
	url     string
	logs    *harness.Log
	marker  harness.Marker
}

// option changes a service before it is made.
type option func(*setup)

type setup struct {
	config txshadow.Config
	pool   func(*pgxpool.Config)
	layers txshadow.Layers
	own    bool                    // a database of its own
	bare   bool                    // without the fuse
	direct func(dsn string) string // nil: as the pool connects

	at      string        // DSN of a database that has all it needs
	orphans time.Duration // 0: as usual
}

func withConfig(f func(*txshadow.Config)) option { return func(s *setup) { f(&s.config) } }
func withPool(f func(*pgxpool.Config)) option    { return func(s *setup) { s.pool = f } }
func withLayers(l txshadow.Layers) option        { return func(s *setup) { s.layers = l } }
func ownDatabase(s *setup)                       { s.own = true }
func withoutFuse(s *setup)                       { s.own, s.bare = true, true }

// serve starts a service whose handler is handle.
func serve(t testing.TB, handle func(s *service, w http.ResponseWriter, r *http.Request), options ...option) *service {
	t.Helper()
	s := &service{t: t, logs: &harness.Log{}}
	set := setup{config: txshadow.Config{Secret: secret, WallCap: 10 * time.Second, Log: slog.New(slog.NewTextHandler(s.logs, nil))}}
	for _, o := range options {
		o(&set)
	}
	s.database(set)
	cfg, err := pgxpool.ParseConfig(s.dsn)
	s.must(err)
	if set.pool != nil {
		set.pool(cfg)
	}
	s.pool, err = pgxpool.NewWithConfig(t.Context(), cfg)
	s.must(err)
	t.Cleanup(s.pool.Close)
	set.config.Pool = s.pool
	if set.direct != nil {
		set.config.DirectDSN = set.direct(s.dsn)
	}
	s.adapter, err = txshadow.New(set.config)
	s.must(err)
	s.adapter.Without(set.layers)
	if set.orphans > 0 {
		s.adapter.SweepEvery(set.orphans)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.adapter.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	s.db, s.codec = s.adapter.Pool(), s.adapter.Codec()
	server := httptest.NewServer(s.adapter.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(s, w, r) })))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// shared is the database of the tests that need none of their own: making one
// takes longer than most tests.
var shared = sync.OnceValues(func() (string, error) {
	ctx := context.Background()
	cluster := pgtest.Cluster(first)
	if err := cluster.CreateDatabase(ctx, "shared"); err != nil {
		return "", err
	}
	dsn := cluster.DSN("shared")
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, schema+txshadow.InstallSQL())
	return dsn, err
})

var first testing.TB // who asked for the shared database first

// database finds the service a database, empty and without sessions of shadows.
func (s *service) database(set setup) {
	s.t.Helper()
	if set.at != "" {
		s.dsn = set.at
		return
	}
	if set.own {
		s.dsn = pgtest.NewDatabase(s.t)
		s.live(schema)
		if !set.bare {
			s.live(txshadow.InstallSQL())
		}
		return
	}
	if first == nil {
		first = s.t
	}
	var err error
	s.dsn, err = shared()
	s.must(err)
	s.until("the sessions of the test before are gone", func() bool { return s.shadows() == 0 })
	s.live("TRUNCATE accounts, audit, orders, other.notes RESTART IDENTITY")
}

func (s *service) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// live runs SQL on a connection of its own.
func (s *service) live(sql string) {
	s.t.Helper()
	conn, err := pgx.Connect(context.Background(), s.dsn)
	s.must(err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), sql)
	s.must(err)
}

// ask is one value that a live connection sees.
func ask[T any](s *service, sql string, args ...any) (v T) {
	s.t.Helper()
	conn, err := pgx.Connect(context.Background(), s.dsn)
	s.must(err)
	defer conn.Close(context.Background())
	s.must(conn.QueryRow(context.Background(), sql, args...).Scan(&v))
	return v
}

// rows is how many rows of tests live clients see in all tables.
func (s *service) rows() int {
	return ask[int](s, "SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM audit) + (SELECT count(*) FROM orders) + (SELECT count(*) FROM other.notes)")
}

// reply is an answer and its acknowledgement.
type reply struct {
	status int
	header http.Header
	body   string
	ack    txshadow.Ack
	err    error // of the acknowledgement
	took   time.Duration
}

// marked is a request with the marks of a shadow.
func (s *service) marked(mode txshadow.Mode, budget time.Duration, method, target, body string) *http.Request {
	s.t.Helper()
	return s.marker.Request(s.t, s.codec, s.url, mode, budget, method, target, body)
}

func (s *service) do(r *http.Request) reply {
	s.t.Helper()
	start := time.Now()
	resp, err := http.DefaultClient.Do(r)
	s.must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	s.must(err)
	out := reply{status: resp.StatusCode, header: resp.Header, body: string(body), took: time.Since(start)}
	out.ack, out.err = s.codec.Acknowledged(resp.Header, r.Header.Get("Quack-Request-Id"))
	return out
}

// shadow runs a shadow write and wants it acknowledged as rolled back.
func (s *service) shadow(target string) reply {
	s.t.Helper()
	out := s.do(s.marked(txshadow.ModeRollback, 5*time.Second, "POST", target, ""))
	if out.err != nil || out.ack.Outcome != txshadow.RolledBack {
		s.t.Fatalf("not acknowledged: %v (%d %s)\n%s", out.err, out.status, out.body, s.logs)
	}
	return out
}

// until waits for a condition that something else brings about.
func (s *service) until(what string, ok func() bool) {
	s.t.Helper()
	harness.Until(s.t, what, ok, s.logs.String)
}
