package main

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/reports"
)

// shopTable is table with a database shop, which the new backend has.
func shopTable(legacy, new, newSettings, routes string) string {
	return table(legacy, new, newSettings+", database: shop", routes) + "databases: {shop: {}}\n"
}

// A live session that waits for a row which a shadow holds goes on long before
// the shadow's budget is over, and status and metrics say why.
func TestTheWatchdogFreesALiveSession(t *testing.T) {
	dsn := pgtest.NewDatabase(t)
	adapter := newAdapter(t, dsn)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "INSERT INTO accounts VALUES (1, 'a', 'live')"); err != nil {
		t.Fatal(err)
	}
	holds, over := make(chan error, 1), make(chan struct{})
	newer := httptest.NewServer(adapter.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := adapter.Pool().Exec(r.Context(), "UPDATE accounts SET made_by = 'shadow' WHERE id = 1")
		holds <- err
		<-over
		adapter.Pool().Exec(r.Context(), "UPDATE accounts SET made_by = 'shadow' WHERE id = 1")
	})))
	t.Cleanup(newer.Close)
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 201, `{}` })
	routes := shopTable(legacy, newer.URL, ", rollback: header", createRoute)
	routes = strings.Replace(routes, "shop: {}", "shop: {max_shadows: 1}", 1)
	q := startPrepared(t, routes, func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "QUACK_DB_SHOP="+dsn) })
	q.proved(1)
	shop := func() admin.Database {
		t.Helper()
		status, err := q.client.Status(t.Context())
		if err != nil || len(status.Databases) != 1 {
			t.Fatalf("%v, %+v", err, status.Databases)
		}
		return status.Databases[0]
	}
	go q.ask("POST", "/accounts", `{}`)
	if err := <-holds; err != nil {
		t.Fatal(err)
	}
	q.ask("POST", "/accounts", `{}`)
	q.until("create", "the second is one too many", func(r reports.RouteReport) bool { return r.Skipped[reports.SkipBusy] == 1 })
	if _, err := conn.Exec(t.Context(), "UPDATE accounts SET made_by = 'live again' WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	// The row is free as soon as the session has ended, which is counted next.
	d := shop()
	for deadline := time.Now().Add(time.Minute); d.Blocking == 0 && time.Now().Before(deadline); d = shop() {
		time.Sleep(10 * time.Millisecond)
	}
	if d.Blocking != 1 || d.UnderWay != 1 || d.Max != 1 || d.Database != "shop" {
		t.Errorf("%+v", d)
	}
	close(over)
	q.until("create", "the first is not compared", func(r reports.RouteReport) bool {
		return r.Skipped[reports.SkipUnsupported] == 1 && r.Unsupported["session-lost"] == 1
	})
	if metrics := q.adminGet("/metrics"); !strings.Contains(metrics, `quack_database_ended_blocking_total{`) && !strings.Contains(metrics, `quack_database_ended_blocking{`) || !strings.Contains(metrics, `quack_database_watched{`) {
		t.Errorf("no metrics of databases:\n%s", metrics)
	}
	var by string
	if err := conn.QueryRow(t.Context(), "SELECT made_by FROM accounts WHERE id = 1").Scan(&by); err != nil || by != "live again" {
		t.Errorf("%q, %v", by, err)
	}
}

// Without a DSN, check and the log of serve say that nobody watches.
func TestAnUnwatchedDatabaseIsAWarning(t *testing.T) {
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 201, `{}` })
	q := start(t, shopTable(legacy, legacy, ", rollback: header", createRoute))
	const want = "QUACK_DB_SHOP is not set: nobody ends a shadow that live sessions of database shop wait for"
	if out, err := exec.Command("quack", "check", q.routes).CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
		t.Errorf("quack check: %v\n%s", err, out)
	}
	if !strings.Contains(q.logged(), want) {
		t.Errorf("the log does not say so:\n%s", q.logged())
	}
	status, err := q.client.Status(t.Context())
	if err != nil || len(status.Databases) != 1 || status.Databases[0].Watching || status.Databases[0].Why != "no DSN is set" {
		t.Errorf("%v %+v", err, status.Databases)
	}
}
