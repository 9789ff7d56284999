package watchdog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/watchdog"
)

const shadowName = "shop quack-shadow"

// A live UPDATE of a row that a shadow holds, and would hold for ever, returns;
// it has waited for the grace, and the shadow has left nothing.
func TestALiveWriteDoesNotWaitForAShadow(t *testing.T) {
	w := newWorld(t)
	dog := w.watch(w.dsn, settings())
	leave := enter(t, dog)
	defer leave()
	shadow, live := w.session(shadowName), w.session("live")
	w.holds(shadow, 1)

	begun := time.Now()
	w.exec(live, "UPDATE accounts SET n = n + 1 WHERE id = 1")
	waited := time.Since(begun)
	t.Logf("the live UPDATE waited %s", waited.Round(time.Millisecond))
	if waited < 100*time.Millisecond {
		t.Errorf("the shadow was ended after %s, before the grace was over", waited)
	}
	if n := w.n(1); n != 1 {
		t.Errorf("n is %d: the shadow has left something", n)
	}
	w.until("one is counted", func() bool { return dog.State().Blocking == 1 })
	var ended *pgconn.PgError
	if _, err := shadow.Exec(t.Context(), "SELECT 1"); err == nil || errors.As(err, &ended) && ended.Code != "57P01" {
		t.Errorf("the shadow's session goes on: %v", err)
	}
}

// A shadow that has given its session another name, as applications do for each
// request, is known by what it holds of the fuse.
func TestAShadowUnderAnotherNameIsEnded(t *testing.T) {
	w := newWorld(t)
	w.exec(w.session("setup"), txshadow.InstallSQL())
	dog := w.watch(w.dsn, settings())
	defer enter(t, dog)()
	shadow, live := w.session(shadowName), w.session("live")
	w.holds(shadow, 1)
	w.exec(shadow, "INSERT INTO txshadow.fuse VALUES ('nonce'); SET application_name = 'GET /orders'")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := live.Exec(ctx, "UPDATE accounts SET n = n + 1 WHERE id = 1"); err != nil {
		t.Errorf("the live UPDATE: %v", err)
	}
	if n := w.n(1); n != 1 {
		t.Errorf("n is %d", n)
	}
}

// Sessions that are no shadows are left alone, whoever waits for them, and so
// is a shadow that nobody waits for.
func TestOnlyShadowsInTheWayAreEnded(t *testing.T) {
	w := newWorld(t)
	dog := w.watch(w.dsn, settings())
	defer enter(t, dog)()
	holder, waiter, shadow, other := w.session("live"), w.session("live"), w.session(shadowName), w.session(shadowName)
	w.holds(holder, 1)
	w.holds(shadow, 2)
	waited := make(chan error, 2)
	go func() {
		_, err := waiter.Exec(t.Context(), "UPDATE accounts SET n = n + 1 WHERE id = 1")
		waited <- err
	}()
	go func() { // a shadow that waits for a shadow: its own lock_timeout is what ends that
		_, err := other.Exec(t.Context(), "SET lock_timeout = '600ms'; UPDATE accounts SET n = n + 1 WHERE id = 2")
		waited <- err
	}()
	err := <-waited
	if err == nil || !strings.Contains(err.Error(), "lock timeout") {
		t.Errorf("the shadow that waits for a shadow: %v", err)
	}
	w.exec(holder, "COMMIT")
	if err := <-waited; err != nil {
		t.Errorf("the live session that waits for a live one: %v", err)
	}
	w.exec(shadow, "ROLLBACK")
	if s := dog.State(); s.Blocking+s.Overdue+s.RolledBack != 0 {
		t.Errorf("something was ended: %+v", s)
	}
}

// pg_blocking_pids gives 0 for a prepared transaction: the one that is in the
// way is found by its locks, others stay.
func TestPreparedShadowsInTheWayAreRolledBack(t *testing.T) {
	w := newWorld(t)
	setup := w.session("setup")
	w.holds(setup, 1)
	w.exec(setup, "PREPARE TRANSACTION 'txshadow-a-1'")
	w.holds(setup, 2)
	w.exec(setup, "PREPARE TRANSACTION 'somebody-else'")
	dog := w.watch(w.dsn, settings())
	defer enter(t, dog)()
	w.exec(w.session("live"), "UPDATE accounts SET n = n + 1 WHERE id = 1")
	if n := w.n(1); n != 1 {
		t.Errorf("n is %d", n)
	}
	w.until("it is counted", func() bool { return dog.State().RolledBack == 1 })
	w.exec(setup, "COMMIT PREPARED 'somebody-else'")
}

// What is older than a shadow may be is ended without anybody waiting for it, at
// the start and later, whoever has left it behind.
func TestOrphansAreEnded(t *testing.T) {
	w := newWorld(t)
	shadow, setup, idle := w.session(shadowName), w.session("setup"), w.session(shadowName)
	w.exec(idle, "SELECT 1")
	w.holds(shadow, 1)
	w.holds(setup, 2)
	w.exec(setup, "PREPARE TRANSACTION 'txshadow-a-1'")
	s := settings()
	s.Cap = 50 * time.Millisecond
	time.Sleep(s.Cap)
	dog := w.watch(w.dsn, s)
	w.until("both are ended", func() bool { st := dog.State(); return st.Overdue == 1 && st.RolledBack == 1 && st.Orphans == 0 })
	w.holds(setup, 2)
	w.exec(setup, "PREPARE TRANSACTION 'txshadow-a-2'")
	w.until("the next is ended too", func() bool { return dog.State().RolledBack == 2 })
	w.exec(idle, "SELECT 1") // a spare session without a transaction stays
}

