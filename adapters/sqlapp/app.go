package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/quackproxy/quack/txshadow"
)

// app is a small shop.
type app struct {
	db        *sql.DB
	mailhost  *mailhost
	third     *http.Client // for calls to a third party
	effectURL string

	jobs, callbacks atomic.Int64 // that have really run
}

func newApp(db *sql.DB, mailhost *mailhost, effectURL string) *app {
	return &app{
		db: db, mailhost: mailhost, effectURL: effectURL,
		third: &http.Client{Transport: txshadow.RecordTransport(nil, txshadow.Answer(http.StatusNoContent, nil, ""))},
	}
}

type object = map[string]any

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /up", func(w http.ResponseWriter, r *http.Request) { reply(w, http.StatusOK, object{}) })
	mux.HandleFunc("GET /active", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusOK, object{"active": txshadow.Active(r.Context())})
	})
	for pattern, h := range map[string]func(*http.Request) (int, any, error){
		"GET /items/{id}": a.show, "GET /count": a.count, "GET /write": a.write, "GET /effects": a.ran,
		"POST /items": a.create, "POST /transfer": a.transfer, "POST /nested": a.nested, "POST /two": a.two,
		"POST /sql": a.sql, "POST /deferred": a.deferred, "POST /effects": a.effects, "POST /slow": a.slow,
		"POST /durable": a.durable, "POST /isolation": a.isolation, "POST /beside": a.beside, "POST /apart": a.apart,
	} {
		mux.HandleFunc(pattern, answering(h))
	}
	mux.HandleFunc("POST /stream", a.stream)
	return mux
}

// answering makes a handler of a function that says what to answer.
func answering(f func(*http.Request) (int, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, v, err := f(r)
		if err != nil {
			status, v = http.StatusInternalServerError, object{"error": err.Error()}
		}
		reply(w, status, v)
	}
}

// read is the request's body.
func read[T any](r *http.Request) (v T, err error) {
	err = json.NewDecoder(r.Body).Decode(&v)
	return v, err
}

// SQLSTATEs that the app answers to.
const (
	uniqueViolation = "23505"
	checkViolation  = "23514"
	noParent        = "23503"
)

// stateOf is the SQLSTATE of an error of either driver.
func stateOf(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

// item is a row of items.
type item struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
	Qty  int    `json:"qty"`
}

type named struct{ Name string }

const insertItem = "INSERT INTO items (name) VALUES ($1) RETURNING id, name, qty"

func (a *app) one(ctx context.Context, query string, args ...any) (it item, err error) {
	err = a.db.QueryRowContext(ctx, query, args...).Scan(&it.ID, &it.Name, &it.Qty)
	return it, err
}

func (a *app) show(r *http.Request) (int, any, error) {
	it, err := a.one(r.Context(), "SELECT id, name, qty FROM items WHERE id::text = $1", r.PathValue("id"))
	if errors.Is(err, sql.ErrNoRows) {
		return http.StatusNotFound, object{"error": "not found"}, nil
	}
	return http.StatusOK, it, err
}

func (a *app) count(r *http.Request) (int, any, error) {
	var items, audits, children int
	err := a.db.QueryRowContext(r.Context(), "SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM audits), (SELECT count(*) FROM children)").
		Scan(&items, &audits, &children)
	return http.StatusOK, object{"items": items, "audits": audits, "children": children}, err
}

// createdItem inserts an item and says what to answer.
func (a *app) createdItem(r *http.Request, status int, name string) (int, any, error) {
	it, err := a.one(r.Context(), insertItem, name)
	if stateOf(err) == uniqueViolation {
		return http.StatusConflict, object{"error": "taken"}, nil
	}
	return status, it, err
}

func (a *app) create(r *http.Request) (int, any, error) {
	in, err := read[named](r)
	if err != nil {
		return 0, nil, err
	}
	return a.createdItem(r, http.StatusCreated, in.Name)
}

func (a *app) write(r *http.Request) (int, any, error) {
	return a.createdItem(r, http.StatusOK, "written")
}
