package txshadow_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
)

// What may write with the context of no request is live. It is seen, said
// once for each place, and the shadow is not compared.
func TestAnotherContextIsNoticed(t *testing.T) {
	for _, c := range []struct {
		name    string
		run     func(ctx context.Context, db *txshadow.Pool) error
		foreign bool
		rows    int // that stay
	}{
		{"exec", exec("INSERT INTO other.notes VALUES ('x')"), true, 1},
		{"query", func(ctx context.Context, db *txshadow.Pool) error {
			return db.QueryRow(ctx, "INSERT INTO other.notes VALUES ('x') RETURNING note").Scan(new(string))
		}, true, 1},
		{"transaction", func(ctx context.Context, db *txshadow.Pool) error {
			return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, "INSERT INTO other.notes VALUES ('x')")
				return err
			})
		}, true, 1},
		{"connection", func(ctx context.Context, db *txshadow.Pool) error {
			return db.AcquireFunc(ctx, func(*txshadow.Conn) error { return nil })
		}, true, 0},
		{"batch", func(ctx context.Context, db *txshadow.Pool) error {
			b := &pgx.Batch{}
			b.Queue("SELECT 1")
			b.Queue("INSERT INTO other.notes VALUES ('x')")
			return db.SendBatch(ctx, b).Close()
		}, true, 1},
		{"copy", func(ctx context.Context, db *txshadow.Pool) error {
			_, err := db.CopyFrom(ctx, pgx.Identifier{"other", "notes"}, []string{"note"}, pgx.CopyFromRows([][]any{{"x"}}))
			return err
		}, true, 1},
		{"function", exec("SELECT nextval('accounts_id_seq')"), true, 0},
		{"read", exec("SELECT count(*) FROM accounts"), false, 0},
		{"reading transaction", func(ctx context.Context, db *txshadow.Pool) error {
			return must(db.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})).Commit(ctx)
		}, false, 0},
		{"ping", func(ctx context.Context, db *txshadow.Pool) error { return db.Ping(ctx) }, false, 0},
	} {
		for _, strict := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				var got error
				s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
					got = c.run(context.Background(), s.db)
				}, withConfig(func(c *txshadow.Config) { c.Strict = strict }))
				s.must(exec("INSERT INTO other.notes VALUES ('between shadows')")(t.Context(), s.db)) // of no shadow's concern
				out, again := s.shadow("/"), s.shadow("/")
				want, calls, rows := "", int64(0), 1+2*c.rows
				if c.foreign {
					want, calls = "unsupported:foreign-context", 2
				}
				if c.foreign && strict {
					rows = 1
				}
				if out.ack.Reason != want || again.ack.Reason != want || s.adapter.ForeignCalls() != calls || s.rows() != rows {
					t.Errorf("strict %v: %q, %d calls, %d rows", strict, out.ack.Reason, s.adapter.ForeignCalls(), s.rows())
				}
				if errors.Is(got, txshadow.ErrForeign) != (c.foreign && strict) || got != nil && !strict {
					t.Errorf("strict %v: %v", strict, got)
				}
				if n := strings.Count(s.logs.String(), "context of no request"); (n == 1) != c.foreign || c.foreign && !strings.Contains(s.logs.String(), "_test.go:") {
					t.Errorf("strict %v: %s", strict, s.logs)
				}
			})
		}
	}
}

// Ordinary requests write while a shadow runs, and both are as they should be.
func TestOrdinaryRequestsAreNotForeign(t *testing.T) {
	var s *service
	s = serve(t, func(_ *service, w http.ResponseWriter, r *http.Request) {
		if txshadow.Active(r.Context()) {
			resp := must(http.Post(s.url+"/", "", nil))
			resp.Body.Close()
			return
		}
		must(s.db.Exec(r.Context(), "INSERT INTO other.notes VALUES ('x')"))
	}, withConfig(func(c *txshadow.Config) { c.Strict = true }))
	if out := s.shadow("/"); out.ack.Reason != "" || s.rows() != 1 || s.adapter.ForeignCalls() != 0 {
		t.Errorf("%+v, %d rows", out, s.rows())
	}
}

// A handler that calls another one in its process stays in its shadow.
func TestARequestInsideAShadowIsOfTheShadow(t *testing.T) {
	var s *service
	s = serve(t, func(_ *service, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/inner" {
			must(s.db.Exec(r.Context(), "INSERT INTO other.notes VALUES ('x')"))
			return
		}
		inner := httptest.NewRequestWithContext(r.Context(), "POST", "/inner", nil)
		inner.Header.Set("Quack-Request-Id", "inner")
		s.adapter.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			must(s.db.Exec(r.Context(), "INSERT INTO other.notes VALUES ('x')"))
		})).ServeHTTP(w, inner)
	})
	if out := s.shadow("/"); out.ack.Reason != "" || s.rows() != 0 || out.ack.Footprint.String() != `tables=("other.notes";ins=1)` {
		t.Errorf("%+v, %d rows", out, s.rows())
	}
}

// The mark of a shadow may stand in any line of the baggage.
func TestTheMarkIsFoundInAnyLine(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) { s.db.Exec(r.Context(), insert) })
	mark := s.marked(txshadow.ModeRollback, 0, "POST", "/", "").Header.Get("Baggage")
	for _, lines := range [][]string{{"", mark}, {"a=b", mark}, {mark, ""}} {
		r := must(http.NewRequest("POST", s.url+"/", nil))
		r.Header["Baggage"] = lines
		if out := s.do(r); out.status != http.StatusConflict || s.rows() != 0 {
			t.Errorf("%q: %d, %d rows", lines, out.status, s.rows())
		}
	}
}

// A query of a request that has not passed Middleware shows that something
// stands outside of it, which is live in a shadow: none is run from then on.
func TestAQueryBeforeTheMiddleware(t *testing.T) {
	for _, c := range []struct{ name, sql, says string }{
		{"reads", "SELECT 1", "unsupported:query-before"},
		{"writes", "INSERT INTO other.notes VALUES ('x')", ""}, // it may have been the shadow's
	} {
		t.Run(c.name, func(t *testing.T) {
			ran := false
			s := serve(t, func(_ *service, w http.ResponseWriter, r *http.Request) { ran = txshadow.Active(r.Context()) })
			inner := s.adapter.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ran = true }))
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				must(s.db.Exec(r.Context(), c.sql))
				inner.ServeHTTP(w, r)
			}))
			t.Cleanup(server.Close)
			if out := s.shadow("/"); out.ack.Reason != "" || !ran {
				t.Fatalf("where nothing stands outside: %+v", out)
			}
			ran, s.url = false, server.URL
			out := s.do(s.marked(txshadow.ModeRollback, 5*time.Second, "POST", "/", ""))
			if ran || out.ack.Reason != c.says || (out.err != nil) != (c.says == "") {
				t.Errorf("run %v, %+v", ran, out)
			}
			if hello := s.do(s.marked(txshadow.ModeHello, 0, "GET", txshadow.HelloPath, "")); hello.status != http.StatusServiceUnavailable || !strings.Contains(hello.body, "_test.go:") {
				t.Errorf("hello: %+v", hello)
			}
		})
	}
}
