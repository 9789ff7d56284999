// Package accounts is the demo's new service: the shop's accounts, written
// anew and not quite the same.
//
// It shares the shop's database, as a service does that is being taken out of
// a monolith. All that it knows of Quack is in [New]. Where it differs from
// the shop is listed in demo/README.md; it says so at those places too.
package accounts

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

// database is what the service needs of its pool.
type database interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Begin(ctx context.Context) (pgx.Tx, error)
}

// A demo has to find the same on a busy machine: these are above txshadow's
// defaults of 500ms and 4.
const (
	wallCap    = 2 * time.Second // a shadow's transaction stays open no longer
	maxShadows = 8               // writing at once; the demo has six clients
)

// New makes the service over pool. secret is QUACK_SHADOW_SECRET.
func New(pool *pgxpool.Pool, secret string) (http.Handler, *txshadow.Adapter, error) {
	adapter, err := txshadow.New(txshadow.Config{Pool: pool, Secret: secret, WallCap: wallCap, MaxShadows: maxShadows})
	if err != nil {
		return nil, nil, err
	}
	s := &service{accounts: store{adapter.Pool()}}
	r := chi.NewRouter()
	r.Get("/up", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	r.Get("/api/accounts", handle(s.list))
	r.Post("/api/accounts", handle(s.create))
	r.Post("/api/accounts/search", handle(s.search))
	r.Get("/api/accounts/{id}", handle(s.show))
	r.Patch("/api/accounts/{id}", handle(s.update))
	r.Get("/api/accounts/{id}/profile", handle(s.profile))
	r.Get("/api/accounts/{id}/statement", handle(s.statement))
	r.Get("/api/accounts/{id}/activity", handle(s.activity))
	r.Post("/api/accounts/{id}/deposits", handle(s.deposit))
	return adapter.Middleware(r), adapter, nil
}

type service struct{ accounts store }

// reply is an answer: Body is written as JSON.
type reply struct {
	Status   int
	Location string
	Body     any
}

func ok(body any) (reply, error) { return reply{Status: http.StatusOK, Body: body}, nil }

// failure is the body of an answer that is not the one hoped for.
type failure struct {
	status int
	Text   string `json:"error"`
}

func (f failure) Error() string { return f.Text }

var errNotFound = failure{http.StatusNotFound, "not found"}

// handle makes an http handler of one that returns its answer.
func handle(h func(*http.Request) (reply, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := h(r)
		var f failure
		switch {
		case err == nil:
		case errors.Is(err, pgx.ErrNoRows):
			a = reply{Status: errNotFound.status, Body: errNotFound}
		case errors.As(err, &f):
			a = reply{Status: f.status, Body: f}
		default:
			a = reply{Status: http.StatusInternalServerError, Body: failure{Text: err.Error()}}
		}
		a.write(w)
	}
}

func (a reply) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	if a.Location != "" {
		w.Header().Set("Location", a.Location)
	}
	w.WriteHeader(a.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(a.Body)
}

// id is the id in the path.
func id(r *http.Request) (int64, error) {
	n, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		return 0, errNotFound
	}
	return n, nil
}

func decode[T any](r *http.Request) (T, error) {
	var v T
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<16)).Decode(&v); err != nil {
		return v, failure{http.StatusBadRequest, "the body is not JSON of the right shape"}
	}
	return v, nil
}

// account is an account as it is answered.
type account struct {
	ID      int64     `json:"id"`
	Email   string    `json:"email"`
	Name    string    `json:"name"`
	Tags    []string  `json:"tags"`
	Version int       `json:"version"`
	Created time.Time `json:"created_at"`
	Updated time.Time `json:"updated_at"`
}

// item is an account in a list.
type item struct {
	ID    int64  `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name"`
}

type page struct {
	Items []item `json:"items"`
}

func (s *service) list(r *http.Request) (reply, error) {
	after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		after = 0
	}
	items, err := s.accounts.after(r.Context(), after)
	if err != nil {
		return reply{}, err
	}
	return ok(page{items})
}

func (s *service) search(r *http.Request) (reply, error) {
	q, err := decode[struct {
		Q string `json:"q"`
	}](r)
	if err != nil {
		return reply{}, err
	}
	items, err := s.accounts.named(r.Context(), q.Q)
	if err != nil {
		return reply{}, err
	}
	return ok(page{items})
}

func (s *service) show(r *http.Request) (reply, error) {
	n, err := id(r)
	if err != nil {
		return reply{}, err
	}
	a, err := s.accounts.one(r.Context(), n)
	if err != nil {
		return reply{}, err
	}
	return ok(a)
}

// profile leaves the nickname out when there is none, where the shop answers null.
func (s *service) profile(r *http.Request) (reply, error) {
	n, err := id(r)
	if err != nil {
		return reply{}, err
	}
	p, err := s.accounts.profile(r.Context(), n)
	if err != nil {
		return reply{}, err
	}
	return ok(p)
}
