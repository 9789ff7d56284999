package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/txshadow"
)

const createRoute = "  - {name: create, match: POST /accounts, stage: shadow, shadow: {budget: 20s}}\n"

// shadowSecret is what quack derives from testSecret.
func shadowSecret(t *testing.T) string {
	t.Helper()
	s, err := txshadow.DeriveShadowSecret(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asked is a backend that notes which requests reached it.
type asked struct {
	mu   sync.Mutex
	seen []string
}

func (a *asked) note(r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, r.Method+" "+r.URL.Path)
}

func (a *asked) count(what string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.seen {
		if s == what {
			n++
		}
	}
	return n
}

// A live change is refused where the file would be.
func TestStageIsRefusedLiveWithoutRollback(t *testing.T) {
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 201, `{}` })
	q := start(t, table(legacy, legacy, "", strings.Replace(createRoute, "shadow, shadow", "legacy, shadow", 1)))
	out, code := q.run("stage", "create", "shadow", "--why", "try")
	if code == 0 || !strings.Contains(out, "does not roll back") || !strings.Contains(out, "rollback: header") {
		t.Errorf("code %d\n%s", code, out)
	}
	q.ask("POST", "/accounts", "{}")
	if r := q.until("create", "served", func(r reports.RouteReport) bool { return r.Served == 1 }); r.Stage != "legacy" {
		t.Errorf("stage %s after the refusal", r.Stage)
	}
}

// A backend that says rollback: header in routes.yaml and gives no hello gets
// no write.
func TestNoProofNothingIsSent(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 201, `{}` })
	var backend asked
	newer := serveJSON(t, func(r *http.Request) (int, string) { backend.note(r); return 404, `{}` })
	q := start(t, table(legacy, newer, ", rollback: header", createRoute))
	for range 5 {
		q.ask("POST", "/accounts", `{}`)
	}
	q.until("create", "5 skipped without proof", func(r reports.RouteReport) bool { return r.Skipped[reports.SkipNoProof] == 5 })
	if n := backend.count("POST /accounts"); n != 0 {
		t.Errorf("%d writes reached a backend without proof", n)
	}
	if backend.count("GET /.well-known/quack/hello") == 0 {
		t.Error("the backend was never asked for a proof")
	}
}

// liar is a backend that proves itself by hello and answers writes as it is
// told to, without an acknowledgement.
func liar(t *testing.T, backend *asked, write func(http.ResponseWriter)) string {
	t.Helper()
	adapter := newAdapter(t, pgtest.NewDatabase(t))
	hello := adapter.Middleware(http.NotFoundHandler())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		backend.note(r)
		if r.URL.Path == "/.well-known/quack/hello" {
			hello.ServeHTTP(w, r)
			return
		}
		write(w)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A backend that proves itself and then does not acknowledge is latched off
// at the first write, loudly, until an operator resets it.
func TestMissingAcknowledgementLatches(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 201, `{}` })
	var backend asked
	newer := liar(t, &backend, func(w http.ResponseWriter) { w.WriteHeader(201) })
	q := start(t, table(legacy, newer, ", rollback: header", createRoute))
	q.proved(1)

	for range 5 {
		q.ask("POST", "/accounts", `{}`)
	}
	r := q.until("create", "latched", func(r reports.RouteReport) bool { return r.Leak != "" && r.Skipped[reports.SkipLatched] == 5 })
	if n := backend.count("POST /accounts"); n != 1 {
		t.Errorf("%d writes were sent, want 1", n)
	}
	if !strings.Contains(q.logged(), "leak suspected") {
		t.Errorf("the log does not say leak suspected:\n%s", q.logged())
	}
	if out, code := q.run("report", "--fail-above", "100%"); code != 1 || !strings.Contains(out, "leak suspected") {
		t.Errorf("quack report: code %d\n%s", code, out)
	}
	if metrics := q.adminGet("/metrics"); !strings.Contains(metrics, `quack_leak_suspected{`) {
		t.Errorf("no quack_leak_suspected in the metrics:\n%s", metrics)
	}

	q.kill()
	q.launch()
	q.proved(1)
	q.ask("POST", "/accounts", `{}`)
	if n := backend.count("POST /accounts"); n != 1 {
		t.Errorf("the latch did not survive kill -9: %d writes were sent (report before: %+v)", n, r)
	}
	if out, code := q.run("reset", "create", "--why", "looked at the data"); code != 0 {
		t.Fatalf("quack reset: code %d\n%s", code, out)
	}
	q.ask("POST", "/accounts", `{}`)
	q.until("create", "latched again", func(r reports.RouteReport) bool { return r.Leak != "" })
	if n := backend.count("POST /accounts"); n != 2 {
		t.Errorf("after the reset %d writes were sent in all, want 2", n)
	}
}

// A 502 from something between is no leak.
func TestBadGatewayDoesNotLatch(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 201, `{}` })
	var backend asked
	newer := liar(t, &backend, func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) })
	q := start(t, table(legacy, newer, ", rollback: header", createRoute))
	q.proved(1)
	q.ask("POST", "/accounts", `{}`)
	r := q.until("create", "unconfirmed", func(r reports.RouteReport) bool { return r.Skipped[reports.SkipUnconfirmed] == 1 })
	if r.Leak != "" {
		t.Errorf("latched: %s", r.Leak)
	}
}

