package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/reports"
)

// preferApp runs each request in one transaction that a client may end with a
// rollback, as PostgREST does with db-tx-end=commit-allow-override. It writes
// name for POST /accounts.
func preferApp(t *testing.T, dsn, suffix string) string {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tx, err := pool.Begin(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer tx.Rollback(context.WithoutCancel(r.Context()))
		status, body := http.StatusOK, `{}`
		if r.Method == http.MethodPost {
			var name string
			err = tx.QueryRow(r.Context(), "INSERT INTO accounts (name) VALUES ($1) RETURNING name", "Ada"+suffix).Scan(&name)
			status, body = http.StatusCreated, `{"name":"`+name+`"}`
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		if strings.Contains(strings.Join(r.Header.Values("Prefer"), ","), "tx=rollback") {
			w.Header().Set("Preference-Applied", "tx=rollback")
			err = tx.Rollback(r.Context())
		} else {
			err = tx.Commit(r.Context())
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A service that takes Prefer: tx=rollback needs no adapter: its shadow write
// is compared, and leaves no row.
func TestPreferredShadowWriteLeavesNothing(t *testing.T) {
	t.Parallel()
	dsn := pgtest.NewDatabase(t)
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), "CREATE TABLE accounts (name text)"); err != nil {
		t.Fatal(err)
	}
	legacy, newer := preferApp(t, dsn, ""), preferApp(t, dsn, " the second")
	q := start(t, table(legacy, newer, ", rollback: prefer", createRoute))
	q.proved(1)
	for range 3 {
		q.ask("POST", "/accounts", `{}`)
	}
	r := q.until("create", "three compared", func(r reports.RouteReport) bool { return r.Compared == 3 })
	if r.Mismatched != 3 || r.Leak != "" {
		t.Errorf("%+v", r)
	}
	var all, shadows int
	if err := pool.QueryRow(t.Context(), "SELECT count(*), count(*) FILTER (WHERE name <> 'Ada') FROM accounts").Scan(&all, &shadows); err != nil || all != 3 || shadows != 0 {
		t.Errorf("%d rows, %d of them the shadow's, %v", all, shadows, err)
	}
}
