// Package shop is the demo's monolith, "legacy": products, orders and the
// accounts that are about to move into a service of their own.
//
// It is written as a shop of some years is: handlers with SQL in them, answers
// made of maps. All that it knows of Quack is in [New]: the adapter around its
// pool and its handlers, which undoes the writes of requests that are only
// made for comparing.
package shop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

// database is what the shop needs of its pool.
type database interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Begin(ctx context.Context) (pgx.Tx, error)
}

type shop struct{ db database }

// A demo has to find the same on a busy machine: these are above txshadow's
// defaults of 500ms and 4.
const (
	wallCap    = 2 * time.Second // a shadow's transaction stays open no longer
	maxShadows = 8               // writing at once; the demo has six clients
)

// New makes the shop over pool. secret is QUACK_SHADOW_SECRET.
func New(pool *pgxpool.Pool, secret string) (http.Handler, *txshadow.Adapter, error) {
	adapter, err := txshadow.New(txshadow.Config{Pool: pool, Secret: secret, WallCap: wallCap, MaxShadows: maxShadows})
	if err != nil {
		return nil, nil, err
	}
	s := &shop{db: adapter.Pool()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /up", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /{$}", answer(s.home))
	mux.HandleFunc("GET /products", answer(s.products))
	mux.HandleFunc("GET /products/{id}", answer(s.product))
	mux.HandleFunc("POST /orders", answer(s.order))
	mux.HandleFunc("GET /api/accounts", answer(s.list))
	mux.HandleFunc("POST /api/accounts", answer(s.create))
	mux.HandleFunc("POST /api/accounts/search", answer(s.search))
	mux.HandleFunc("GET /api/accounts/{id}", answer(s.show))
	mux.HandleFunc("PATCH /api/accounts/{id}", answer(s.update))
	mux.HandleFunc("GET /api/accounts/{id}/profile", answer(s.profile))
	mux.HandleFunc("GET /api/accounts/{id}/statement", answer(s.statement))
	mux.HandleFunc("GET /api/accounts/{id}/activity", answer(s.activity))
	mux.HandleFunc("POST /api/accounts/{id}/deposits", answer(s.deposit))
	return adapter.Middleware(mux), adapter, nil
}

// problem is an answer that is not the one hoped for.
type problem struct {
	status int
	text   string
}

func (p problem) Error() string { return p.text }

var notFound = problem{http.StatusNotFound, "not found"}

// answer turns a handler that returns an error into an http one.
func answer(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		var p problem
		switch {
		case err == nil:
		case errors.Is(err, pgx.ErrNoRows):
			writeJSON(w, notFound.status, map[string]any{"error": notFound.text})
		case errors.As(err, &p):
			writeJSON(w, p.status, map[string]any{"error": p.text})
		default:
			writeJSON(w, http.StatusInternalServerError, map[string]any{"error": err.Error()})
		}
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

func readJSON(r *http.Request, v any) error {
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<16)).Decode(v); err != nil {
		return problem{http.StatusBadRequest, "the body is not JSON of the right shape"}
	}
	return nil
}

func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, notFound
	}
	return id, nil
}

// money shows cents as a decimal number.
func money(cents int64) json.Number {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return json.Number(fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100))
}
