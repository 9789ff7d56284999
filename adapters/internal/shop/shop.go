package shop

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/quackproxy/quack/txshadow"
)

// Database is what the shop asks of a library, each in that library's idiom.
// Contexts are those of requests. Errors are the driver's own, with their
// SQLSTATE.
type Database interface {
	// Exec, Row, Item and Names send one statement outside of any transaction.
	Exec(ctx context.Context, sql string, args ...any) error
	Row(ctx context.Context, sql string, args ...any) Row
	Item(ctx context.Context, sql string, args ...any) (Item, error) // sql.ErrNoRows for none
	Names(ctx context.Context, sql string, args ...any) ([]string, error)

	// Transfer sends AddTo and then TakeFrom in one transaction.
	Transfer(ctx context.Context, from, to string, qty int) error
	// Nested inserts the item inner in a transaction within that of outer, and
	// rolls the inner one back.
	Nested(ctx context.Context, outer, inner string) error
	// Deferred inserts a child of parent in a transaction.
	Deferred(ctx context.Context, parent int) error
	// Isolated inserts an item in a transaction of that level, "" for the usual.
	Isolated(ctx context.Context, level, name string) error

	// Send sends statements as they are on one connection, and tells the error
	// of each, nil for none.
	Send(ctx context.Context, p Protocol, statements []string) ([]error, error)
	// Beside inserts an item on one of two connections that it has at once, and
	// says whether the other one sees it.
	Beside(ctx context.Context, name string) (seen bool, err error)
	// Apart inserts an item in each of two transactions that are open at once.
	Apart(ctx context.Context, a, b string) error
}

// Row is one row, or an error.
type Row interface{ Scan(dest ...any) error }

// Item is a row of items.
type Item struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
	Qty  int    `json:"qty"`
}

// Statements that a [Database] sends for more than one of its functions.
const (
	InsertItem  = "INSERT INTO items (name) VALUES ($1) RETURNING id, name, qty"
	InsertChild = "INSERT INTO children (parent_id) VALUES ($1)"
	AddTo       = "UPDATE items SET qty = qty + $1 WHERE name = $2"
	TakeFrom    = "UPDATE items SET qty = qty - $1 WHERE name = $2"
	HasItem     = "SELECT EXISTS (SELECT FROM items WHERE name = $1)"
)

// shop is what is served.
type shop struct {
	db        Database
	mailhost  *mailhost
	third     *http.Client // for calls to a third party
	effectURL string

	jobs, callbacks atomic.Int64 // that have really run
}

func newShop(db Database, mail *mailhost) *shop {
	return &shop{
		db: db, mailhost: mail, effectURL: os.Getenv("EFFECT_URL"),
		third: &http.Client{Transport: txshadow.RecordTransport(nil, txshadow.Answer(http.StatusNoContent, nil, ""))},
	}
}

func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(*http.Request) (int, any, error){
		"GET /up": s.up, "GET /active": s.active,
		"GET /items/{id}": s.show, "GET /count": s.count, "GET /write": s.write, "GET /effects": s.ran,
		"POST /items": s.create, "POST /transfer": s.transfer, "POST /nested": s.nested, "POST /two": s.two,
		"POST /sql": s.sql, "POST /deferred": s.deferred, "POST /effects": s.effects, "POST /slow": s.slow,
		"POST /durable": s.durable, "POST /isolation": s.isolation, "POST /beside": s.beside, "POST /apart": s.apart,
	} {
		mux.HandleFunc(pattern, Answering(h))
	}
	mux.HandleFunc("POST /stream", s.stream)
	return mux
}

func (s *shop) up(*http.Request) (int, any, error) { return http.StatusOK, Object{}, nil }

func (s *shop) active(r *http.Request) (int, any, error) {
	return http.StatusOK, Object{"active": txshadow.Active(r.Context())}, nil
}

func (s *shop) show(r *http.Request) (int, any, error) {
	it, err := s.db.Item(r.Context(), "SELECT id, name, qty FROM items WHERE id::text = $1", r.PathValue("id"))
	if errors.Is(err, sql.ErrNoRows) {
		return http.StatusNotFound, Object{"error": "not found"}, nil
	}
	return http.StatusOK, it, err
}

func (s *shop) count(r *http.Request) (int, any, error) {
	var items, audits, children int
	err := s.db.Row(r.Context(), "SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM audits), (SELECT count(*) FROM children)").
		Scan(&items, &audits, &children)
	return http.StatusOK, Object{"items": items, "audits": audits, "children": children}, err
}

// Named is the body of a request for an item.
type Named struct{ Name string }

func (s *shop) create(r *http.Request) (int, any, error) {
	in, err := Read[Named](r)
	if err != nil {
		return 0, nil, err
	}
	return s.created(r, http.StatusCreated, in.Name)
}

func (s *shop) write(r *http.Request) (int, any, error) {
	return s.created(r, http.StatusOK, "written")
}

// created inserts an item and says what to answer.
func (s *shop) created(r *http.Request, status int, name string) (int, any, error) {
	it, err := s.db.Item(r.Context(), InsertItem, name)
	if stateOf(err) == uniqueViolation {
		return http.StatusConflict, Object{"error": "taken"}, nil
	}
	return status, it, err
}
