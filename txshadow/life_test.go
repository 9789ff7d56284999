package txshadow_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
)

// shadows is how many sessions of shadows the server has.
func (s *service) shadows() int {
	return ask[int](s, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%quack-shadow'")
}

func TestAtTheBudgetTheServerRollsBackFirst(t *testing.T) {
	for name, slow := range map[string]func(ctx context.Context, s *service, release <-chan struct{}){
		"in a statement":     func(ctx context.Context, s *service, _ <-chan struct{}) { s.db.Exec(ctx, "SELECT pg_sleep(60)") },
		"between statements": func(_ context.Context, _ *service, release <-chan struct{}) { <-release },
		"deaf to its context": func(_ context.Context, s *service, _ <-chan struct{}) {
			s.db.Exec(context.WithoutCancel(t.Context()), "SELECT pg_sleep(0.5)")
		},
		"in a source of CopyFrom": func(ctx context.Context, s *service, release <-chan struct{}) {
			s.db.CopyFrom(ctx, pgx.Identifier{"accounts"}, []string{"email"}, pgx.CopyFromFunc(func() ([]any, error) {
				<-release
				return nil, nil
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			returned := make(chan error, 1)
			s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
				s.db.Exec(r.Context(), insert)
				slow(r.Context(), s, release)
				_, err := s.db.Exec(context.WithoutCancel(r.Context()), insert)
				returned <- err
			})
			s.shadowHello()
			const budget = 150 * time.Millisecond
			out := s.do(s.marked(txshadow.ModeRollback, budget, "POST", "/", ""))
			open := ask[int](s, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'")
			close(release)
			if out.err != nil || out.ack.Reason != "budget" || out.ack.Footprint != nil {
				t.Errorf("%+v\n%s", out, s.logs)
			}
			if open != 0 {
				t.Errorf("acknowledged while %d transactions were open", open)
			}
			if err := <-returned; !errors.Is(err, txshadow.ErrOver) {
				t.Errorf("a statement after the end gave %v", err)
			}
			if n := s.rows(); n != 0 {
				t.Errorf("%d rows persisted", n)
			}
		})
	}
}

// shadowHello makes the first session, so that connecting is not in a
// shadow's time.
func (s *service) shadowHello() {
	s.t.Helper()
	if out := s.do(s.marked(txshadow.ModeHello, 0, "GET", txshadow.HelloPath, "")); out.err != nil || out.ack.Outcome != txshadow.Ready {
		s.t.Fatalf("hello: %+v\n%s", out, s.logs)
	}
	s.until("a spare session", func() bool { return s.shadows() == 1 })
}

func TestTheCapOfTheServiceHolds(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		withConfig(func(c *txshadow.Config) { c.WallCap = time.Second }))
	s.shadowHello()
	for _, budget := range []time.Duration{0, time.Minute} {
		out := s.do(s.marked(txshadow.ModeRollback, budget, "POST", "/", ""))
		if out.ack.Reason != "budget" {
			t.Errorf("budget %v: %+v", budget, out)
		}
		if told := strings.Contains(s.logs.String(), "below the budget of its route"); told != (budget > 0) {
			t.Errorf("budget %v: log %s", budget, s.logs)
		}
	}
}

// The server ends a shadow by itself when the service has stopped running.
func TestTheServerHasLimitsOfItsOwn(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		var statement, idle, lock string
		err := s.db.QueryRow(r.Context(), "SELECT current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'), current_setting('lock_timeout')").Scan(&statement, &idle, &lock)
		limit, err2 := time.ParseDuration(statement) // above what is left of the budget
		fmt.Fprint(w, limit > 100*time.Millisecond && limit <= 1150*time.Millisecond, statement == idle, lock, err, err2)
	})
	s.shadowHello()
	out := s.do(s.marked(txshadow.ModeRollback, time.Second, "POST", "/", ""))
	if out.body != "true true50ms<nil> <nil>" {
		t.Errorf("%+v", out)
	}
}

