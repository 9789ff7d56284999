package sqlshadow_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"
	"go.uber.org/goleak"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/harness"
	"github.com/quackproxy/quack/txshadow/sqlshadow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a secret of tests that is long enough"

// schema is a small shop: an audit row per account by trigger, and orders
// whose account is looked for only at commit.
const schema = `
CREATE TABLE accounts (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, n int NOT NULL DEFAULT 0);
CREATE TABLE audit (id bigserial PRIMARY KEY, what text NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, account bigint NOT NULL REFERENCES accounts DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION audit_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO audit (what) VALUES (TG_OP || ' ' || NEW.email); RETURN NULL; END $$;
CREATE TRIGGER audit AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION audit_account();
`

// server is a kind of database, and a driver for it.
type server struct {
	name    string
	dialect sqlshadow.Dialect
	connect func(t testing.TB, dsn string) driver.Connector
	dsn     func(t testing.TB) string // of a database with the schema of tests
	watch   string                    // a driver to look at it from outside
	rows    string                    // counts the rows of tests
	clear   []string
}

const allRows = "SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM audit) + (SELECT count(*) FROM orders)"

func overPQ(t testing.TB, dsn string) driver.Connector {
	c, err := pq.NewConnector(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// overPGX has a statement prepared on each connection, as pools' hooks do.
func overPGX(t testing.TB, dsn string) driver.Connector {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return stdlib.GetConnector(*cfg, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Prepare(ctx, "prepared_commit", "COMMIT")
		return err
	}))
}

var (
	onPQ  = server{"lib/pq", sqlshadow.Postgres, overPQ, sharedPostgres, "postgres", allRows, []string{"TRUNCATE accounts, audit, orders RESTART IDENTITY"}}
	onPGX = server{"pgx", sqlshadow.Postgres, overPGX, sharedPostgres, "postgres", allRows, []string{"TRUNCATE accounts, audit, orders RESTART IDENTITY"}}
)

// bothDrivers runs a test with each driver for PostgreSQL.
func bothDrivers(t *testing.T, test func(t *testing.T, on server)) {
	for _, on := range []server{onPQ, onPGX} {
		t.Run(on.name, func(t *testing.T) { test(t, on) })
	}
}

var shared struct {
	sync.Once
	dsn string
	err error
}

// sharedPostgres is the database of the tests that need none of their own.
func sharedPostgres(t testing.TB) string {
	shared.Do(func() {
		ctx, cluster := context.Background(), pgtest.Cluster(t)
		if shared.err = cluster.CreateDatabase(ctx, "shared"); shared.err != nil {
			return
		}
		shared.dsn = cluster.DSN("shared")
		shared.err = install(shared.dsn)
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.dsn
}

func install(dsn string) error {
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), schema+txshadow.InstallSQL())
	return err
}

// service is an application with an adapter.
type service struct {
	t       testing.TB
	on      server
	dsn     string
	adapter *sqlshadow.Adapter
	db      *sql.DB
	outside *sql.DB // past the adapter
	codec   *txshadow.Codec
	url     string
	logs    *harness.Log
	marker  harness.Marker
}

type handler func(s *service, w http.ResponseWriter, r *http.Request)

// option changes a service before it is made.
type option func(*setup)

type setup struct {
	config sqlshadow.Config
	layers sqlshadow.Layers
}

func withConfig(f func(*sqlshadow.Config)) option { return func(s *setup) { f(&s.config) } }
func withLayers(l sqlshadow.Layers) option        { return func(s *setup) { s.layers = l } }

// serve starts a service whose handler is handle.
func serve(t testing.TB, on server, handle handler, options ...option) *service {
	t.Helper()
	s := &service{t: t, on: on, logs: &harness.Log{}, dsn: on.dsn(t)}
	set := setup{config: sqlshadow.Config{
		Secret: secret, Dialect: on.dialect, Connector: on.connect(t, s.dsn),
		WallCap: 10 * time.Second, Log: slog.New(slog.NewTextHandler(s.logs, nil)),
	}}
	for _, o := range options {
		o(&set)
	}
	s.look()
	var err error
	s.adapter, err = sqlshadow.New(set.config)
	s.must(err)
	s.adapter.Without(set.layers)
	secrets, err := txshadow.ParseSecrets(secret)
	s.must(err)
	s.codec, err = txshadow.NewCodec(secrets...)
	s.must(err)
	s.db = s.adapter.DB()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.adapter.Close(ctx); err != nil {
			t.Error(err)
		}
		s.db.Close()
	})
	server := httptest.NewServer(s.adapter.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(s, w, r) })))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// look opens a way past the adapter, and empties the tables.
func (s *service) look() {
	s.t.Helper()
	var err error
	s.outside, err = sql.Open(s.on.watch, s.dsn)
	s.must(err)
	s.t.Cleanup(func() { s.outside.Close() })
	for _, q := range s.on.clear {
		_, err := s.outside.Exec(q)
		s.must(err)
	}
}

func (s *service) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// ask is one value that a live connection sees.
func ask[T any](s *service, query string) (v T) {
	s.t.Helper()
	s.must(s.outside.QueryRow(query).Scan(&v))
	return v
}

// rows is how many rows of tests live clients see in all tables.
func (s *service) rows() int { s.t.Helper(); return ask[int](s, s.on.rows) }

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
	return s.acknowledged(s.marked(txshadow.ModeRollback, 5*time.Second, "POST", target, ""))
}

// reading runs a shadow of a safe request.
func (s *service) reading(target string) reply {
	s.t.Helper()
	return s.acknowledged(s.marked(txshadow.ModeReadOnly, 5*time.Second, "GET", target, ""))
}

func (s *service) acknowledged(r *http.Request) reply {
	s.t.Helper()
	out := s.do(r)
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
