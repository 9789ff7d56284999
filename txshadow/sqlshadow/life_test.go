package sqlshadow_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/sqlshadow"
)

const addAccount = "INSERT INTO accounts (email) VALUES ($1)"

// says answers with what f returns.
func says(f func(s *service, ctx context.Context) any) handler {
	return func(s *service, w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(f(s, r.Context()))
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A shadow sees what it writes, by every way that database/sql has, and leaves
// nothing; the live twin does the same and stays.
func TestEveryWayToSend(t *testing.T) {
	bothDrivers(t, func(t *testing.T, on server) {
		var live *sql.Stmt
		s := serve(t, on, says(func(s *service, ctx context.Context) any {
			var errs []string
			note := func(err error) {
				if err != nil {
					errs = append(errs, err.Error())
				}
			}
			_, err := s.db.ExecContext(ctx, addAccount, "exec")
			note(err)
			_, err = live.ExecContext(ctx, "prepared live")
			note(err)
			st, err := s.db.PrepareContext(ctx, addAccount)
			note(err)
			_, err = st.ExecContext(ctx, "prepared here")
			note(err)
			note(st.Close())
			conn, err := s.db.Conn(ctx)
			note(err)
			_, err = conn.ExecContext(context.Background(), addAccount, "conn")
			note(err)
			note(conn.PingContext(ctx))
			note(conn.Close())
			tx, err := s.db.BeginTx(ctx, nil)
			note(err)
			_, err = tx.Exec(addAccount, "tx")
			note(err)
			_, err = tx.Stmt(live).Exec("prepared in tx")
			note(err)
			note(tx.Commit())
			var n int
			note(s.db.QueryRowContext(ctx, "SELECT count(*) FROM accounts").Scan(&n))
			return append(errs, fmt.Sprint(n))
		}))
		var err error
		live, err = s.db.Prepare(addAccount)
		s.must(err)
		defer live.Close()

		for range 3 { // the statements have been prepared by then
			out := s.shadow("/")
			if want := `["6"]`; strings.TrimSpace(out.body) != want || out.ack.Reason != "" {
				t.Fatalf("%s, reason %q, want %s", out.body, out.ack.Reason, want)
			}
			if got, want := out.ack.Footprint.String(), `tables=("public.accounts";ins=6 "public.audit";ins=6)`; got != want {
				t.Errorf("footprint %s, want %s", got, want)
			}
			if n := s.rows(); n != 0 {
				t.Fatalf("%d rows are left", n)
			}
		}
		resp, err := http.Get(s.url)
		s.must(err)
		resp.Body.Close()
		if n := s.rows(); n != 12 {
			t.Errorf("%d rows of the live request, want 12", n)
		}
	})
}

// An application may read one result while it asks for others.
func TestQueriesInsideOfOpenRows(t *testing.T) {
	bothDrivers(t, func(t *testing.T, on server) {
		s := serve(t, on, says(func(s *service, ctx context.Context) any {
			for _, name := range []string{"a", "b", "c"} {
				if _, err := s.db.ExecContext(ctx, addAccount, name); err != nil {
					return err.Error()
				}
			}
			rows, err := s.db.QueryContext(ctx, "SELECT id, email FROM accounts ORDER BY email")
			if err != nil {
				return err.Error()
			}
			defer rows.Close()
			var seen []string
			for rows.Next() {
				var id, n int
				var email string
				if err := rows.Scan(&id, &email); err != nil {
					return err.Error()
				}
				if err := s.db.QueryRowContext(ctx, "UPDATE accounts SET n = n + 1 WHERE id = $1 RETURNING n", id).Scan(&n); err != nil {
					return err.Error()
				}
				seen = append(seen, fmt.Sprint(email, n))
			}
			return seen
		}), withConfig(func(c *sqlshadow.Config) {}))
		if out := s.shadow("/"); strings.TrimSpace(out.body) != `["a1","b1","c1"]` {
			t.Errorf("%s (%s)", out.body, out.ack.Reason)
		}
	})
}

// Values and columns have the types that the driver gives them live.
func TestValuesAreTheDrivers(t *testing.T) {
	const query = `SELECT 1::int, 2::bigint, 1.5::float8, 1.25::numeric, true, 'text', '\x0102'::bytea, NULL::text,
		'2026-01-02 03:04:05'::timestamp, '2026-01-02'::date, '{1,2}'::int[], '{"a":1}'::jsonb, 'v'::varchar(7)`
	bothDrivers(t, func(t *testing.T, on server) {
		s := serve(t, on, says(func(s *service, ctx context.Context) any {
			rows, err := s.db.QueryContext(ctx, query)
			if err != nil {
				return err.Error()
			}
			defer rows.Close()
			types, err := rows.ColumnTypes()
			if err != nil || !rows.Next() {
				return text(err)
			}
			values := make([]any, len(types))
			to := make([]any, len(types))
			for i := range values {
				to[i] = &values[i]
			}
			if err := rows.Scan(to...); err != nil {
				return err.Error()
			}
			var all []string
			for i, v := range values {
				length, ok := types[i].Length()
				all = append(all, fmt.Sprintf("%T %v %s %v %d %v", v, v, types[i].DatabaseTypeName(), types[i].ScanType(), length, ok))
			}
			return all
		}))
		resp, err := http.Get(s.url)
		s.must(err)
		defer resp.Body.Close()
		var live, shadow []string
		s.must(json.NewDecoder(resp.Body).Decode(&live))
		s.must(json.Unmarshal([]byte(s.shadow("/").body), &shadow))
		if len(live) != 13 || strings.Join(live, "\n") != strings.Join(shadow, "\n") {
			t.Errorf("live\n%s\nshadow\n%s", strings.Join(live, "\n"), strings.Join(shadow, "\n"))
		}
	})
}

// What fails takes nothing else with it, and a deferred constraint fails at the
// commit that would have found it.
func TestErrorsStayWhereTheyAre(t *testing.T) {
	bothDrivers(t, func(t *testing.T, on server) {
		s := serve(t, on, says(func(s *service, ctx context.Context) any {
			var said []string
			_, err := s.db.ExecContext(ctx, addAccount, "a")
			said = append(said, stateOf(err))
			_, err = s.db.ExecContext(ctx, addAccount, "a")
			said = append(said, stateOf(err))
			tx, err := s.db.BeginTx(ctx, nil)
			said = append(said, stateOf(err))
			_, err = tx.Exec(addAccount, "b")
			said = append(said, stateOf(err))
			_, err = tx.Exec(addAccount, "a")
			said = append(said, stateOf(err))
			_, err = tx.Exec(addAccount, "c")
			said = append(said, stateOf(err))
			said = append(said, fmt.Sprint(tx.Commit() != nil))
			tx, err = s.db.BeginTx(ctx, nil)
			said = append(said, stateOf(err))
			_, err = tx.Exec("INSERT INTO orders (account) VALUES (4711)")
			said = append(said, stateOf(err))
			said = append(said, stateOf(tx.Commit()))
			_, err = s.db.ExecContext(ctx, "INSERT INTO orders (account) VALUES (4711)")
			said = append(said, stateOf(err))
			var n int
			said = append(said, text(s.db.QueryRowContext(ctx, allRows).Scan(&n)))
			return append(said, fmt.Sprint(n))
		}))
		out := s.shadow("/")
		want := `["","23505","","","23505","25P02","true","","","23503","23503","","2"]`
		if strings.TrimSpace(out.body) != want || out.ack.Reason != "" {
			t.Errorf("%s (%s), want %s", out.body, out.ack.Reason, want)
		}
		if got, want := out.ack.Footprint.String(), `tables=("public.accounts";ins=1 "public.audit";ins=1)`; got != want {
			t.Errorf("footprint %s, want %s", got, want)
		}
		if n := s.rows(); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}

func stateOf(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := err.(interface{ SQLState() string }); ok {
		return e.SQLState()
	}
	return err.Error()
}

// A shadow of a safe request can not write.
func TestReadingShadows(t *testing.T) {
	bothDrivers(t, func(t *testing.T, on server) {
		s := serve(t, on, says(func(s *service, ctx context.Context) any {
			_, err := s.db.ExecContext(ctx, addAccount, "a")
			var n int
			return []string{stateOf(err), text(s.db.QueryRowContext(ctx, "SELECT count(*) FROM accounts").Scan(&n))}
		}))
		out := s.reading("/")
		if strings.TrimSpace(out.body) != `["25006",""]` || out.ack.Reason != "write:25006:insert:accounts" {
			t.Errorf("%s (%s)", out.body, out.ack.Reason)
		}
	})
}

// At the budget the statement under way is cancelled, and the session rolled
// back; the pool's connections are as good as before.
func TestBudget(t *testing.T) {
	bothDrivers(t, func(t *testing.T, on server) {
		gone := make(chan string, 1)
		var run atomic.Bool
		s := serve(t, on, func(s *service, w http.ResponseWriter, r *http.Request) {
			run.Store(true)
			s.db.ExecContext(r.Context(), addAccount, "a")
			s.db.ExecContext(r.Context(), "SELECT pg_sleep(20)")
			_, err := s.db.ExecContext(r.Context(), addAccount, "b")
			gone <- text(err)
		})
		for budget := 200 * time.Millisecond; !run.Load() && budget < 10*time.Second; budget *= 2 { // it may be over before the service is asked
			out := s.acknowledged(s.marked(txshadow.ModeRollback, budget, "POST", "/", ""))
			if out.ack.Reason != "budget" || out.took > 19*time.Second {
				t.Errorf("%q after %v", out.ack.Reason, out.took)
			}
		}
		if !run.Load() {
			t.Fatal("the service was not asked within ten seconds")
		}
		if err := <-gone; !strings.Contains(err, "the shadow request is over") && !strings.Contains(err, "context canceled") {
			t.Errorf("after the end: %s", err)
		}
		if n := s.rows(); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		s.until("the session is gone", func() bool {
			return ask[int](s, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%quack-shadow' AND state <> 'idle'") == 0
		})
	})
}

// hello is answered when a real drill has gone well.
func TestHello(t *testing.T) {
	bothDrivers(t, func(t *testing.T, on server) {
		s := serve(t, on, says(func(s *service, ctx context.Context) any { return nil }))
		out := s.do(s.marked(txshadow.ModeHello, time.Second, "GET", txshadow.HelloPath, ""))
		if out.err != nil || out.ack.Outcome != txshadow.Ready || out.status != http.StatusNoContent {
			t.Errorf("%d %s: %+v %v\n%s", out.status, out.body, out.ack, out.err, s.logs)
		}
	})
}