// A live UPDATE of a row that a shadow holds goes on when the shadow's cap is
// over, and does not wait for its budget. How long exactly is the soak's to say.
func TestLiveWaitsNoLongerThanTheCap(t *testing.T) {
	const limit = 1500 * time.Millisecond
	holds := make(chan struct{})
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		s.db.Exec(r.Context(), "UPDATE accounts SET n = n + 1 WHERE email = 'hot'")
		close(holds)
		<-r.Context().Done()
	}, withConfig(func(c *txshadow.Config) { c.WallCap = limit }))
	s.live("INSERT INTO accounts (email) VALUES ('hot')")
	var wg sync.WaitGroup
	wg.Go(func() { s.shadow("/") })
	select {
	case <-holds:
	case <-time.After(time.Minute):
		t.Fatal("the service was not asked")
	}
	start := time.Now()
	if _, err := s.pool.Exec(t.Context(), "UPDATE accounts SET n = n + 10 WHERE email = 'hot'"); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > limit+3*time.Second {
		t.Errorf("the live UPDATE took %v; the cap is %v", took, limit)
	}
	wg.Wait()
	if n := ask[int](s, "SELECT n FROM accounts WHERE email = 'hot'"); n != 10 {
		t.Errorf("n = %d", n)
	}
}

// A shadow that waits for a live row lock gives up, and says why.
func TestAShadowDoesNotWaitForLocks(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		_, err := s.db.Exec(r.Context(), "UPDATE accounts SET n = 1")
		_, after := s.db.Exec(r.Context(), insert)
		fmt.Fprint(w, err, after)
	})
	s.live("INSERT INTO accounts (email) VALUES ('hot')")
	tx, err := s.pool.Begin(t.Context())
	s.must(err)
	defer tx.Rollback(t.Context())
	_, err = tx.Exec(t.Context(), "UPDATE accounts SET n = 2")
	s.must(err)
	if out := s.shadow("/"); out.ack.Reason != "unsupported:lock-timeout" || !strings.Contains(out.body, "55P03") || !strings.HasSuffix(out.body, "<nil>") {
		t.Errorf("%+v", out)
	}
}

// A statement that the application gives up takes nothing else with it.
func TestAnApplicationMayGiveUpAStatement(t *testing.T) {
	var errs []error
	var took time.Duration
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 30*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, slow := s.db.Exec(ctx, "SELECT pg_sleep(60)")
		took = time.Since(start)
		_, late := s.db.Exec(ctx, insert)
		tx := must(s.db.Begin(r.Context()))
		must(tx.Exec(r.Context(), insert))
		errs = []error{slow, late, tx.Commit(ctx)} // by then the context has ended
		must(s.db.Exec(r.Context(), insert))
	})
	out := s.shadow("/")
	for i, err := range errs {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %d: %v", i, err)
		}
	}
	if out.ack.Reason != "" || took > 4*time.Second {
		t.Errorf("%+v, the statement took %v", out, took)
	}
	if got := out.ack.Footprint.String(); got != `tables=("public.accounts";ins=1 "public.audit";ins=1)` {
		t.Errorf("footprint %s", got)
	}
}

func TestPanicsAndTheirLike(t *testing.T) {
	for name, f := range map[string]func(http.ResponseWriter){
		"panic": func(http.ResponseWriter) { panic("planted") }, "abort": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"Goexit": func(http.ResponseWriter) { runtime.Goexit() }, "status": func(w http.ResponseWriter) { w.WriteHeader(42) },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
				s.db.Exec(r.Context(), insert)
				w.Header().Set("X-Half", "done")
				f(w)
			})
			out := s.shadow("/")
			if out.status != 500 || out.ack.Reason != "" || out.header.Get("X-Half") != "" || s.rows() != 0 {
				t.Errorf("%+v", out)
			}
			if strings.Contains(s.logs.String(), "planted") != (name == "panic") {
				t.Errorf("log: %s", s.logs)
			}
		})
	}
}

