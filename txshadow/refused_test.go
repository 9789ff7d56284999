package txshadow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

// writer counts how often it was reached, and writes.
func writer(reached *int) func(*service, http.ResponseWriter, *http.Request) {
	return func(s *service, w http.ResponseWriter, r *http.Request) {
		*reached++
		must(s.db.Exec(r.Context(), insert))
	}
}

// What does not verify is refused and not executed.
func TestUnverifiableIsNeverExecuted(t *testing.T) {
	reached := 0
	s := serve(t, writer(&reached))
	other := codec(t, "another secret of sixteen bytes", time.Now().Unix())
	late := codec(t, secret, time.Now().Add(-2*time.Minute).Unix())
	for name, spoil := range map[string]func(*http.Request){
		"another secret": func(r *http.Request) {
			other.MarkShadow(r.Header, "id", txshadow.ModeRollback, 0, "POST", "/x", []byte("body"))
		},
		"too old": func(r *http.Request) {
			late.MarkShadow(r.Header, "id", txshadow.ModeRollback, 0, "POST", "/x", []byte("body"))
		},
		"another body": func(r *http.Request) {
			s.codec.MarkShadow(r.Header, "id", txshadow.ModeRollback, 0, "POST", "/x", []byte("bodY"))
		},
		"another path": func(r *http.Request) {
			s.codec.MarkShadow(r.Header, "id", txshadow.ModeRollback, 0, "POST", "/y", []byte("body"))
		},
		"hello elsewhere": func(r *http.Request) {
			s.codec.MarkShadow(r.Header, "id", txshadow.ModeHello, 0, "POST", "/x", []byte("body"))
		},
		"twice":   func(r *http.Request) { r.Header.Add("Quack-Shadow", r.Header.Get("Quack-Shadow")) },
		"empty":   func(r *http.Request) { r.Header.Set("Quack-Shadow", "") },
		"garbage": func(r *http.Request) { r.Header.Set("Quack-Shadow", "v1;;=") },
	} {
		t.Run(name, func(t *testing.T) {
			r := s.marked(txshadow.ModeRollback, 0, "POST", "/x", "body")
			spoil(r)
			out := s.do(r)
			if out.status != http.StatusForbidden || out.err == nil || strings.Contains(out.body+s.logs.String(), secret) {
				t.Errorf("%+v\n%s", out, s.logs)
			}
		})
	}
	if n := s.rows(); reached != 0 || n != 0 {
		t.Errorf("the handler was reached %d times, %d rows were written", reached, n)
	}
}

// A replayed request is rolled back once more, and no more than that.
func TestAReplayRollsBackAgain(t *testing.T) {
	reached := 0
	s := serve(t, writer(&reached))
	first := s.marked(txshadow.ModeRollback, 0, "POST", "/x", "")
	again := first.Clone(context.Background())
	for _, r := range []*http.Request{first, again} {
		if out := s.do(r); out.err != nil {
			t.Errorf("%+v", out)
		}
	}
	if n := s.rows(); reached != 2 || n != 0 {
		t.Errorf("reached %d times, %d rows", reached, n)
	}
}

