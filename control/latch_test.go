package control_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/control"
)

func TestLatch(t *testing.T) {
	w := newWorld(t)
	w.use(file("legacy", "shadow"))
	at := time.Date(2026, 11, 23, 6, 30, 0, 5, time.UTC)
	leak := control.Latch{Route: "create", Backend: "accounts", RequestID: "r1", Why: "the answer was not acknowledged", At: at}
	if w.Latched("create") {
		t.Error("latched before anything happened")
	}
	w.Latch(control.Latch{Route: "create", Backend: "accounts", RequestID: "r0", Why: "no answer"})
	w.Latch(leak)
	if !w.Latched("create") || w.Latched("show") {
		t.Error("latched is not the route that it is about")
	}
	if got := w.Latches(); len(got) != 1 || got[0] != leak {
		t.Errorf("latches %+v, want the last one", got)
	}
	if !strings.Contains(w.log.String(), "level=ERROR msg=\"leak suspected") || !strings.Contains(w.log.String(), "quack reset '") {
		t.Error("that is not loud in the log")
	}

	w.restart()
	if got := w.Latches(); len(got) != 1 || got[0] != leak || !w.Latched("create") {
		t.Errorf("after a restart: %+v", got)
	}
	if strings.Count(w.log.String(), "leak suspected") != 3 {
		t.Error("a restart does not say it again")
	}
	w.use(file("legacy", "shadow"))
	if err := w.ResetLatch(t.Context(), "create", "ann", ""); !errors.Is(err, control.ErrNoWhy) {
		t.Errorf("reset without a why: %v", err)
	}
	if err := w.ResetLatch(t.Context(), "show", "ann", "x"); !errors.Is(err, control.ErrNotLatched) {
		t.Errorf("reset of a route that is not latched: %v", err)
	}
	if err := w.ResetLatch(t.Context(), "creat", "ann", "x"); !isA[*control.UnknownRoute](err) {
		t.Errorf("reset of a route that is not there: %v", err)
	}
	if err := w.ResetLatch(t.Context(), "create", "ann", "a retry of nginx"); err != nil {
		t.Fatal(err)
	}
	if w.Latched("create") || len(w.Latches()) != 0 {
		t.Error("still latched after the reset")
	}
	w.restart()
	if w.Latched("create") {
		t.Error("latched again after a restart")
	}
	want := []string{
		"quack | latch | create: request r0 to accounts | no answer",
		"quack | latch | create: request r1 to accounts | the answer was not acknowledged",
		"ann | reset latch | create: latched 2026-11-23T06:30:00Z by request r1 | a retry of nginx",
	}
	if got := w.audited("reload"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("audit:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A leak of a route that has left the file since must not be stuck for ever.
func TestResetOfARouteThatIsGone(t *testing.T) {
	w := newWorld(t)
	w.use(file("legacy", "shadow"))
	w.Latch(control.Latch{Route: "gone", Why: "x"})
	if err := w.ResetLatch(t.Context(), "gone", "ann", "not there any more"); err != nil {
		t.Error(err)
	}
}

// TestLeakDuringReset: a leak that is suspected while the one before it is
// being reset is not reset with it, and is on disk.
func TestLeakDuringReset(t *testing.T) {
	w := newWorld(t)
	w.use(file("legacy", "shadow"))
	w.Latch(control.Latch{Route: "create", RequestID: "r1", Why: "a"})
	hold, held, written := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		written <- w.db.Write(t.Context(), func(*sql.Tx) error { close(held); <-hold; return nil })
	}()
	<-held
	reset := make(chan error, 1)
	go func() { reset <- w.ResetLatch(t.Context(), "create", "ann", "mended") }()
	noted := make(chan struct{})
	go func() { defer close(noted); w.Latch(control.Latch{Route: "create", RequestID: "r2", Why: "b"}) }()
	for w.Latches()[0].RequestID != "r2" { // in force while the store is held
		time.Sleep(time.Millisecond)
	}
	close(hold)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	// Whether the reset had read the first latch or the second, one of the two
	// is not looked at yet unless the reset says that it was of the second.
	if err := <-reset; err == nil && w.Latched("create") {
		t.Error("the reset is said to have worked, and the route is latched")
	} else if err != nil && (!errors.Is(err, control.ErrLatchedAgain) || !strings.Contains(err.Error(), "r2") || !w.Latched("create")) {
		t.Errorf("the reset failed (%v), the route is latched: %t", err, w.Latched("create"))
	}
	<-noted
	latched := w.Latched("create")
	w.restart()
	if w.Latched("create") != latched {
		t.Errorf("latched %t, after a restart %t", latched, !latched)
	}
}
