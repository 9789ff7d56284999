package txshadow_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

// An alarm is not lost because the end of the session can not be confirmed:
// the answer is one that Quack takes for no gateway's.
func TestAnUnconfirmedEscapeIsTold(t *testing.T) {
	var relay *relay
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		must(s.db.Exec(r.Context(), insert))
		s.db.Exec(r.Context(), "COMMIT")
		relay.cut()
	}, func(set *setup) { relay = newRelay(t, set, false) })
	out := s.do(s.marked(txshadow.ModeRollback, 0, "POST", "/", ""))
	if out.err == nil || out.status != http.StatusInternalServerError || !strings.Contains(out.body, "escape:commit") || len(out.header.Values(txshadow.HeaderResult)) > 0 {
		t.Errorf("%+v", out)
	}
	if logs := s.logs.String(); !strings.Contains(logs, `can not be confirmed" request=request-1 mode=rollback reason=escape:commit`) {
		t.Error(logs)
	}
}

// Hooks set the session's formats; who looks for it from outside has others.
func TestASessionIsKnownInAnyDateStyle(t *testing.T) {
	s := serve(t, func(*service, http.ResponseWriter, *http.Request) {}, withPool(func(c *pgxpool.Config) {
		c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "SET datestyle = 'SQL, MDY'; SET timezone = 'Asia/Kolkata'; SET extra_float_digits = -3")
			return err
		}
	}))
	pid, gone, release, err := s.adapter.Session(t.Context())
	s.must(err)
	defer release()
	alive := func() int { return ask[int](s, "SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid) }
	if err := gone(true); err == nil || !strings.Contains(err.Error(), "another server") || alive() != 1 {
		t.Errorf("on another server: %v, %d alive", err, alive())
	}
	if err := gone(false); err != nil || alive() != 0 {
		t.Errorf("%v, %d alive", err, alive())
	}
}

// An open shadow that is SERIALIZABLE fails live transactions with 40001.
func TestAShadowIsNeverSerializable(t *testing.T) {
	for _, c := range []struct{ usual, want string }{
		{"serializable", ""}, {"repeatable read", "repeatable read"}, {"read uncommitted", "read committed"}, {"read committed", "read committed"},
	} {
		t.Run(c.usual, func(t *testing.T) {
			s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
				var level string
				s.db.QueryRow(r.Context(), "SELECT current_setting('transaction_isolation')").Scan(&level)
				fmt.Fprint(w, level)
			}, withPool(func(cfg *pgxpool.Config) { cfg.ConnConfig.RuntimeParams["default_transaction_isolation"] = c.usual }))
			reason := ""
			if c.want == "" {
				reason = "unsupported:isolation"
			}
			if out := s.shadow("/"); out.ack.Reason != reason || c.want != "" && out.body != c.want {
				t.Errorf("writing: %+v\n%s", out, s.logs)
			}
			if out := s.reading(0); out.ack.Reason != reason || out.body != c.want {
				t.Errorf("reading: %+v", out)
			}
			var level, status string // the pool's connection is as it was
			s.must(s.pool.QueryRow(t.Context(), "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')").Scan(&level, &status))
			if level != c.usual || status != "off" {
				t.Errorf("the pool's connection is %s, read only %s", level, status)
			}
		})
	}
}