// What a handler leaves running can not reach the live database.
func TestAfterTheEnd(t *testing.T) {
	errs := make(chan error, 8)
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		ctx := context.WithoutCancel(r.Context())
		tx := must(s.db.Begin(ctx))
		conn := must(s.db.Acquire(ctx))
		over := context.AfterFunc(r.Context(), func() {
			_, err := s.db.Exec(ctx, insert)
			errs <- err
			errs <- s.db.QueryRow(ctx, "SELECT 1").Scan(new(int))
			_, err = s.db.Query(ctx, "SELECT 1")
			errs <- err
			_, err = s.db.Begin(ctx)
			errs <- err
			_, err = s.db.Acquire(ctx)
			errs <- err
			_, err = tx.Exec(ctx, insert)
			errs <- err
			_, err = conn.Exec(ctx, insert)
			errs <- err
			b := &pgx.Batch{}
			b.Queue(insert)
			errs <- s.db.SendBatch(ctx, b).Close()
		})
		_ = over
	})
	s.shadow("/")
	for range cap(errs) {
		if err := <-errs; !errors.Is(err, txshadow.ErrOver) {
			t.Errorf("got %v", err)
		}
	}
	if n := s.rows(); n != 0 {
		t.Errorf("%d rows persisted", n)
	}
}

// A context of its own is live, in a shadow too: that is how work that is not
// the request's reaches the database.
func TestOtherContextsAreLive(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		must(s.db.Exec(context.Background(), "INSERT INTO other.notes VALUES ('live')"))
		must(s.db.Exec(r.Context(), "INSERT INTO other.notes VALUES ('shadow')"))
	})
	s.shadow("/")
	if n := s.rows(); n != 1 {
		t.Errorf("%d rows, want the live one", n)
	}
}

func TestStatementsAreOneAtATime(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				must(s.db.Exec(r.Context(), insert))
				rows := must(s.db.Query(r.Context(), "SELECT id, email FROM accounts"))
				must(pgx.CollectRows(rows, pgx.RowToMap))
				if i%2 == 0 {
					s.db.Exec(r.Context(), "SELECT 1/0")
				}
			})
		}
		wg.Wait()
	})
	for range 3 {
		out := s.shadow("/")
		if got := out.ack.Footprint.String(); out.ack.Reason != "" || got != `tables=("public.accounts";ins=8 "public.audit";ins=8)` {
			t.Errorf("%+v %s", out, got)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	const most = 3
	in, release := make(chan struct{}, 100), make(chan struct{})
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		must(s.db.Exec(r.Context(), insert))
		in <- struct{}{}
		<-release
	}, withConfig(func(c *txshadow.Config) { c.MaxShadows = most }))
	var wg sync.WaitGroup
	for range most {
		wg.Go(func() {
			if out := s.shadow("/"); out.ack.Reason != "" {
				t.Errorf("%+v", out)
			}
		})
	}
	for range most {
		<-in
	}
	if out := s.shadow("/"); out.ack.Reason != "unsupported:busy" || out.status != http.StatusServiceUnavailable {
		t.Errorf("one too many: %+v", out)
	}
	if n := s.shadows(); n < most || n > most+1 {
		t.Errorf("%d sessions", n)
	}
	close(release)
	wg.Wait()
	s.until("one spare session is left", func() bool { return s.shadows() == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	s.must(s.adapter.Close(ctx))
	s.until("no session is left", func() bool { return s.shadows() == 0 })
	if out := s.shadow("/"); out.ack.Reason != "unsupported:closing" {
		t.Errorf("after Close: %+v", out)
	}
}

func TestCloseWaitsForHandlers(t *testing.T) {
	in, release := make(chan struct{}), make(chan struct{})
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) { close(in); <-release })
	var wg sync.WaitGroup
	wg.Go(func() { s.shadow("/") })
	<-in
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.adapter.Close(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close returned %v while a handler ran", err)
	}
	close(release)
	s.must(s.adapter.Close(t.Context()))
	wg.Wait()
}

// A watchdog, or an administrator, ends the session: nothing persists, and the
// end is confirmed by another session.
func TestASessionThatIsEnded(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		must(s.db.Exec(r.Context(), insert))
		s.live("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%quack-shadow' AND state LIKE 'idle in transaction%' AND datname = current_database()")
		_, err := s.db.Exec(r.Context(), insert)
		fmt.Fprint(w, err != nil)
	})
	out := s.shadow("/")
	if out.ack.Reason != "unsupported:session-lost" || out.body != "true" || s.rows() != 0 {
		t.Errorf("%+v", out)
	}
	// A spare that has been ended is replaced.
	s.until("a spare", func() bool { return s.shadows() == 1 })
	s.live("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%quack-shadow' AND datname = current_database()")
	s.until("no spare", func() bool { return s.shadows() == 0 })
	if out := s.do(s.marked(txshadow.ModeHello, 0, "GET", txshadow.HelloPath, "")); out.err != nil {
		t.Errorf("hello after the spare was ended: %+v", out)
	}
}

