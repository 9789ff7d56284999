package watchdog_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres"
	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow/watchdog"
)

// pair is a world on a primary that has a standby with a slot.
func pair(t *testing.T, commit string) (w, other *world, primary, standby *postgres.Cluster) {
	primary, standby = pgtest.WithStandby(t, map[string]string{"synchronous_commit": commit})
	w, other = &world{t, primary.DSN("postgres")}, &world{t, standby.DSN("postgres")}
	setup := w.session("setup")
	w.exec(setup, "CREATE TABLE accounts (id int PRIMARY KEY, n int NOT NULL); INSERT INTO accounts VALUES (1, 0), (2, 0)")
	w.exec(setup, "SELECT pg_create_physical_replication_slot('its_slot')")
	at := other.session("setup")
	other.exec(at, "ALTER SYSTEM SET primary_slot_name = 'its_slot'")
	other.exec(at, "SELECT pg_reload_conf()")
	w.until("the standby uses its slot", func() bool { return ask[bool](w, "SELECT coalesce(bool_or(active), false) FROM pg_replication_slots") })
	return w, other, primary, standby
}

// ask is one value that a session of its own sees.
func ask[T any](w *world, sql string) (v T) {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.dsn)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(w.t.Context(), sql).Scan(&v); err != nil {
		w.t.Fatal(err)
	}
	return v
}

// busy has a live client write, as there always is one, and says for which limit
// shadows are left out then.
func (w *world) busy(dog *watchdog.Watchdog) string {
	w.t.Helper()
	ask[int](w, "UPDATE accounts SET n = n + 1 WHERE id = 1 RETURNING n")
	leave, refusal := dog.Enter()
	leave()
	if refusal != watchdog.Busy {
		return ""
	}
	return dog.State().Busy
}

// A standby that does not replay is one that lags, from the limit on and until
// it has caught up. One that is away lags no more, and what its slot keeps for
// it counts then; also what it sees as needed counts as oldest.
func TestAStandbyThatLags(t *testing.T) {
	w, other, _, standby := pair(t, "on")
	s := settings()
	s.Limits = watchdog.Limits{ReplicationLag: time.Second, RetainedWAL: 4 << 20}
	dog := w.watch(w.dsn, s)
	if why := w.busy(dog); why != "" {
		t.Errorf("busy from the start: %s", why)
	}
	at := other.session("setup")
	begun := time.Now()
	other.exec(at, "SELECT pg_wal_replay_pause()")
	w.until("it lags", func() bool { return strings.HasPrefix(w.busy(dog), `replication_lag: 1.`) })
	t.Logf("busy %s after the replay was paused: %s", time.Since(begun).Round(time.Millisecond), dog.State().Busy)
	if s := dog.State(); !strings.Contains(s.Busy, `at standby "walreceiver"`) || s.Load.ReplicationBytes == 0 {
		t.Errorf("%+v", s)
	}
	begun = time.Now()
	other.exec(at, "SELECT pg_wal_replay_resume()")
	w.until("it has caught up", func() bool { return w.busy(dog) == "" })
	t.Logf("not busy any more after %s, 200ms of them for calm", time.Since(begun).Round(time.Millisecond))

	other.exec(at, "ALTER SYSTEM SET hot_standby_feedback = on")
	other.exec(at, "ALTER SYSTEM SET wal_receiver_status_interval = '1s'")
	other.exec(at, "SELECT pg_reload_conf()")
	other.exec(at, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT n FROM accounts")
	w.until("what the standby reads is old", func() bool { w.busy(dog); return dog.State().Load.OldestXmin > 20 })
	other.exec(at, "COMMIT")

	if err := standby.Kill(); err != nil {
		t.Fatal(err)
	}
	w.exec(w.session("live"), "SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000000)) FROM generate_series(1, 5)")
	w.until("its slot keeps WAL", func() bool { return strings.HasPrefix(w.busy(dog), "retained_wal: ") })
	if s := dog.State(); !strings.Contains(s.Busy, `for slot "its_slot"`) || s.Load.ReplicationLag != 0 {
		t.Errorf("%+v", s)
	}
	if err := standby.Revive(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.until("it is back", func() bool { return w.busy(dog) == "" })
}

// A standby that has to have each commit, and is away: live clients wait for it,
// shadows and their end do not, and with them goes what they hold.
func TestASynchronousStandbyThatIsAway(t *testing.T) {
	w, _, primary, standby := pair(t, "remote_apply")
	setup := w.session("setup")
	w.exec(setup, "ALTER SYSTEM SET synchronous_standby_names = '*'")
	w.exec(setup, "SELECT pg_reload_conf()")
	w.until("the standby is synchronous", func() bool {
		return ask[bool](w, "SELECT coalesce(bool_or(sync_state = 'sync'), false) FROM pg_stat_replication")
	})
	dog := w.watch(w.dsn, settings())
	defer enter(t, dog)()
	w.exec(setup, "SET synchronous_commit = local")
	for i := range 3 {
		w.holds(setup, 2)
		w.exec(setup, fmt.Sprintf("PREPARE TRANSACTION 'txshadow-a-%d'", i))
		if i == 1 {
			if err := standby.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		begun := time.Now()
		live := w.session("live")
		w.exec(live, "SET synchronous_commit = local") // else it waits for its own commit
		w.exec(live, "UPDATE accounts SET n = n + 1 WHERE id = 2")
		t.Logf("standby away: %t: a live UPDATE behind a prepared shadow took %s", i > 0, time.Since(begun).Round(time.Millisecond))
	}
	w.until("all are counted", func() bool { return dog.State().RolledBack == 3 })
	if left := ask[int](w, "SELECT count(*) FROM pg_prepared_xacts"); left != 0 {
		t.Errorf("%d prepared transactions are left", left)
	}
	if strings.Contains(primary.Log(), "wait for synchronous replication") {
		t.Error("a rollback has waited for the standby")
	}
}

// On a standby there is nothing to end, and nothing may be written: shadows are
// refused, and it is said why. From its promotion on it is watched, and what the
// primary had prepared is rolled back.
func TestAStandbyThatIsPromoted(t *testing.T) {
	w, other, primary, standby := pair(t, "on")
	dog := other.run(other.dsn, watchdog.Settings{MaxShadows: 4, Grace: 100 * time.Millisecond, Cap: 50 * time.Millisecond})
	other.until("it says that it is a standby", func() bool { return strings.Contains(dog.State().Why, "is a standby") })
	if _, refusal := dog.Enter(); refusal != watchdog.Unwatched {
		t.Errorf("on a standby: %q", refusal)
	}
	setup := w.session("setup")
	w.holds(setup, 1)
	w.exec(setup, "PREPARE TRANSACTION 'txshadow-a-1'")
	w.until("the standby has it", func() bool {
		return ask[bool](w, "SELECT coalesce(bool_and(replay_lsn >= pg_current_wal_lsn()), false) FROM pg_stat_replication")
	})
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	other.until("the prepared shadow is rolled back", func() bool { return dog.State().RolledBack == 1 })
	t.Logf("rolled back %s after the promotion", time.Since(begun).Round(time.Millisecond))
	enter(t, dog)()
	if n := other.n(1); n != 0 {
		t.Errorf("n is %d", n)
	}
	if left := ask[int](other, "SELECT count(*) FROM pg_prepared_xacts"); left != 0 {
		t.Errorf("%d prepared transactions are left", left)
	}
}
