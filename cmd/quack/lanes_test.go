package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/txshadow"
)

// plainApp is a service that knows nothing of Quack. It keeps accounts, and
// forgets the audit row when it is told to.
func plainApp(t *testing.T, dsn string, audits bool) string {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /up", func(w http.ResponseWriter, r *http.Request) {
		if err := pool.QueryRow(r.Context(), "SELECT 1").Scan(new(int)); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST /accounts", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Email string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		err := pgx.BeginFunc(r.Context(), pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(r.Context(), "INSERT INTO accounts (email) VALUES ($1)", in.Email); err != nil || !audits {
				return err
			}
			_, err := tx.Exec(r.Context(), "INSERT INTO audit (what) VALUES ($1)", in.Email)
			return err
		})
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"error":"taken"}`)
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"email":%q}`, in.Email)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// laneWorld is a database with an application's role, and its DSN by way of a
// lane.
func laneWorld(t *testing.T) (dsn, appDSN, lane, throughLane string) {
	t.Helper()
	dsn = pgtest.NewDatabase(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	role := strings.ToLower("app_" + conn.Config().Database)
	_, err = conn.Exec(t.Context(), txshadow.InstallSQL()+fmt.Sprintf(`CREATE TABLE accounts (id bigserial PRIMARY KEY, email text UNIQUE); CREATE TABLE audit (what text);
		CREATE ROLE %[1]s LOGIN PASSWORD 'secret'; GRANT ALL ON accounts, audit, accounts_id_seq TO %[1]s`, role))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), dsn)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), fmt.Sprintf("DROP OWNED BY %[1]s; DROP ROLE %[1]s", role)); err != nil {
			t.Error(err)
		}
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lane = ln.Addr().String()
	ln.Close()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "secret")
	appDSN = u.String()
	u.Host = lane
	return dsn, appDSN, lane, u.String()
}

// A backend of which no line is touched has its writes shadowed: its second
// instance reaches the database by a lane, and nothing stays.
func TestShadowWritesInLanes(t *testing.T) {
	dsn, appDSN, lane, throughLane := laneWorld(t)
	legacy, live, second := plainApp(t, appDSN, true), plainApp(t, appDSN, false), plainApp(t, throughLane, false)
	file := fmt.Sprintf(`version: 1
databases: {shop: {}}
backends:
  monolith: {urls: [%s]}
  accounts: {urls: [%s], rollback: lanes, proof: /up, database: shop, lanes: [{url: %q, listen: %q}]}
defaults: {legacy: monolith, new: accounts}
routes:
  - {name: create, match: POST /accounts, stage: shadow, shadow: {budget: 2s}}
`, legacy, live, second, lane)
	q := startPrepared(t, file, func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "QUACK_DB_SHOP="+dsn, "QUACK_LANES_SHOP="+appDSN)
	})
	q.proved(1)
	for i := range 5 {
		q.ask("POST", "/accounts", fmt.Sprintf(`{"email":"ada%d@example.org"}`, i))
	}
	q.ask("POST", "/accounts", `{"email":"ada1@example.org"}`)
	r := q.until("create", "all compared", func(r reports.RouteReport) bool { return r.Compared == 6 })
	if r.Matched != 6 || r.Leak != "" {
		t.Errorf("%+v\n%s", r, q.logged())
	}
	rowsIn(t, dsn, "accounts", 5)
	rowsIn(t, dsn, "audit", 5)
	q.ask("GET", "/nothing", "")
}

// An instance that goes past its lane gives no proof, so that no write is sent
// to it.
func TestInstancePastItsLane(t *testing.T) {
	dsn, appDSN, lane, _ := laneWorld(t)
	legacy, live, past := plainApp(t, appDSN, true), plainApp(t, appDSN, false), plainApp(t, appDSN, false)
	file := fmt.Sprintf(`version: 1
databases: {shop: {}}
backends:
  monolith: {urls: [%s]}
  accounts: {urls: [%s], rollback: lanes, proof: /up, database: shop, lanes: [{url: %q, listen: %q}]}
defaults: {legacy: monolith, new: accounts}
routes:
  - {name: create, match: POST /accounts, stage: shadow, shadow: {budget: 2s}}
`, legacy, live, past, lane)
	q := startPrepared(t, file, func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "QUACK_DB_SHOP="+dsn, "QUACK_LANES_SHOP="+appDSN)
	})
	q.ask("POST", "/accounts", `{"email":"ada@example.org"}`)
	q.until("create", "skipped", func(r reports.RouteReport) bool { return r.Skipped[reports.SkipNoProof] == 1 })
	eventually(t, q, "why there is no proof", func() bool { return strings.Contains(q.logged(), "no statement came through its lane") })
	rowsIn(t, dsn, "accounts", 1)
}

func rowsIn(t *testing.T, dsn, table string, want int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var n int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil || n != want {
		t.Errorf("%s has %d rows, want %d (%v)", table, n, want, err)
	}
}

// A lane that can not listen is said once, and the instance's proof says why.
func TestLaneThatDoesNotServe(t *testing.T) {
	dsn, appDSN, _, throughLane := laneWorld(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	second := plainApp(t, throughLane, false)
	file := fmt.Sprintf(`version: 1
databases: {shop: {}}
backends:
  monolith: {urls: ["http://127.0.0.1:1"]}
  accounts: {urls: ["http://127.0.0.1:2"], rollback: lanes, proof: /up, database: shop, lanes: [{url: %q, listen: %q}]}
defaults: {legacy: monolith, new: accounts}
routes:
  - {name: create, match: POST /accounts, stage: shadow}
`, second, taken.Addr())
	q := startPrepared(t, file, func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "QUACK_DB_SHOP="+dsn, "QUACK_LANES_SHOP="+appDSN)
	})
	eventually(t, q, "the proof says why", func() bool {
		status, err := q.client.Status(t.Context())
		return err == nil && len(status.Proofs) == 1 && strings.Contains(status.Proofs[0].Detail, "address already in use")
	})
	time.Sleep(3 * followEvery) // it is tried again each time, and that is not said
	if n := strings.Count(q.logged(), "a lane does not serve"); n != 1 {
		t.Errorf("said %d times:\n%s", n, q.logged())
	}
}
