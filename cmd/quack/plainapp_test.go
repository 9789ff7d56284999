package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
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
	s := httptest.NewServer(plainHandler{pool: pool, audits: audits}.mux())
	t.Cleanup(s.Close)
	return s.URL
}

// plainMain is the same service as a process of its own, to be killed. It writes
// audit rows, and never ends the writes of whoever is called hold.
func plainMain() {
	pool, err := pgxpool.New(context.Background(), os.Getenv("DATABASE_URL"))
	if err == nil {
		err = http.ListenAndServe(os.Getenv("LISTEN"), plainHandler{pool: pool, audits: true, holds: true}.mux())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

type plainHandler struct {
	pool          *pgxpool.Pool
	audits, holds bool
}

func (h plainHandler) mux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /up", h.up)
	mux.HandleFunc("POST /accounts", h.create)
	return mux
}

func (h plainHandler) up(w http.ResponseWriter, r *http.Request) {
	if err := h.pool.QueryRow(r.Context(), "SELECT 1").Scan(new(int)); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

func (h plainHandler) create(w http.ResponseWriter, r *http.Request) {
	var in struct{ Email string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	w.Header().Set("Content-Type", "application/json")
	if err := h.insert(r.Context(), in.Email); err != nil {
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"error":"taken"}`)
		return
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"email":%q}`, in.Email)
}

func (h plainHandler) insert(ctx context.Context, email string) error {
	return pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO accounts (email) VALUES ($1)", email); err != nil || !h.audits {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO audit (what) VALUES ($1)", email)
		if h.holds && strings.HasPrefix(email, "hold") {
			<-ctx.Done()
		}
		return err
	})
}
