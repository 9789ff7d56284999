package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/txshadow"
)

// laneWorld is a database with an application's role, and a lane to it.
type laneWorld struct {
	dsn, appDSN string
	listen      string // address of the lane
	through     string // appDSN by way of the lane
}

func newLaneWorld(t *testing.T) laneWorld {
	t.Helper()
	return laneWorldAt(t, pgtest.NewDatabase(t))
}

// laneWorldAt is a laneWorld in an empty database.
func laneWorldAt(t *testing.T, dsn string) laneWorld {
	t.Helper()
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
	ln.Close()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "secret")
	w := laneWorld{dsn: dsn, appDSN: u.String(), listen: ln.Addr().String()}
	u.Host = w.listen
	w.through = u.String()
	return w
}

// start starts a proxy before the three instances: second is the one that
// shadow writes are sent to.
func (w laneWorld) start(t *testing.T, legacy, live, second string) *running {
	t.Helper()
	return w.startWithin(t, "20s", legacy, live, second)
}

// startWithin is start with another budget.
func (w laneWorld) startWithin(t *testing.T, budget, legacy, live, second string) *running {
	t.Helper()
	settings := fmt.Sprintf(", rollback: lanes, proof: /up, lanes: [{url: %q, listen: %q}]", second, w.listen)
	return startPrepared(t, shopTable(legacy, live, settings, strings.Replace(createRoute, "20s", budget, 1)), func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "QUACK_DB_SHOP="+w.dsn, "QUACK_LANES_SHOP="+w.appDSN)
	})
}

// A backend of which no line is touched has its writes shadowed: its second
// instance reaches the database by a lane, and nothing stays.
func TestShadowWritesInLanes(t *testing.T) {
	w := newLaneWorld(t)
	q := w.start(t, plainApp(t, w.appDSN, true), plainApp(t, w.appDSN, false), plainApp(t, w.through, false))
	q.proved(1)
	for i := range 5 {
		q.ask("POST", "/accounts", fmt.Sprintf(`{"email":"ada%d@example.org"}`, i))
	}
	q.ask("POST", "/accounts", `{"email":"ada1@example.org"}`)
	r := q.until("create", "all compared", func(r reports.RouteReport) bool { return r.Compared == 6 })
	if r.Matched != 6 || r.Leak != "" {
		t.Errorf("%+v\n%s", r, q.logged())
	}
	rowsIn(t, w.dsn, "accounts", 5)
	rowsIn(t, w.dsn, "audit", 5)
	q.ask("GET", "/nothing", "")
}

// An instance that goes past its lane gives no proof, so that no write is sent
// to it.
func TestInstancePastItsLane(t *testing.T) {
	w := newLaneWorld(t)
	q := w.start(t, plainApp(t, w.appDSN, true), plainApp(t, w.appDSN, false), plainApp(t, w.appDSN, false))
	q.ask("POST", "/accounts", `{"email":"ada@example.org"}`)
	q.until("create", "skipped", func(r reports.RouteReport) bool { return r.Skipped[reports.SkipNoProof] == 1 })
	eventually(t, q, "why there is no proof", func() bool { return strings.Contains(q.logged(), "no statement came through its lane") })
	rowsIn(t, w.dsn, "accounts", 1)
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
	t.Parallel()
	w := newLaneWorld(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	w.listen = taken.Addr().String()
	q := w.start(t, "http://127.0.0.1:1", "http://127.0.0.1:2", plainApp(t, w.through, false))
	eventually(t, q, "the proof says why", func() bool {
		status, err := q.client.Status(t.Context())
		return err == nil && len(status.Proofs) == 1 && strings.Contains(status.Proofs[0].Detail, "address already in use")
	})
	time.Sleep(3 * followEvery) // it is tried again each time, and that is not said
	if n := strings.Count(q.logged(), "a lane does not serve"); n != 1 {
		t.Errorf("said %d times:\n%s", n, q.logged())
	}
}