// A write that a shadow has caused is refused, with the marks that Transport
// sends on.
func TestNestedWritesAreRefused(t *testing.T) {
	var s *service
	var statuses []int
	var seen []string
	s = serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		seen = append(seen, fmt.Sprint(r.Method, r.URL.Path, txshadow.RequestID(ctx), txshadow.Active(ctx), txshadow.Now(ctx).Nanosecond()))
		if r.URL.Path != "/outer" {
			return
		}
		client := http.Client{Transport: txshadow.Transport(nil)}
		for _, method := range []string{"POST", "GET"} {
			req := must(http.NewRequestWithContext(ctx, method, s.url+"/inner", nil))
			req.Header.Set("Baggage", "mine=1")
			resp := must(client.Do(req))
			resp.Body.Close()
			statuses = append(statuses, resp.StatusCode)
		}
	})
	r := s.marked(txshadow.ModeRollback, 0, "POST", "/outer", "")
	at := time.Date(2026, 11, 23, 7, 0, 0, 123456789, time.UTC)
	s.codec.MarkContext(r.Header, "request-1", "shadow", at, false)
	s.do(r)
	if fmt.Sprint(statuses) != "[409 200]" {
		t.Errorf("statuses %v", statuses)
	}
	want := "[POST/outerrequest-1true 123456789 GET/innerrequest-1false 123456789]"
	if got := fmt.Sprint(seen); got != want {
		t.Errorf("seen %s, want %s", got, want)
	}
	// A mark that something between has stripped of its Quack-Shadow.
	stripped := s.marked(txshadow.ModeRollback, 0, "POST", "/inner", "")
	stripped.Header.Del("Quack-Shadow")
	if out := s.do(stripped); out.status != http.StatusConflict {
		t.Errorf("without its Quack-Shadow: %+v", out)
	}
}

// A service with two databases: what reaches the second one's pool is refused,
// not run live, and so is a second adapter around the same handler.
func TestOneAdapterPerRequest(t *testing.T) {
	var outer *service
	var got []error
	reached := 0
	inner := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) { reached++ }, ownDatabase)
	outer = serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		_, err := inner.db.Exec(r.Context(), insert)
		got = append(got, err, inner.db.QueryRow(r.Context(), "SELECT 1").Scan(new(int)))
		_, err = inner.db.Begin(r.Context())
		got = append(got, err)
		_, err = inner.db.Acquire(r.Context())
		got = append(got, err)
		inner.adapter.Middleware(http.NotFoundHandler()).ServeHTTP(w, r)
	})
	if out := outer.shadow("/"); out.ack.Reason != "unsupported:two-adapters" || out.status != http.StatusNotImplemented {
		t.Errorf("%+v", out)
	}
	for i, err := range got {
		var refused *txshadow.RefusedError
		if !errors.As(err, &refused) {
			t.Errorf("error %d: %v", i, err)
		}
	}
	if n := inner.rows(); n != 0 || reached != 0 {
		t.Errorf("%d rows, reached %d times", n, reached)
	}
}

func TestTransportPassesWhatIsNotMarked(t *testing.T) {
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer server.Close()
	client := http.Client{Transport: txshadow.Transport(http.DefaultTransport)}
	resp := must(client.Get(server.URL))
	resp.Body.Close()
	if got.Get("Baggage") != "" || got.Get("Quack-Context") != "" {
		t.Errorf("%v", got)
	}
}

func TestWhatARequestKnows(t *testing.T) {
	var ctx context.Context
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) { ctx = r.Context() })
	ask := func(mark func(http.Header)) {
		r := must(http.NewRequest("POST", s.url, nil))
		mark(r.Header)
		s.do(r)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	ask(func(h http.Header) { s.codec.MarkContext(h, "one", "live", at, true) })
	if !txshadow.ReadOnly(ctx) || !txshadow.Now(ctx).Equal(at) || txshadow.RequestID(ctx) != "one" || txshadow.Active(ctx) {
		t.Error("a live request through a closed gate")
	}
	ask(func(h http.Header) { h.Set("Quack-Read-Only", "1"); h.Set("Quack-Request-Id", "two") })
	if !txshadow.ReadOnly(ctx) || txshadow.RequestID(ctx) != "two" || time.Since(txshadow.Now(ctx)) > time.Minute {
		t.Error("a request of a route that Quack does not name")
	}
	ask(func(h http.Header) {
		s.codec.MarkContext(h, "three", "live", at, true)
		h.Set("Quack-Context", strings.Replace(h.Get("Quack-Context"), "role=live", "role=shadow", 1))
		h.Del("Quack-Read-Only")
	})
	if txshadow.ReadOnly(ctx) || txshadow.Now(ctx).Equal(at) {
		t.Error("a context that does not verify was believed")
	}
	ask(func(http.Header) {})
	if txshadow.ReadOnly(ctx) || txshadow.Active(ctx) || txshadow.RequestID(ctx) != "" || time.Since(txshadow.Now(ctx)) > time.Minute {
		t.Error("a request without marks")
	}
}