// What a service leaves prepared is rolled back once it is too old, long before
// the next sweep: by then nobody looks any more for who waits for it.
func TestAnOrphanDoesNotWaitForTheNextSweep(t *testing.T) {
	w := newWorld(t)
	dog := w.run(w.dsn, watchdog.Settings{MaxShadows: 4, Grace: 100 * time.Millisecond, Cap: 300 * time.Millisecond}, func(c *watchdog.Config) { c.SweepEvery = time.Hour })
	w.until("it watches", func() bool { return dog.State().Watching })
	leave := enter(t, dog)
	setup := w.session("setup")
	w.holds(setup, 1)
	w.exec(setup, "PREPARE TRANSACTION 'txshadow-a-1'")
	leave()
	w.until("the orphan is rolled back", func() bool { return dog.State().RolledBack == 1 })
}

// Rights: with pg_monitor and pg_signal_backend sessions of another role are
// ended; a prepared transaction only by its owner, or who may become it.
func TestRightsOfTheWatchdog(t *testing.T) {
	w := newWorld(t)
	app, guard := w.role("app"), w.role("guard")
	admin := w.session("setup")
	w.exec(admin, "GRANT pg_monitor, pg_signal_backend TO "+guard)
	owner := w.sessionOf(w.as(app), shadowName)
	w.holds(owner, 2)
	w.exec(owner, "PREPARE TRANSACTION 'txshadow-a-1'")
	s := settings()
	s.Cap = 50 * time.Millisecond
	time.Sleep(s.Cap)
	dog := w.watch(w.as(guard), s)
	w.until("the orphan is an alarm", func() bool {
		st := dog.State()
		return st.Orphans == 1 && st.Failed > 0 && strings.Contains(st.Fault, "txshadow-a-1")
	})

	w.holds(owner, 1)
	w.until("the session is ended", func() bool { return dog.State().Overdue == 1 })

	w.exec(admin, "GRANT "+app+" TO "+guard)
	w.until("the orphan is rolled back", func() bool { st := dog.State(); return st.Orphans == 0 && st.RolledBack == 1 })
}

// Without the right to see what others do nothing could be ended, and no load is
// seen: no shadow is run until the right is there.
func TestAWatchdogThatSeesNothing(t *testing.T) {
	w := newWorld(t)
	guard := w.role("guard")
	dog := w.watch(w.as(guard), settings())
	if _, refusal := dog.Enter(); refusal != watchdog.Unwatched || dog.State().Sees {
		t.Errorf("%q, %+v", refusal, dog.State())
	}
	w.exec(w.session("setup"), "GRANT pg_monitor TO "+guard)
	w.until("it sees", func() bool { return dog.State().Sees })
	enter(t, dog)()
	if s := w.watch(w.dsn, settings()).State(); !s.Sees {
		t.Errorf("%+v", s)
	}
}

// Shadows are bounded, and refused while the database can not be watched; both
// end by themselves.
func TestEnter(t *testing.T) {
	w := newWorld(t)
	s := settings()
	s.MaxShadows = 2
	dog := w.watch(w.dsn, s)
	first, second := enter(t, dog), enter(t, dog)
	if _, refusal := dog.Enter(); refusal != watchdog.Full {
		t.Errorf("the third: %q", refusal)
	}
	first()
	first() // twice is once
	third := enter(t, dog)
	if _, refusal := dog.Enter(); refusal != watchdog.Full {
		t.Errorf("the fourth: %q", refusal)
	}
	second()
	third()
	if st := dog.State(); st.UnderWay != 0 || st.Full != 2 {
		t.Errorf("%+v", st)
	}

	name := w.session("setup").Config().Database
	admin := w.sessionOf(pgtest.Cluster(t).DSN("postgres"), "setup")
	w.exec(admin, fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS false", name))
	w.exec(admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'quack watchdog' AND datname = '"+name+"'")
	w.until("it has lost its connection", func() bool { return !dog.State().Watching })
	if _, refusal := dog.Enter(); refusal != watchdog.Unwatched {
		t.Errorf("without a connection: %q", refusal)
	}
	w.exec(admin, fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS true", name))
	w.until("it watches again", func() bool { return dog.State().Watching })
	enter(t, dog)()
}

// Without a DSN, or switched off, there is the bound and nothing else.
func TestTheBoundAlone(t *testing.T) {
	for _, c := range []struct {
		reason, dsn string
		off         bool
	}{{"no DSN", "", false}, {"switched off", "postgres://127.0.0.1:1/none", true}} {
		dog, err := watchdog.New(watchdog.Config{Name: "shop", DSN: c.dsn}, watchdog.Settings{MaxShadows: 1, Off: c.off})
		if err != nil {
			t.Fatal(err)
		}
		defer enter(t, dog)()
		if _, refusal := dog.Enter(); refusal != watchdog.Full {
			t.Errorf("%s: %q", c.reason, refusal)
		}
	}
}

// A DSN that can not be read does not show what stands in it.
func TestABadDSNIsNotShown(t *testing.T) {
	_, err := watchdog.New(watchdog.Config{Name: "shop", DSN: "postgres://u:hunter2@host:notaport/db"}, settings())
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), `"shop"`) {
		t.Errorf("%v", err)
	}
}
