package txshadow_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/internal/postgres"
	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow"
)

// furnish makes the shop of tests in a server of a test's own.
func furnish(t *testing.T, c *postgres.Cluster) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), schema+txshadow.InstallSQL()); err != nil {
		t.Fatal(err)
	}
}

// synchronous makes the primary wait for its standby in each commit, from now on.
func (s *service) synchronous() {
	s.t.Helper()
	s.live("ALTER SYSTEM SET synchronous_standby_names = walreceiver")
	s.live("SELECT pg_reload_conf()")
	s.until("the standby is synchronous", func() bool {
		return ask[bool](s, "SELECT coalesce(bool_or(sync_state = 'sync'), false) FROM pg_stat_replication")
	})
}

// Commits wait for a synchronous standby; shadows do not, rolled back or
// prepared, whoever ends them: not even for one that is away, which live clients
// wait for.
func TestShadowsDoNotWaitForStandbys(t *testing.T) {
	primary, standby := pgtest.WithStandby(t, map[string]string{"synchronous_commit": "remote_apply"})
	furnish(t, primary)
	s := serve(t, sends, func(set *setup) { set.at, set.orphans = primary.DSN("postgres"), 50*time.Millisecond })
	s.synchronous()
	r := s.reader()
	insert := spaced.Replace(statements("SET synchronous_commit = remote_apply", "INSERT INTO accounts (email) VALUES ('a')"))
	for _, state := range []string{"there", "away"} {
		if state == "away" {
			s.must(standby.Kill())
			s.until("the standby is away", func() bool {
				return ask[int](s, "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'walreceiver'") == 0
			})
		}
		var rolledBack, prepared time.Duration
		for range 5 {
			rolledBack += s.shadow(insert).took / 5
			gid, w := r.Expect()
			prepared += s.prepare(gid, insert).took / 5
			if set, err := w.Rows(soon()); err == nil && len(set.Changes) != 2 {
				t.Errorf("standby %s: %+v", state, set)
			}
		}
		t.Logf("standby %s: a shadow took %s, and %s with its rows read", state, rolledBack.Round(100*time.Microsecond), prepared.Round(100*time.Microsecond))
	}
	if r.State().Read == 0 {
		t.Errorf("no rows were read: %+v", r.State())
	}

	// What was left behind, and a session that is gone, are ended likewise.
	s.live("BEGIN; SET LOCAL synchronous_commit = local; INSERT INTO accounts (email) VALUES ('o'); PREPARE TRANSACTION 'txshadow-killed-1'")
	s.until("the orphan is rolled back", func() bool { return s.prepared() == 0 })
	if err := s.adapter.PrepareAndGo(t.Context(), "txshadow-gone-1", "INSERT INTO accounts (email) VALUES ('a')", func() {}); err != nil {
		t.Error(err)
	}
	if n, m := s.prepared(), s.rows(); n != 0 || m != 0 {
		t.Errorf("%d transactions and %d rows are left", n, m)
	}
	if waiting := ask[int](s, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"); waiting != 0 {
		t.Errorf("%d sessions wait for the standby", waiting)
	}
	if strings.Contains(primary.Log(), "wait for synchronous replication") {
		t.Error("something of a shadow's has waited for the standby")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := s.pool.Exec(ctx, "INSERT INTO other.notes VALUES ('live')"); err == nil {
		t.Error("a live commit does not wait: this test shows nothing")
	}
}

// The primary is gone in the middle of a shadow that is prepared, and its standby
// takes its place, with what was prepared. Nothing persists, it is rolled back
// there, and rows are read again: nobody has to do anything.
func TestTheStandbyTakesOver(t *testing.T) {
	primary, standby := pgtest.WithStandby(t, map[string]string{"synchronous_commit": "on"})
	furnish(t, primary)
	address := pgtest.NewAddress(t, primary)
	failing := true
	var s *service
	fail := func() {
		s.live("BEGIN; INSERT INTO accounts (email) VALUES ('orphan'); PREPARE TRANSACTION 'txshadow-killed-1'") // as one between its two statements
		s.until("the standby has it", func() bool {
			return ask[bool](s, "SELECT coalesce(bool_and(replay_lsn >= pg_current_wal_flush_lsn()), false) FROM pg_stat_replication WHERE application_name = 'walreceiver'")
		})
		s.must(primary.Kill())
	}
	s = serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			s.db.Exec(r.Context(), "INSERT INTO accounts (email) VALUES ('a')")
		}
		if failing {
			fail()
			s.db.Exec(r.Context(), "INSERT INTO accounts (email) VALUES ('b')")
		}
		sends(s, w, r)
	}, func(set *setup) { set.at, set.orphans = address.DSN(primary.DSN("postgres")), 200*time.Millisecond },
		withPool(func(c *pgxpool.Config) { c.ConnConfig.ConnectTimeout = time.Second }))
	r := s.reader()
	gid, w := r.Expect()
	out := s.do(s.asPrepared(gid, "/"))
	if out.err == nil || out.status != http.StatusServiceUnavailable {
		t.Errorf("not said to be unconfirmed: %d %s %+v", out.status, out.body, out.ack)
	}
	if set, err := w.Rows(soon()); err == nil {
		t.Errorf("a set: %+v", set)
	}
	failing = false
	s.until("it is said that no rows can be read", func() bool { return !r.State().Available })

	address.MoveTo(standby) // before it is promoted, as it may be
	if out := s.hello(); out.err == nil || out.status != http.StatusServiceUnavailable || !strings.Contains(out.body, "the database is a standby") {
		t.Errorf("a standby proves that it rolls back: %d %s", out.status, out.body)
	}
	for sql, want := range map[string]string{"SELECT count(*) FROM accounts": "", "INSERT INTO accounts (email) VALUES ('x')": "write:25006:insert:accounts"} {
		out := s.do(s.marked(txshadow.ModeReadOnly, 5*time.Second, "GET", spaced.Replace(statements(sql)), ""))
		if out.err != nil || out.ack.Reason != want || (out.header.Get("Failed") == "") != (want == "") {
			t.Errorf("%s on a standby: %d %s %+v, %v", sql, out.status, out.body, out.ack, out.err)
		}
	}
	begun := time.Now()
	s.must(standby.Promote(t.Context()))
	t.Logf("promoted in %s", time.Since(begun).Round(time.Millisecond))
	begun = time.Now()
	s.until("the orphan is rolled back", func() bool { return s.prepared() == 0 && strings.Contains(s.logs.String(), "had left behind") })
	t.Logf("the orphan was gone %s after the promotion", time.Since(begun).Round(time.Millisecond))
	s.until("rows can be read", func() bool { return r.State().Available })
	t.Logf("rows could be read %s after the promotion", time.Since(begun).Round(time.Millisecond))
	if n := s.rows(); n != 0 {
		t.Errorf("%d rows persisted", n)
	}
	s.until("it proves that it rolls back", func() bool { return s.hello().ack.Reason == txshadow.ReasonPrepare })
	gid, w = r.Expect()
	s.prepare(gid, "/")
	if set, err := w.Rows(soon()); err != nil || len(set.Changes) != 2 {
		t.Errorf("%+v, %v", set, err)
	}
}
