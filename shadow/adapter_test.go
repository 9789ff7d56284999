package shadow

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/txshadow"
)

// adapted makes s an application on a real database, with the adapter of
// txshadow around it.
func adapted(t *testing.T, s *server, dsn string, app func(db *txshadow.Pool, w http.ResponseWriter, r *http.Request) error) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	adapter, err := txshadow.New(txshadow.Config{Secret: secret, Pool: pool, WallCap: patience, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := adapter.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	handler := adapter.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := app(adapter.Pool(), w, r); err != nil {
			http.Error(w, "it failed", http.StatusInternalServerError)
		}
	}))
	s.change(func(s *server) { s.real = handler })
}

// TestRealAdapterOnARealDatabase: shadow writes run for real on both sides,
// are compared with what they wrote, and leave nothing.
func TestRealAdapterOnARealDatabase(t *testing.T) {
	dsn := pgtest.NewDatabase(t)
	db, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	_, err = db.Exec(t.Context(), `CREATE TABLE accounts (id bigserial PRIMARY KEY, name text UNIQUE); CREATE TABLE audit (what text);`+txshadow.InstallSQL())
	if err != nil {
		t.Fatal(err)
	}
	create := func(audit bool) func(*txshadow.Pool, http.ResponseWriter, *http.Request) error {
		return func(db *txshadow.Pool, w http.ResponseWriter, r *http.Request) error {
			if r.Method == http.MethodGet {
				_, err := db.Exec(r.Context(), `UPDATE accounts SET name = name`)
				return err
			}
			if r.URL.Query().Get("sql") != "" {
				_, err := db.Exec(r.Context(), r.URL.Query().Get("sql"))
				return err
			}
			if _, err := db.Exec(r.Context(), `INSERT INTO accounts (name) VALUES ('Ada')`); err != nil {
				return err
			}
			if audit {
				txshadow.Record(r.Context(), "mail", "welcome")
				if _, err := db.Exec(r.Context(), `INSERT INTO audit VALUES ('Ada came')`); err != nil {
					return err
				}
			}
			w.WriteHeader(http.StatusCreated)
			_, err := fmt.Fprint(w, `{"name":"Ada"}`)
			return err
		}
	}
	r := newRig(t, options{rollback: "header", shadow: "budget: 10s",
		more: `  - {name: create, match: "POST /accounts", shadow: {run: both}}` + "\n"})
	adapted(t, r.legacy, dsn, create(true))
	adapted(t, r.new, dsn, create(false))
	r.proved(t)

	r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
	c := r.ledger.compared(t)
	if c.Verdict != reports.Mismatch || c.Writes != "level 1" || len(c.Differences) != 2 || c.Differences[0].Kind != compare.KindFootprint ||
		c.Differences[1].Path != "effect:mail:welcome" || c.Differences[1].Legacy != "once" || !strings.HasPrefix(c.Differences[0].Path, "table:audit") || c.Legacy.Answer.Status != 201 {
		t.Errorf("recorded %+v", c)
	}

	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	c = r.ledger.compared(t)
	if last := c.Differences[len(c.Differences)-1]; c.Verdict != reports.Mismatch || last.Kind != compare.KindWrites || !strings.Contains(last.New, "25006") {
		t.Errorf("a GET that writes: recorded %+v", c)
	}

	req := r.ask("create", "POST", "/accounts?sql=COMMIT", "")
	r.Before(t.Context(), req, routes.Legacy).Live(r.live(routes.Legacy, 201, `{}`))
	r.ledger.skipped(t, reports.SkipLatched)
	if leaks := r.latches.all(); len(leaks) != 1 || !strings.Contains(leaks[0].Why, "commit") {
		t.Errorf("latched %+v", leaks)
	}

	var left int
	if err := db.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM audit)`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows were left behind, %v", left, err)
	}
}

// TestBudgetOfARealShadow: the adapter ends its statement at the budget, and
// says so.
func TestBudgetOfARealShadow(t *testing.T) {
	dsn := pgtest.NewDatabase(t)
	db, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	if _, err := db.Exec(t.Context(), txshadow.InstallSQL()); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, options{rollback: "header", shadow: "budget: 100ms", more: writing, change: func(c *Config) { c.Grace = patience }})
	slow := func(db *txshadow.Pool, _ http.ResponseWriter, r *http.Request) error {
		_, err := db.Exec(r.Context(), `SELECT pg_sleep(60)`)
		return err
	}
	adapted(t, r.legacy, dsn, slow)
	adapted(t, r.new, dsn, slow)
	r.proved(t)
	began := time.Now()
	r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
	r.ledger.skipped(t, reports.SkipBudget)
	if took := time.Since(began); took > patience/2 {
		t.Errorf("it took %v", took)
	}
}