func TestAnswers(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/echo":
			body, err := io.ReadAll(r.Body)
			w.Header().Set("Quack-Shadow-Result", "forged")
			w.Header().Set("Quack-Footprint", "forged")
			w.Header().Add("Set-Cookie", "a=1")
			w.Header().Add("Set-Cookie", "b=2")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusTeapot)
			w.Header().Set("X-Late", "1")
			fmt.Fprint(w, string(body), err, r.ContentLength, txshadow.Active(r.Context()))
		case "/flush":
			rc := http.NewResponseController(w)
			fmt.Fprint(w, "a", rc.Flush())
			fmt.Fprint(w, "b")
		case "/hijack":
			_, _, err := http.NewResponseController(w).Hijack()
			fmt.Fprint(w, err != nil)
		case "/large":
			fmt.Fprint(w, strings.Repeat("x", 1000))
		case "/trailer":
			w.Header().Set("Trailer", "X-Sum")
			fmt.Fprint(w, "body")
			w.Header().Set("X-Sum", "42")
			w.Header().Set(http.TrailerPrefix+"X-More", "43")
		case "/nothing":
			w.WriteHeader(http.StatusNoContent)
		}
	}, withConfig(func(c *txshadow.Config) { c.MaxBody = 900 }))
	ask := func(path, body string) reply {
		return s.do(s.marked(txshadow.ModeRollback, 0, "PUT", path, body))
	}
	out := ask("/echo", "hello")
	if out.status != http.StatusTeapot || out.body != "hello<nil> 5 true" || len(out.header.Values("Set-Cookie")) != 2 || out.header.Get("X-Late") != "" {
		t.Errorf("echo: %+v", out)
	}
	if got := out.ack.Footprint; out.err != nil || got == nil || len(got) != 0 {
		t.Errorf("footprint of a request that wrote nothing: %v, %v", got, out.err)
	}
	if out := ask("/flush", ""); out.body != "a<nil>b" || out.ack.Reason != "" {
		t.Errorf("flush: %+v", out)
	}
	if out := ask("/hijack", ""); out.body != "true" || out.ack.Reason != "unsupported:hijack" {
		t.Errorf("hijack: %+v", out)
	}
	sum := sha256.Sum256([]byte(strings.Repeat("x", 1000)))
	if out := ask("/large", ""); out.body != "" || out.ack.Reason != "unsupported:answer-size" || out.header.Get("Repr-Digest") != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":" {
		t.Errorf("large: %+v", out)
	}
	if out := ask("/echo", strings.Repeat("x", 901)); out.ack.Reason != "unsupported:body-size" || out.err != nil {
		t.Errorf("large body: %+v", out)
	}
	if out := ask("/nothing", ""); out.status != http.StatusNoContent || out.err != nil {
		t.Errorf("nothing: %+v", out)
	}
	resp, err := http.DefaultClient.Do(s.marked(txshadow.ModeRollback, 0, "PUT", "/trailer", ""))
	s.must(err)
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); string(body) != "body" || err != nil || resp.Trailer.Get("X-Sum") != "42" || resp.Trailer.Get("X-More") != "43" {
		t.Errorf("trailers: %s, %v, %v", body, err, resp.Trailer)
	}
}

// The session dies, and there is no server to ask: it is not said that the
// shadow was rolled back, nor that it may have left something.
func TestWhatCanNotBeConfirmedIsNotAcknowledged(t *testing.T) {
	var relay *relay
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		must(s.db.Exec(r.Context(), insert))
		relay.cut()
		s.db.Exec(r.Context(), insert)
	}, func(set *setup) {
		relay = newRelay(t, set, false)
	})
	out := s.do(s.marked(txshadow.ModeRollback, 0, "POST", "/", ""))
	if out.err == nil || out.status != http.StatusServiceUnavailable || !strings.Contains(s.logs.String(), "can not be confirmed") {
		t.Errorf("%+v\n%s", out, s.logs)
	}
}
