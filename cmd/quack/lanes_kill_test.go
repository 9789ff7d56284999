package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres"
	"github.com/quackproxy/quack/reports"
)

// laned is the instance behind a lane, as a process.
type laned struct {
	t      *testing.T
	listen string
	dsn    string
	cmd    *exec.Cmd
}

func startLaned(t *testing.T, w laneWorld) *laned {
	t.Helper()
	l := &laned{t: t, listen: closedAddr(), dsn: w.through}
	l.launch()
	t.Cleanup(l.kill)
	return l
}

func (l *laned) launch() {
	l.t.Helper()
	l.cmd = exec.Command("plain-app")
	l.cmd.Env = append(os.Environ(), "LISTEN="+l.listen, "DATABASE_URL="+l.dsn)
	if err := l.cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
}

func (l *laned) kill() {
	l.cmd.Process.Kill()
	l.cmd.Wait()
}

// held sends a write that its shadow never ends, and returns when the shadow
// has written its rows and their transaction is open.
func held(t *testing.T, w laneWorld, q *running) (answered <-chan int) {
	t.Helper()
	status := make(chan int, 1)
	go func() {
		res, err := http.Post(q.url+"/accounts", "application/json", strings.NewReader(`{"email":"hold@example.org"}`))
		if err != nil {
			status <- 0
			return
		}
		res.Body.Close()
		status <- res.StatusCode
	}()
	eventually(t, q, "the shadow holds its rows", func() bool { return len(openTransactions(t, w)) == 1 })
	return status
}

// openTransactions are those that have written, by the state of their session.
func openTransactions(t *testing.T, w laneWorld) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT state FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL AND state LIKE 'idle in transaction%'`)
	if err != nil {
		t.Fatal(err)
	}
	states, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return states
}

// comesBack: nothing of the held shadow is left, and the next write is compared.
func (l *laned) comesBack(w laneWorld, q *running, rows int) {
	l.t.Helper()
	eventually(l.t, q, "no transaction is left open", func() bool { return len(openTransactions(l.t, w)) == 0 })
	rowsIn(l.t, w.dsn, "accounts", rows)
	q.proved(1)
	before := q.until("create", "a report", func(reports.RouteReport) bool { return true })
	// The watchdog and the lane may need a moment; a write is skipped until then.
	for tries := 0; ; tries++ {
		q.ask("POST", "/accounts", fmt.Sprintf(`{"email":"next%d@example.org"}`, tries))
		r := q.until("create", "compared or skipped", func(r reports.RouteReport) bool {
			return r.Matched > before.Matched || skips(r) > skips(before)+int64(tries)
		})
		if r.Leak != "" {
			l.t.Fatalf("a leak is suspected: %s\n%s", r.Leak, q.logged())
		}
		if r.Matched > before.Matched {
			rowsIn(l.t, w.dsn, "accounts", rows+tries+1)
			return
		}
		if tries == 100 {
			l.t.Fatalf("writes are not compared again: %+v\n%s", r, q.logged())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func skips(r reports.RouteReport) (n int64) {
	for _, count := range r.Skipped {
		n += count
	}
	return n
}

// An instance that is killed in the middle of a shadow in its lane leaves nothing,
// its live call goes on, and the next instance's writes are compared again.
func TestInstanceKilledInItsLane(t *testing.T) {
	w := newLaneWorld(t)
	second := startLaned(t, w)
	q := w.start(t, plainApp(t, w.appDSN, true), plainApp(t, w.appDSN, false), "http://"+second.listen)
	q.proved(1)
	answered := held(t, w, q)
	second.kill()
	if status := <-answered; status != http.StatusCreated {
		t.Errorf("the live call was answered with %d", status)
	}
	second.launch()
	second.comesBack(w, q, 1)
}

// A proxy that is killed in the middle of a shadow in a lane leaves nothing, and
// one that is started in its place goes on with the same instance.
func TestProxyKilledWithAnOpenLane(t *testing.T) {
	w := newLaneWorld(t)
	second := startLaned(t, w)
	q := w.start(t, plainApp(t, w.appDSN, true), plainApp(t, w.appDSN, false), "http://"+second.listen)
	q.proved(1)
	answered := held(t, w, q)
	q.kill()
	<-answered
	rowsIn(t, w.dsn, "accounts", 0)
	q.launch()
	second.comesBack(w, q, 0)
}

// A database that crashes under the open shadow of a lane has rolled it back: no
// leak is suspected, and once it is back the next writes are compared.
func TestDatabaseKilledWithAnOpenLane(t *testing.T) {
	c, err := postgres.Start(t.Context(), postgres.Options{Settings: map[string]string{"synchronous_commit": "on"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop() })
	w := laneWorldAt(t, c.DSN("postgres"))
	second := startLaned(t, w)
	q := w.startWithin(t, "5s", plainApp(t, w.appDSN, true), plainApp(t, w.appDSN, false), "http://"+second.listen)
	q.proved(1)
	answered := held(t, w, q)
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	<-answered // with whatever the application makes of it
	if err := c.Revive(t.Context()); err != nil {
		t.Fatal(err)
	}
	second.comesBack(w, q, 0)
}
