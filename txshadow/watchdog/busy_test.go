package watchdog_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quackproxy/quack/txshadow/watchdog"
)

// A database above a limit gets no shadows, until it has been below for a while.
// Each limit is reached for real.
func TestBusy(t *testing.T) {
	for _, c := range []struct {
		limit  string
		limits watchdog.Limits
		reach  func(w *world) (undo func())
	}{
		{"oldest_transaction", watchdog.Limits{OldestTransaction: 300 * time.Millisecond}, func(w *world) func() {
			conn := w.session("live")
			w.exec(conn, "BEGIN; SELECT 1")
			return func() { w.exec(conn, "COMMIT") }
		}},
		{"oldest_transaction", watchdog.Limits{OldestTransaction: 300 * time.Millisecond}, func(w *world) func() {
			conn := w.session("live")
			w.holds(conn, 1)
			w.exec(conn, "PREPARE TRANSACTION 'of the application'")
			return func() { w.exec(conn, "ROLLBACK PREPARED 'of the application'") }
		}},
		{"connections", watchdog.Limits{Connections: 0.15}, func(w *world) func() {
			var close []func()
			for range 35 { // of 197
				conn := w.session("live")
				close = append(close, func() { conn.Close(w.t.Context()) })
			}
			return func() {
				for _, f := range close {
					f()
				}
			}
		}},
		{"locks_waiting", watchdog.Limits{LocksWaiting: 1}, func(w *world) func() {
			holder := w.session("live")
			w.holds(holder, 1)
			var waiting sync.WaitGroup
			for range 2 {
				waiter := w.session("live")
				waiting.Go(func() {
					if _, err := waiter.Exec(w.t.Context(), "UPDATE accounts SET n = 1 WHERE id = 1"); err != nil {
						w.t.Error(err)
					}
				})
			}
			return func() { w.exec(holder, "COMMIT"); waiting.Wait() }
		}},
		{"retained_wal", watchdog.Limits{RetainedWAL: 1 << 20}, func(w *world) func() {
			conn := w.session("decoder")
			w.exec(conn, "SELECT pg_create_logical_replication_slot('txshadow_test', 'test_decoding', true)")
			w.exec(w.session("live"), "SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000000)) FROM generate_series(1, 3)")
			return func() { w.exec(conn, "SELECT pg_drop_replication_slot('txshadow_test')") }
		}},
	} {
		t.Run(c.limit, func(t *testing.T) {
			w := newWorld(t)
			s := settings()
			s.Limits = c.limits
			dog := w.watch(w.dsn, s)
			enter(t, dog)()
			undo := c.reach(w)
			busy := func() bool {
				leave, refusal := dog.Enter()
				leave()
				return refusal == watchdog.Busy
			}
			w.until("it is busy", busy)
			if st := dog.State(); !strings.HasPrefix(st.Busy, c.limit+": ") || st.Refused == 0 || st.Load.At.IsZero() || st.Load.MaxConnections < 100 {
				t.Errorf("%+v", st)
			}
			undo()
			w.until("it is not busy any more", func() bool { return !busy() })
		})
	}
}

// Shadows and the watchdog do not count as what the database has to do.
func TestShadowsAreNoLoad(t *testing.T) {
	w := newWorld(t)
	s := settings()
	s.Limits = watchdog.Limits{OldestTransaction: 200 * time.Millisecond}
	dog := w.watch(w.dsn, s)
	shadow := w.session(shadowName)
	w.exec(shadow, "BEGIN; SELECT 1")
	time.Sleep(300 * time.Millisecond)
	begun := time.Now()
	enter(t, dog)()
	w.until("it is measured", func() bool { return dog.State().Load.At.After(begun) })
	if st := dog.State(); st.Busy != "" {
		t.Errorf("%+v", st)
	}
}

// While shadows are not wanted nothing is measured.
func TestNothingIsMeasuredUnasked(t *testing.T) {
	w := newWorld(t)
	dog := w.watch(w.dsn, settings())
	time.Sleep(200 * time.Millisecond)
	if st := dog.State(); !st.Load.At.IsZero() {
		t.Errorf("%+v", st)
	}
}