// A real service with the adapter: the shadow's write is compared and leaves
// nothing. Its sibling sends raw COMMIT: nothing persists, the alarm is raised.
func TestShadowWriteLeavesNothing(t *testing.T) {
	t.Parallel()
	dsn := pgtest.NewDatabase(t)
	legacy := accountsApp(t, dsn, "legacy", "")
	newer := accountsApp(t, dsn, "new", "")
	committing := accountsApp(t, dsn, "new", "COMMIT")
	routes := "  - name: create\n    match: POST /accounts\n    stage: shadow\n    shadow: {budget: 20s}\n    compare: {rules: [{path: $.id, same: account}]}\n" +
		"  - name: both\n    match: POST /accounts/both\n    stage: shadow\n    shadow: {budget: 20s, run: both}\n    compare: {rules: [{path: $.id, same: account}]}\n" +
		"  - {name: committing, match: POST /accounts/committing, new: committing, stage: shadow, shadow: {budget: 20s}}\n"
	q := start(t, fmt.Sprintf("version: 1\nbackends:\n  monolith: {urls: [%s], rollback: header}\n  accounts: {urls: [%s], rollback: header}\n"+
		"  committing: {urls: [%s], rollback: header}\ndefaults: {legacy: monolith, new: accounts}\nroutes:\n%s", legacy, newer, committing, routes))
	q.proved(3)

	for i := range 10 {
		if status, body := q.ask("POST", "/accounts", fmt.Sprintf(`{"email":"a%d@example.com"}`, i)); status != 201 {
			t.Fatalf("%d %s", status, body)
		}
		q.ask("POST", "/accounts/both", fmt.Sprintf(`{"email":"b%d@example.com"}`, i))
	}
	for _, route := range []string{"create", "both"} {
		r := q.until(route, "10 compared", func(r reports.RouteReport) bool { return r.Compared == 10 })
		if r.Matched != 10 {
			t.Errorf("%s: %d of 10 matched: %+v", route, r.Matched, q.differences())
		}
	}
	status, _ := q.ask("POST", "/accounts/committing", `{"email":"c@example.com"}`)
	if status != 201 {
		t.Fatalf("the live write answered %d", status)
	}
	if r := q.until("committing", "the alarm", func(r reports.RouteReport) bool { return r.Leak != "" }); !strings.Contains(strings.ToLower(r.Leak), "commit") {
		t.Errorf("the alarm does not name COMMIT: %q", r.Leak)
	}
	rows(t, dsn, map[string]int{"legacy": 21, "new": 0})
}

// accountsApp is an ordinary service that keeps accounts. also, when not
// empty, is a statement it sends after its insert.
func accountsApp(t *testing.T, dsn, who, also string) string {
	t.Helper()
	adapter := newAdapter(t, dsn)
	db := adapter.Pool()
	create := func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Email string }
		json.NewDecoder(r.Body).Decode(&in)
		var id int64
		err := db.QueryRow(r.Context(), "INSERT INTO accounts (email, made_by) VALUES ($1, $2) RETURNING id", in.Email, who).Scan(&id)
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		if also != "" {
			db.Exec(r.Context(), also)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(201)
		fmt.Fprintf(w, `{"id":%d,"email":%q}`, id, in.Email)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /accounts", create)
	mux.HandleFunc("POST /accounts/both", create)
	mux.HandleFunc("POST /accounts/committing", create)
	s := httptest.NewServer(adapter.Middleware(mux))
	t.Cleanup(s.Close)
	return s.URL
}

// newAdapter is an adapter over a database with the fuse and a table.
func newAdapter(t *testing.T, dsn string) *txshadow.Adapter {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS accounts (id bigserial PRIMARY KEY, email text UNIQUE, made_by text NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	if err := txshadow.Install(ctx, conn); err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	adapter, err := txshadow.New(txshadow.Config{Secret: shadowSecret(t), Pool: pool, WallCap: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { adapter.Close(context.Background()) })
	return adapter
}

func rows(t *testing.T, dsn string, want map[string]int) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for who, n := range want {
		var got int
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM accounts WHERE made_by = $1", who).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != n {
			t.Errorf("%d rows by %s, want %d", got, who, n)
		}
	}
}

// proved waits until n instances have proved that they roll back, and all
// databases are watched that can be: until then their writes are skipped.
func (q *running) proved(n int) {
	q.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		status, err := q.client.Status(context.Background())
		if err != nil {
			q.t.Fatal(err)
		}
		proved := 0
		for _, p := range status.Proofs {
			if p.Proved {
				proved++
			}
		}
		unwatched := slices.ContainsFunc(status.Databases, func(d admin.Database) bool { return !d.Watching && d.Why != "no DSN is set" })
		if proved == n && !unwatched {
			return
		}
	}
	q.t.Fatalf("not %d proofs:\n%s", n, q.logged())
}
