package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/reports"
)

// notebook is a database with one table, and a handler that writes to it.
type notebook struct{ dsn string }

func newNotebook(t *testing.T) notebook {
	t.Helper()
	n := notebook{pgtest.NewDatabase(t)}
	n.exec(t, `CREATE TABLE notes (id bigserial PRIMARY KEY, body text, client text)`)
	return n
}

func (n notebook) exec(t *testing.T, sql string) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), n.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	if _, err := db.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// bodies are those of a client's notes, in the order in which they were made.
func (n notebook) bodies(t *testing.T, client string) string {
	t.Helper()
	db, err := pgx.Connect(t.Context(), n.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	var all string
	if err := db.QueryRow(t.Context(), `SELECT coalesce(string_agg(body, ' ' ORDER BY id), '') FROM notes WHERE client = $1`, client).Scan(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// executor is a pool, an adapter's or a plain one.
type executor interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func (n notebook) handler(db executor, then func(*http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var text string
		err := db.QueryRow(r.Context(), `INSERT INTO notes (body, client) VALUES ($1, $2) RETURNING body`, string(body), r.URL.Query().Get("client")).Scan(&text)
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		then(r)
		w.WriteHeader(201)
		fmt.Fprintf(w, "noted %s", text)
	}
}

// TestCloneKeepsWritesOnItsCopy: two databases, real Postgres. Each write is
// made once on each, in the client's order, and what a shadow's write causes at
// the live side, through Quack or past it, is refused there.
func TestCloneKeepsWritesOnItsCopy(t *testing.T) {
	t.Parallel()
	shop, copied := newNotebook(t), newNotebook(t)
	adapter := newAdapter(t, shop.dsn)
	legacy := httptest.NewServer(adapter.Middleware(shop.handler(adapter.Pool(), func(*http.Request) {})))
	t.Cleanup(legacy.Close)

	pool, err := pgxpool.New(t.Context(), copied.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	var quack string
	refused := make(chan int, 100)
	newer := httptest.NewServer(copied.handler(pool, func(r *http.Request) {
		for _, base := range []string{legacy.URL, quack} {
			nested, err := http.NewRequest("POST", base+"/notes?client=nested", strings.NewReader("nested"))
			if err != nil {
				t.Error(err)
				return
			}
			nested.Header["Baggage"] = r.Header["Baggage"] // as tracing libraries do
			res, err := http.DefaultClient.Do(nested)
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
			refused <- res.StatusCode
		}
	}))
	t.Cleanup(newer.Close)

	q := start(t, fmt.Sprintf(`version: 1
backends:
  monolith: {urls: [%s], rollback: header, database: shop}
  accounts: {urls: [%s], database: copy}
databases: {shop: {}, copy: {}}
defaults: {legacy: monolith, new: accounts, shadow: {order: clone}, sticky: "query:client"}
routes:
  - {name: note, match: POST /notes, stage: shadow}
`, legacy.URL, newer.URL))
	quack = q.url
	const each = 20
	want := ""
	for i := range each {
		for _, client := range []string{"ada", "bob"} {
			if status, text := q.ask("POST", "/notes?client="+client, fmt.Sprint(i)); status != 201 {
				t.Fatalf("%d %s", status, text)
			}
		}
		want = strings.TrimSpace(fmt.Sprint(want, " ", i))
	}
	r := q.until("note", "all compared", func(r reports.RouteReport) bool { return r.Compared == 2*each })
	if r.Matched != 2*each {
		t.Errorf("matched %d of %d: %+v", r.Matched, 2*each, q.differences())
	}
	for _, client := range []string{"ada", "bob"} {
		if live, kept := shop.bodies(t, client), copied.bodies(t, client); live != want || kept != want {
			t.Errorf("%s: live has %q and the copy %q, want %q in both", client, live, kept, want)
		}
	}
	for range 4 * each {
		if status := <-refused; status != 409 {
			t.Errorf("a write that a shadow caused was answered with %d", status)
		}
	}
	if text := shop.bodies(t, "nested") + copied.bodies(t, "nested"); text != "" {
		t.Errorf("writes that shadows caused were made: %q", text)
	}
}
