package txshadow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/quackproxy/quack/txshadow"
)

// written is a model of what statements write, over transactions that are
// rolled back: per table of other and public, rows inserted, updated, deleted.
type written map[string][3]int64

func (w written) add(table string, ins, upd, del int64) {
	n := w[table]
	w[table] = [3]int64{n[0] + ins, n[1] + upd, n[2] + del}
}

func (w written) footprint() txshadow.Footprint {
	f := txshadow.Footprint{}
	for table, n := range w {
		if n != [3]int64{} {
			f = append(f, txshadow.TableRows{Table: table, Inserted: n[0], Updated: n[1], Deleted: n[2]})
		}
	}
	slices.SortFunc(f, func(a, b txshadow.TableRows) int { return strings.Compare(a.Table, b.Table) })
	return f
}

// deed is one thing that an application does; it keeps the model right.
type deed struct {
	sql   string
	fails bool
	did   func(written)
}

// deeds: each keeps other.notes at one row more or less, so that counts are
// known without asking.
var deeds = []deed{
	{"INSERT INTO other.notes SELECT 'x' FROM generate_series(1, 3)", false, func(w written) { w.add("other.notes", 3, 0, 0) }},
	{insert, false, func(w written) { w.add("accounts", 1, 0, 0); w.add("audit", 1, 0, 0) }},
	{"INSERT INTO accounts (email, n) SELECT 'same', 1 FROM generate_series(1, 2)", true, nil},
	{"WITH a AS (INSERT INTO other.notes VALUES ('u') RETURNING note), b AS (INSERT INTO audit (what) VALUES ('b')) SELECT note FROM a", false,
		func(w written) { w.add("other.notes", 1, 0, 0); w.add("audit", 1, 0, 0) }},
	{"UPDATE fixed SET n = n + 1", false, func(w written) { w.add("fixed", 0, 2, 0) }},
	{"SELECT touch()", false, func(w written) { w.add("fixed", 0, 1, 0) }},
	{"SELECT count(*) FROM accounts", false, func(written) {}},
	{"SELECT 1/0", true, nil},
	{"SELECT touch(), 1/(SELECT count(*) FROM fixed WHERE n = -99)", true, nil},
	{"CREATE TEMP TABLE IF NOT EXISTS scratch AS SELECT 1", false, func(written) {}},
	{"WITH d AS (DELETE FROM fixed WHERE n < 0 RETURNING n) INSERT INTO other.notes SELECT n FROM d", false, func(written) {}},
}

// plan is what a handler does: deeds, and transactions around them.
type plan struct {
	deed     int    // when kids is nil
	kids     []plan // a transaction
	rollback bool
}

func drawPlan(t *rapid.T, depth int) (plans []plan) {
	for range rapid.IntRange(1, 4).Draw(t, "length") {
		if depth < 2 && rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
			plans = append(plans, plan{kids: drawPlan(t, depth+1), rollback: rapid.Bool().Draw(t, "rollback")})
		} else {
			plans = append(plans, plan{deed: rapid.IntRange(0, len(deeds)-1).Draw(t, "deed")})
		}
	}
	return plans
}

type beginner interface {
	querier
	Begin(ctx context.Context) (pgx.Tx, error)
}

// do carries plans out and keeps the model; it returns false when the
// transaction it runs in has failed.
func do(ctx context.Context, db beginner, plans []plan, w written) error {
	_, top := db.(*txshadow.Pool)
	for _, p := range plans {
		var err error
		if p.kids == nil {
			_, err = db.Exec(ctx, deeds[p.deed].sql)
			if (err != nil) != deeds[p.deed].fails {
				panic(fmt.Sprintf("%s: %v", deeds[p.deed].sql, err))
			}
			if err == nil {
				deeds[p.deed].did(w)
			}
		} else {
			inner := written{}
			err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
				if err := do(ctx, tx, p.kids, inner); err != nil || !p.rollback {
					return err
				}
				return errRollback
			})
			if err == nil {
				for table, n := range inner {
					w.add(table, n[0], n[1], n[2])
				}
			} else {
				err = nil
			}
		}
		if err != nil && !top {
			return err
		}
	}
	return nil
}

var errRollback = errors.New("roll back")

