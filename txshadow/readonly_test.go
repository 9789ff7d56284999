package txshadow_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

func (s *service) reading(budget time.Duration) reply {
	s.t.Helper()
	out := s.do(s.marked(txshadow.ModeReadOnly, budget, "GET", "/", ""))
	if out.err != nil || out.ack.Outcome != txshadow.RolledBack || out.ack.Footprint != nil {
		s.t.Fatalf("not acknowledged: %v (%+v)\n%s", out.err, out, s.logs)
	}
	return out
}

func TestReadingShadows(t *testing.T) {
	var run func(ctx context.Context, db *txshadow.Pool) error
	var got error
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) { got = run(r.Context(), s.db) })
	for _, c := range []struct {
		name   string
		run    func(ctx context.Context, db *txshadow.Pool) error
		reason string
	}{
		{"nothing", func(context.Context, *txshadow.Pool) error { return nil }, ""},
		{"read", exec("SELECT * FROM accounts"), ""},
		{"read that fails, and another", func(ctx context.Context, db *txshadow.Pool) error {
			exec("SELECT 1/0")(ctx, db)
			return exec("SELECT 1")(ctx, db)
		}, ""},
		{"transaction", func(ctx context.Context, db *txshadow.Pool) error {
			tx := must(db.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly}))
			must(tx.Exec(ctx, "SELECT 1"))
			return tx.Commit(ctx)
		}, ""},
		{"insert", exec(insert), "write:25006:insert:accounts"},
		{"update in a transaction", func(ctx context.Context, db *txshadow.Pool) error {
			_, err := must(db.Begin(ctx)).Exec(ctx, "UPDATE other.notes SET note = ''")
			return err
		}, "write:25006:update:other.notes"},
		{"copy", func(ctx context.Context, db *txshadow.Pool) error {
			_, err := db.CopyFrom(ctx, pgx.Identifier{"other", "notes"}, []string{"note"}, pgx.CopyFromRows([][]any{{"x"}}))
			return err
		}, "write:25006:copy:notes"},
		{"nextval", exec("SELECT nextval('accounts_id_seq')"), "write:25006:select"},
		{"truncate", exec("TRUNCATE other.notes"), "write:25006:truncate:other.notes"},
		{"index", exec("CREATE INDEX ON accounts (n)"), "write:25006:create"},
		{"lock", exec("LOCK TABLE accounts"), "unsupported:lock"},
		{"reindex", exec("REINDEX TABLE accounts"), "unsupported:reindex"},
		{"row lock", exec("SELECT * FROM accounts FOR UPDATE"), "write:25006:select"},
		{"a write that its own transaction refuses", func(ctx context.Context, db *txshadow.Pool) error {
			_, err := must(db.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})).Exec(ctx, insert)
			return err
		}, ""},
		{"commit", exec("COMMIT"), "escape:commit"},
		{"commit and write", exec("COMMIT; " + insert), "escape:commit"},
		{"read write", func(ctx context.Context, db *txshadow.Pool) error {
			_, err := must(db.Begin(ctx)).Exec(ctx, "SET TRANSACTION READ WRITE")
			return err
		}, "unsupported:read-write"},
		{"isolation", func(ctx context.Context, db *txshadow.Pool) error {
			_, err := db.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
			return err
		}, "unsupported:isolation"},
		{"set", exec("SET search_path = other"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			run = c.run
			out := s.reading(5 * time.Second)
			if out.ack.Reason != c.reason || (got == nil) != (c.reason == "" && c.name != "a write that its own transaction refuses") {
				t.Errorf("reason %q, want %q; the application got %v", out.ack.Reason, c.reason, got)
			}
			if n := s.rows(); n != 0 {
				t.Errorf("%d rows", n)
			}
			if n := s.shadows(); n != 0 {
				t.Errorf("%d dedicated sessions", n)
			}
			s.poolIsClean()
		})
	}
}

// poolIsClean wants the pool's connections as they were.
func (s *service) poolIsClean() {
	s.t.Helper()
	s.until("the pool has all its connections back", func() bool { return s.pool.Stat().AcquiredConns() == 0 })
	var path, readOnly, timeout string
	s.must(s.pool.QueryRow(context.Background(), "SELECT current_setting('search_path'), current_setting('transaction_read_only'), current_setting('statement_timeout')").Scan(&path, &readOnly, &timeout))
	if path != `"$user", public` || readOnly != "off" || timeout != "0" {
		s.t.Errorf("a connection came back with search_path %s, transaction_read_only %s, statement_timeout %s", path, readOnly, timeout)
	}
}

func TestReadingShadowsAtTheBudget(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		s.db.Exec(r.Context(), "SELECT pg_sleep(60)")
	})
	if out := s.reading(100 * time.Millisecond); out.ack.Reason != "budget" {
		t.Errorf("%+v", out)
	}
	s.poolIsClean()
	s.until("the statement is cancelled on the server", func() bool {
		return ask[int](s, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()") == 0
	})
}

// Reading shadows take no more than a quarter of the pool: the next one waits.
func TestReadingShadowsLeaveThePoolToLive(t *testing.T) {
	in, release := make(chan struct{}, 10), make(chan struct{})
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		must(s.db.Exec(r.Context(), "SELECT 1"))
		in <- struct{}{}
		<-release
	}, withPool(func(c *pgxpool.Config) { c.MaxConns = 8 }))
	done := make(chan reply, 3)
	for range 3 {
		go func() { done <- s.reading(10 * time.Second) }()
	}
	<-in
	<-in
	if out := s.do(s.marked(txshadow.ModeReadOnly, 50*time.Millisecond, "GET", "/", "")); out.ack.Reason != "unsupported:busy" {
		t.Errorf("%+v", out)
	}
	if n := s.pool.Stat().AcquiredConns(); n != 2 {
		t.Errorf("%d connections of the pool are taken", n)
	}
	close(release)
	for range 3 {
		if out := <-done; out.ack.Reason != "" {
			t.Errorf("%+v", out)
		}
	}
}

// The pool's hook for a connection that is given out is called in shadows too.
func TestHooks(t *testing.T) {
	type tenantKey struct{}
	refuse := false
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), tenantKey{}, "7")
		var tenant, connected string
		err := s.db.QueryRow(ctx, "SELECT current_setting('app.tenant'), current_setting('app.connected')").Scan(&tenant, &connected)
		fmt.Fprint(w, tenant, connected, err)
	}, withPool(func(c *pgxpool.Config) {
		c.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
			c.RuntimeParams["application_name"] = "shop"
			return nil
		}
		c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "SET app.connected = 'yes'")
			return err
		}
		c.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
			tenant, _ := ctx.Value(tenantKey{}).(string)
			_, err := conn.Exec(ctx, "SELECT set_config('app.tenant', $1, false)", tenant)
			return !refuse, err
		}
	}))
	if out := s.shadow("/"); out.body != "7yes<nil>" {
		t.Errorf("shadow: %+v", out)
	}
	if out := s.reading(time.Second); out.body != "7yes<nil>" {
		t.Errorf("reading: %+v", out)
	}
	s.until("the spare is named after the application", func() bool {
		return ask[int](s, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'shop quack-shadow'") == 1
	})
	refuse = true
	if out := s.shadow("/"); out.ack.Reason != "unsupported:prepare-conn" {
		t.Errorf("refused: %+v", out)
	}
}
