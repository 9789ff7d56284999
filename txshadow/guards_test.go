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

// What the server protects others with can be lowered by the application, and
// not lifted, whatever way it is written.
func TestGuardsAreOnlyLowered(t *testing.T) {
	var sql string
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		tx := must(s.db.Begin(r.Context()))
		if _, err := tx.Exec(r.Context(), sql); err != nil {
			fmt.Fprint(w, err)
		}
		must(0, tx.Commit(r.Context()))
		var a, b, c string
		must(0, s.db.QueryRow(r.Context(), "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')").Scan(&a, &b, &c))
		fmt.Fprint(w, a, " ", b, " ", c)
	}, withConfig(func(c *txshadow.Config) { c.WallCap, c.ReadCap = 10*time.Second, 10*time.Second }))
	for _, c := range []struct{ sql, want string }{
		{"SELECT 1", "OURS 50ms OURS"},
		{"SET LOCAL statement_timeout = 0", "OURS 50ms OURS"},
		{"SET statement_timeout TO '2s'", "2s 50ms OURS"},
		{"SET statement_timeout = 2000; SET lock_timeout = 60; SELECT 1; SET SESSION \"Lock_Timeout\" = '20 ms'", "2s 20ms OURS"},
		{"SET LOCAL statement_timeout = '1h'", "OURS 50ms OURS"},
		{"SET statement_timeout TO DEFAULT", "OURS 50ms OURS"},
		{"SET statement_timeout = '1us'", "OURS 50ms OURS"}, // which PostgreSQL rounds to none
		{"SET LOCAL lock_timeout = '4s'", "OURS 50ms OURS"},
		{"SET LOCAL lock_timeout = -1", "OURS 50ms OURS"},
		{"RESET lock_timeout", "OURS 50ms OURS"},
		{"SET idle_in_transaction_session_timeout = 0", "OURS 50ms OURS"},
	} {
		sql = c.sql
		for mode, out := range map[txshadow.Mode]reply{
			txshadow.ModeRollback: s.do(s.marked(txshadow.ModeRollback, 4*time.Second, "POST", "/", "")),
			txshadow.ModeReadOnly: s.do(s.marked(txshadow.ModeReadOnly, 4*time.Second, "GET", "/", "")),
		} {
			if got := oursIn(out.body); got != c.want || out.ack.Reason != "" {
				t.Errorf("%s: %s: %q (%s), want %s", mode, c.sql, got, out.ack.Reason, c.want)
			}
		}
	}
	sql = "SELECT set_config('statement_timeout', '0', true)"
	if out := s.shadow("/"); out.ack.Reason != "unsupported:setting" {
		t.Errorf("%+v", out)
	}
}

// oursIn replaces the shadow's own limits, which depend on how long it took to
// begin.
func oursIn(body string) string {
	var a, b, c string
	fmt.Sscan(body, &a, &b, &c)
	ours := func(s string) string {
		if d, err := time.ParseDuration(s); err == nil && 3*time.Second < d && d <= 4200*time.Millisecond {
			return "OURS"
		}
		return s
	}
	return ours(a) + " " + b + " " + ours(c)
}

// Of a pool of one to three connections, a reading shadow would take one that
// live requests wait for.
func TestReadingShadowsLeaveSmallPoolsAlone(t *testing.T) {
	for most, want := range map[int32]string{1: "unsupported:pool-size", 3: "unsupported:pool-size", 4: ""} {
		ran := false
		s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) { ran = true }, withPool(func(c *pgxpool.Config) { c.MaxConns = most }))
		if out := s.reading(0); out.ack.Reason != want || ran != (want == "") {
			t.Errorf("MaxConns %d: %q, ran %v", most, out.ack.Reason, ran)
		}
	}
}

// What set_config sets for a transaction outlives its COMMIT in a shadow.
func TestSetConfigForTheTransaction(t *testing.T) {
	var run func(ctx context.Context, tx pgx.Tx) error
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		tx := must(s.db.Begin(r.Context()))
		must(0, run(r.Context(), tx))
		must(0, tx.Commit(r.Context()))
		must(s.db.Exec(r.Context(), "SELECT 1"))
	})
	for _, c := range []struct {
		sql  string
		args []any
		want string
	}{
		{"SELECT set_config('app.tenant', $1, $2)", []any{"acme", true}, "unsupported:set-local"},
		{"SELECT set_config('app.tenant', 'acme', 't')", nil, "unsupported:set-local"},
		{"SELECT set_config('app.tenant', 'acme', true)", nil, "unsupported:set-local"},
		{"SELECT set_config('app.tenant', 'acme', NOT false)", nil, "unsupported:set-local"},
		{"SELECT set_config('app.tenant', 'a', false), set_config('app.tenant', lower('B'), 1 = 1)", nil, "unsupported:set-local"},
		{"SELECT set_config('app.tenant', lower('ACME'), false)", nil, ""},
	} {
		run = func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, c.sql, c.args...)
			return err
		}
		if out := s.shadow("/"); out.ack.Reason != c.want {
			t.Errorf("%s: %q, want %q", c.sql, out.ack.Reason, c.want)
		}
	}
}