// TestFootprintsAreExact holds footprints against a model, over statements and
// transactions that fail or are rolled back, in any nesting.
func TestFootprintsAreExact(t *testing.T) {
	const more = `CREATE TABLE fixed (n int); INSERT INTO fixed VALUES (1), (2);
		CREATE TABLE hooked (n int); INSERT INTO hooked VALUES (1);
		CREATE FUNCTION touch() RETURNS int LANGUAGE sql AS 'UPDATE fixed SET n = n + 1 WHERE ctid = (SELECT min(ctid) FROM fixed) RETURNING n';`
	for name, option := range map[string]option{
		"statistics flushed after the hook": func(*setup) {},
		"statistics left from the hook":     withLayers(txshadow.Layers{NoFlush: true}),
	} {
		t.Run(name, func(t *testing.T) {
			var plans []plan
			var want written
			s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
				want = written{}
				do(r.Context(), s.db, plans, want)
			}, ownDatabase, option, withPool(func(c *pgxpool.Config) {
				c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
					// It runs live, for the next spare, while a shadow is under way: what it
					// updates must not be what the deeds count on.
					_, err := conn.Exec(ctx, "UPDATE hooked SET n = n; INSERT INTO other.notes VALUES ('hook')")
					return err
				}
			}))
			s.live(more)
			rapid.Check(t, func(t *rapid.T) {
				plans = drawPlan(t, 0)
				out := s.shadow("/")
				if out.ack.FootprintErr != nil || out.ack.Footprint == nil || out.ack.Reason != "" {
					t.Fatalf("%+v\n%s", out, s.logs)
				}
				if !slices.Equal(out.ack.Footprint, want.footprint()) {
					t.Fatalf("%v, want %v", out.ack.Footprint, want.footprint())
				}
			})
		})
	}
}

// What the server does not count gives no footprint, rather than a wrong one.
func TestFootprintsThatAreNotKnown(t *testing.T) {
	var sql []string
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		pgx.BeginFunc(r.Context(), s.db, func(tx pgx.Tx) error {
			for _, q := range sql {
				must(tx.Exec(r.Context(), q))
			}
			return nil
		})
	}, ownDatabase)
	for _, c := range []struct {
		reason string
		sql    []string
		known  bool
	}{
		{"a plain INSERT", []string{insert}, true},
		{"what ROLLBACK TO takes back stays counted", []string{"SAVEPOINT a", insert, "ROLLBACK TO a"}, false},
		{"RELEASE takes nothing back", []string{"SAVEPOINT a", insert, "RELEASE a"}, true},
	} {
		sql = c.sql
		if out := s.shadow("/"); (out.ack.Footprint != nil) != c.known || out.ack.Reason != "" {
			t.Errorf("%s: %+v", c.reason, out)
		}
	}
	s.live("ALTER DATABASE " + must(pgx.ParseConfig(s.dsn)).Database + " SET track_counts = off")
	s.until("the spare is made", func() bool { return s.shadows() == 1 })
	spare := ask[int](s, "SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%quack-shadow' AND datname = current_database()")
	s.live(fmt.Sprintf("SELECT pg_terminate_backend(%d)", spare))
	s.until("the spare is gone", func() bool { // another may take its place at once
		return ask[int](s, "SELECT count(*) FROM pg_stat_activity WHERE pid = $1", spare) == 0
	})
	sql = []string{insert}
	if out := s.shadow("/"); out.ack.Footprint != nil {
		t.Errorf("track_counts is off: %v", out.ack.Footprint)
	}
}

// An open transaction at the handler's end is what a pool would roll back.
func TestATransactionLeftOpenHasWrittenNothing(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		must(s.db.Exec(r.Context(), insert))
		tx := must(s.db.Begin(r.Context()))
		must(tx.Exec(r.Context(), insert))
		if r.URL.Path == "/failed" {
			tx.Exec(r.Context(), "SELECT 1/0")
		}
	})
	for _, path := range []string{"/", "/failed"} {
		if out := s.shadow(path); out.ack.Footprint.String() != `tables=("public.accounts";ins=1 "public.audit";ins=1)` {
			t.Errorf("%s: %v", path, out.ack)
		}
	}
}

// Sequences are not rolled back, by nature: ids have gaps where shadows were.
func TestSequencesAdvance(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) { must(s.db.Exec(r.Context(), insert)) })
	s.shadow("/")
	s.live(insert)
	if id := ask[int](s, "SELECT id FROM accounts"); id != 2 {
		t.Errorf("id %d, want 2", id)
	}
}
