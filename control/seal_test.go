package control_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/store"
)

// heir is a second control over the same folder, as a process has it that takes
// over.
func (w *world) heir() *world {
	w.t.Helper()
	fd, err := syscall.Dup(int(w.db.Lock().Fd()))
	if err != nil {
		w.t.Fatal(err)
	}
	h := &world{t: w.t, dir: w.dir, log: &lockedBuffer{}}
	if h.db, err = store.OpenInherited(w.t.Context(), w.dir, os.NewFile(uintptr(fd), "lock"), readonly.Schema, control.Schema); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { h.db.Close() })
	if h.gate, err = readonly.Open(w.t.Context(), h.db); err != nil {
		w.t.Fatal(err)
	}
	if h.Control, err = control.Open(w.t.Context(), control.Config{Store: h.db, Gate: h.gate}); err != nil {
		w.t.Fatal(err)
	}
	return h
}

func TestSealedChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.use(file("legacy", "shadow"))
	w.Latch(control.Latch{Route: "create", RequestID: "r0"})
	w.Seal()
	ctx := t.Context()
	_, freeze := w.Freeze(ctx, "ann", "x", 0)
	_, thaw := w.Thaw(ctx, "ann", "x")
	for what, err := range map[string]error{
		"a stage":     w.set("show", "new", 0),
		"a reset":     w.ResetLatch(ctx, "create", "ann", "x"),
		"a reload":    w.Use(ctx, table(t, file("legacy", "legacy"))),
		"readonly on": freeze, "readonly off": thaw,
	} {
		if !errors.Is(err, control.ErrSealed) {
			t.Errorf("%s of a sealed control: %v", what, err)
		}
	}
	if w.stage("show") != "legacy" || w.stage("create") != "shadow" || w.gate.State().Epoch != 0 || !w.Latched("create") {
		t.Errorf("sealed, and changed: show %s, create %s, gate %+v", w.stage("show"), w.stage("create"), w.gate.State())
	}
	w.Unseal()
	w.mustSet("show", "new", 0)
	w.restart()
	w.use(file("legacy", "shadow"))
	if w.stage("show") != "new" {
		t.Error("a change after Unseal is not kept")
	}
}

// The old process knows stages and leaks as they were when it handed over. What
// it writes after that must not bring them back.
func TestLeakOfTheOldProcess(t *testing.T) {
	old := newWorld(t)
	old.use(file("legacy", "shadow"))
	old.Latch(control.Latch{Route: "create", RequestID: "r0", Why: "before"})
	old.Seal()
	heir := old.heir()
	heir.use(file("legacy", "shadow"))
	if !heir.Latched("create") {
		t.Fatal("the heir does not know of the leak")
	}
	if err := heir.ResetLatch(t.Context(), "create", "ann", "mended"); err != nil {
		t.Fatal(err)
	}
	heir.mustSet("show", "new", 0)

	old.Latch(control.Latch{Route: "update", RequestID: "r1", Why: "while draining"})
	heir.mustSet("show", "verify", 0) // writes all that the heir knows
	if heir.Latched("update") {
		t.Error("the heir knows of a leak that it has not read")
	}
	if err := heir.RereadLatches(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l := heir.Latches(); len(l) != 1 || l[0].Route != "update" || l[0].RequestID != "r1" {
		t.Errorf("latches of the heir: %+v, want that of the old process alone", l)
	}
	old.db.Close()
	heir.restart()
	heir.use(file("legacy", "shadow"))
	if l := heir.Latches(); len(l) != 1 || l[0].Route != "update" || heir.stage("show") != "verify" {
		t.Errorf("after a restart: latches %+v, show at %s", l, heir.stage("show"))
	}
}

func TestRereadKeepsTheLaterLeak(t *testing.T) {
	old := newWorld(t)
	old.use(file("legacy", "shadow"))
	old.Seal()
	heir := old.heir()
	heir.use(file("legacy", "shadow"))
	at := control.Latch{Route: "create", RequestID: "old", Why: "x"}
	old.Latch(at)
	heir.Latch(control.Latch{Route: "create", RequestID: "heir", Why: "y"})
	if err := heir.RereadLatches(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l := heir.Latches(); len(l) != 1 || l[0].RequestID != "heir" {
		t.Errorf("latches %+v, want the later one", l)
	}
}