func TestHello(t *testing.T) {
	hello := func(s *service) reply { return s.do(s.marked(txshadow.ModeHello, 0, "GET", txshadow.HelloPath, "")) }
	reached := 0
	t.Run("ready", func(t *testing.T) {
		s := serve(t, writer(&reached))
		out := hello(s)
		if out.status != http.StatusNoContent || out.err != nil || out.ack.Outcome != txshadow.Ready || out.ack.Reason != txshadow.ReasonPrepare {
			t.Errorf("%+v\n%s", out, s.logs)
		}
		plain := must(http.NewRequest("GET", s.url+txshadow.HelloPath, nil))
		if out := s.do(plain); out.status != http.StatusNotFound {
			t.Errorf("unmarked: %+v", out)
		}
		plain.Header.Set("Quack-Shadow", "v1")
		if out := s.do(plain); out.status != http.StatusForbidden {
			t.Errorf("unverified: %+v", out)
		}
		if out := s.do(s.marked(txshadow.ModeRollback, 0, "POST", txshadow.HelloPath, "")); out.status != http.StatusForbidden {
			t.Errorf("a shadow of hello: %+v", out)
		}
	})
	t.Run("the fuse comes and goes", func(t *testing.T) {
		s := serve(t, writer(&reached), withoutFuse)
		wantNotReady(t, hello(s), "quack txshadow install")
		if out := s.do(s.marked(txshadow.ModeRollback, 0, "POST", "/", "")); out.ack.Reason != "unsupported:arm" || reached != 0 {
			t.Errorf("a shadow without a fuse: %+v", out)
		}
		s.live(txshadow.InstallSQL())
		s.live(txshadow.InstallSQL()) // may be run again
		s.adapter.ForgetProof(false)
		if out := hello(s); out.err != nil {
			t.Errorf("installed: %+v", out)
		}
		for _, spoil := range []string{"ALTER TABLE txshadow.fuse DISABLE TRIGGER ALL", "ALTER TABLE txshadow.fuse ENABLE TRIGGER ALL", "DROP TRIGGER fuse ON txshadow.fuse"} {
			s.live(spoil)
			s.adapter.ForgetProof(false)
			wantNotReady(t, hello(s), "missing or switched off")
		}
		if out := s.do(s.marked(txshadow.ModeRollback, 0, "POST", "/", "")); out.ack.Reason != "unsupported:arm" || reached != 0 {
			t.Errorf("a shadow without a trigger: %+v", out)
		}
		s.live(txshadow.InstallSQL() + "CREATE OR REPLACE FUNCTION txshadow.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
		s.adapter.ForgetProof(true)
		wantNotReady(t, hello(s), "did not refuse a COMMIT")
		s.live(txshadow.UninstallSQL())
		s.adapter.ForgetProof(false)
		wantNotReady(t, hello(s), "quack txshadow install")
	})
	t.Run("without the belt", func(t *testing.T) {
		s := serve(t, writer(&reached), withLayers(txshadow.Layers{NoBelt: true}))
		wantNotReady(t, hello(s), "did not refuse to write after its transaction")
	})
	t.Run("behind a pooler", func(t *testing.T) {
		s := serve(t, writer(&reached), func(set *setup) { newRelay(t, set, true) })
		wantNotReady(t, hello(s), "Config.DirectDSN")
		if out := s.do(s.marked(txshadow.ModeRollback, 0, "POST", "/", "")); out.ack.Reason != "unsupported:arm" || reached != 0 {
			t.Errorf("a shadow behind a pooler: %+v", out)
		}
	})
	t.Run("by an honest relay", func(t *testing.T) {
		s := serve(t, writer(&reached), func(set *setup) { newRelay(t, set, false) })
		if out := hello(s); out.err != nil {
			t.Errorf("%+v\n%s", out, s.logs)
		}
	})
	t.Run("a hook that leaves a transaction open", func(t *testing.T) {
		s := serve(t, writer(&reached), withPool(func(c *pgxpool.Config) {
			c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
				_, err := conn.Exec(ctx, "BEGIN")
				return err
			}
		}))
		wantNotReady(t, hello(s), "AfterConnect")
	})
	if reached != 0 {
		t.Errorf("handlers were reached %d times", reached)
	}
}

func wantNotReady(t *testing.T, out reply, why string) {
	t.Helper()
	if out.status != http.StatusServiceUnavailable || out.err == nil || !strings.Contains(out.body, why) {
		t.Errorf("want not ready because of %q: %+v", why, out)
	}
}

// What another role has made is not built upon: it could change it later.
func TestAFuseOfAnotherRoleIsNotTaken(t *testing.T) {
	s := serve(t, sends, withoutFuse)
	name := pgx.Identifier{"maker of " + must(pgx.ParseConfig(s.dsn)).Database}.Sanitize()
	s.live("CREATE ROLE " + name)
	t.Cleanup(func() { run(t, s.dsn, "DROP OWNED BY "+name+" CASCADE; DROP ROLE "+name) })
	conn := must(pgx.Connect(t.Context(), s.dsn))
	defer conn.Close(t.Context())
	for _, sql := range []string{
		"CREATE SCHEMA txshadow AUTHORIZATION " + name,
		"CREATE SCHEMA txshadow; CREATE FUNCTION txshadow.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; ALTER FUNCTION txshadow.refuse() OWNER TO " + name,
	} {
		s.live(sql)
		if err := txshadow.Install(t.Context(), conn); err == nil || !strings.Contains(err.Error(), "belongs to another role") {
			t.Errorf("%s: %v", sql, err)
		}
		s.live(txshadow.UninstallSQL())
	}
	s.must(txshadow.Install(t.Context(), conn))
	s.must(txshadow.Install(t.Context(), conn))
}

// A role that owns nothing may arm the fuse once it has been granted to it,
// and can do nothing else with it.
func TestGrants(t *testing.T) {
	reached := 0
	s := serve(t, writer(&reached), withoutFuse, func(set *setup) {
		set.direct = func(dsn string) string {
			cfg := must(pgx.ParseConfig(dsn))
			role := fmt.Sprintf("role of %s", cfg.Database)
			conn := must(pgx.Connect(context.Background(), dsn))
			defer conn.Close(context.Background())
			must(conn.Exec(context.Background(), `CREATE ROLE "`+role+`" LOGIN PASSWORD 'p'; GRANT INSERT ON accounts, audit TO "`+role+`"; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "`+role+`"`))
			t.Cleanup(func() {
				conn := must(pgx.Connect(context.Background(), dsn))
				defer conn.Close(context.Background())
				must(conn.Exec(context.Background(), `DROP OWNED BY "`+role+`"; DROP ROLE "`+role+`"`))
			})
			return fmt.Sprintf("host=%s port=%d dbname=%s user='%s' password=p sslmode=disable", cfg.Host, cfg.Port, cfg.Database, role)
		}
	})
	name := `role of ` + must(pgx.ParseConfig(s.dsn)).Database
	s.live(txshadow.InstallSQL("postgres"))
	out := s.do(s.marked(txshadow.ModeHello, 0, "GET", txshadow.HelloPath, ""))
	wantNotReady(t, out, "--role")
	conn := must(pgx.Connect(t.Context(), s.dsn))
	defer conn.Close(t.Context())
	s.must(txshadow.Install(t.Context(), conn, name))
	s.adapter.ForgetProof(false)
	if out := s.do(s.marked(txshadow.ModeHello, 0, "GET", txshadow.HelloPath, "")); out.err != nil {
		t.Errorf("granted: %+v", out)
	}
	if out := s.shadow("/"); out.ack.Reason != "" || out.ack.Footprint.String() != `tables=("public.accounts";ins=1 "public.audit";ins=1)` {
		t.Errorf("%+v\n%s", out, s.logs)
	}
}
