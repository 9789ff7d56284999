package readonly_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/store"
)

func TestMain(m *testing.M) {
	runChild()
	goleak.VerifyTestMain(m)
}

func openStore(t *testing.T, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dir, readonly.Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openGate(t *testing.T, dir string) (*readonly.Gate, *store.DB) {
	t.Helper()
	db := openStore(t, dir)
	g, err := readonly.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return g, db
}

func freeze(t *testing.T, g *readonly.Gate) readonly.State {
	t.Helper()
	s, err := g.Freeze(t.Context(), "op", "moving the data", 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func thaw(t *testing.T, g *readonly.Gate) {
	t.Helper()
	if _, err := g.Thaw(t.Context(), "op", "done"); err != nil {
		t.Fatal(err)
	}
}

// soon is a context that ends after Drained has looked a few times.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestStateOfANewStore(t *testing.T) {
	g, _ := openGate(t, t.TempDir())
	if s := g.State(); s != (readonly.State{}) {
		t.Errorf("state %+v, want an open gate of epoch 0", s)
	}
	if n := g.UnderWay(); n != 0 {
		t.Errorf("%d under way", n)
	}
}

func TestChangesAreKept(t *testing.T) {
	dir := t.TempDir()
	g, db := openGate(t, dir)
	began := time.Now()
	first, err := g.Freeze(t.Context(), "ann", "moving accounts", 15*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if !first.ReadOnly || first.Epoch != 1 || first.Why != "moving accounts" || first.By != "ann" || first.Since.Before(began.Add(-time.Second)) {
		t.Errorf("state %+v", first)
	}
	if d := first.Until.Sub(first.Since); d != 15*time.Minute {
		t.Errorf("announced for %v, want 15m", d)
	}
	second, err := g.Freeze(t.Context(), "bob", "takes longer", 0)
	if err != nil {
		t.Fatal(err)
	}
	if !second.ReadOnly || second.Epoch != 2 || second.Why != "takes longer" || second.By != "bob" || !second.Until.IsZero() {
		t.Errorf("freezing a frozen gate gives %+v", second)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	g, db = openGate(t, dir)
	if s := g.State(); s != second {
		t.Errorf("after a restart %+v, want %+v", s, second)
	}
	if err := g.Drained(t.Context()); err != nil {
		t.Errorf("nothing is under way after a restart: %v", err)
	}
	thaw(t, g)
	db.Close()

	g, _ = openGate(t, dir)
	if s := g.State(); s.ReadOnly || s.Epoch != 3 || !s.Until.IsZero() {
		t.Errorf("after a thaw and a restart %+v", s)
	}
}

func TestRefusals(t *testing.T) {
	g, db := openGate(t, t.TempDir())
	if _, err := g.Freeze(t.Context(), "op", "x", -time.Second); err == nil || !strings.Contains(err.Error(), "-1s") {
		t.Errorf("negative length: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Freeze(gone, "op", "x", 0); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	db.Close()
	if _, err := g.Freeze(t.Context(), "op", "x", 0); err == nil {
		t.Error("a gate whose store is closed said it was closed")
	}
	if s := g.State(); s != (readonly.State{}) {
		t.Errorf("a freeze that was refused left %+v", s)
	}
}

func TestOnChangeStandsInTheSameTransaction(t *testing.T) {
	dir := t.TempDir()
	g, db := openGate(t, dir)
	refuse := errors.New("no room in the audit")
	var seen []readonly.State
	g.OnChange(func(_ context.Context, _ *sql.Tx, s readonly.State) error {
		seen = append(seen, s)
		if s.Why == "refuse" {
			return refuse
		}
		return nil
	})
	kept := freeze(t, g)
	if _, err := g.Thaw(t.Context(), "op", "refuse"); !errors.Is(err, refuse) {
		t.Fatalf("thaw: %v, want the hook's error", err)
	}
	if len(seen) != 2 || seen[0] != kept || seen[1].ReadOnly {
		t.Errorf("the hook saw %+v", seen)
	}
	if s := g.State(); s != kept {
		t.Errorf("in force is %+v, want %+v", s, kept)
	}
	db.Close()
	if g, _ = openGate(t, dir); g.State() != kept {
		t.Errorf("on disk is %+v, want %+v", g.State(), kept)
	}
}

func TestLeave(t *testing.T) {
	g, _ := openGate(t, t.TempDir())
	var none readonly.Pass
	none.Leave()
	pass, s := g.Enter()
	if s.ReadOnly || g.UnderWay() != 1 {
		t.Errorf("state %+v, %d under way", s, g.UnderWay())
	}
	pass.Leave()
	pass.Leave()
	if n := g.UnderWay(); n != 0 {
		t.Errorf("%d under way after leaving twice, want 0", n)
	}
}

func TestDrainedWaitsForWritesBeforeTheFreeze(t *testing.T) {
	g, _ := openGate(t, t.TempDir())
	pass, _ := g.Enter()
	freeze(t, g)
	err := g.Drained(soon(t))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "wait for 1 writes under way") {
		t.Fatalf("with a write under way: %v", err)
	}
	// Another word on the same freeze must not lose sight of the write.
	freeze(t, g)
	if err := g.Drained(soon(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("after a second freeze: %v", err)
	}
	pass.Leave()
	if err := g.Drained(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := g.UnderWay(); n != 0 {
		t.Errorf("%d under way", n)
	}
}

func TestDrainedSeesWritesOfEarlierOpenings(t *testing.T) {
	g, _ := openGate(t, t.TempDir())
	old, _ := g.Enter()
	for range 3 {
		freeze(t, g)
		thaw(t, g)
	}
	freeze(t, g)
	if err := g.Drained(soon(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a write from three openings ago is under way: %v", err)
	}
	old.Leave()
	if err := g.Drained(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestDrainedOfAnOpenGate(t *testing.T) {
	g, _ := openGate(t, t.TempDir())
	if err := g.Drained(t.Context()); !errors.Is(err, readonly.ErrOpen) {
		t.Errorf("an open gate: %v", err)
	}
	pass, _ := g.Enter()
	defer pass.Leave()
	freeze(t, g)
	waiting := make(chan error)
	go func() { waiting <- g.Drained(t.Context()) }()
	thaw(t, g)
	if err := <-waiting; !errors.Is(err, readonly.ErrOpen) {
		t.Errorf("opened while Drained waited: %v", err)
	}
}

func TestMarkedRequestsAreNotWaitedFor(t *testing.T) {
	g, _ := openGate(t, t.TempDir())
	freeze(t, g)
	skip, s := g.Enter()
	defer skip.Leave()
	if !s.ReadOnly {
		t.Fatal("entered an open gate")
	}
	if err := g.Drained(t.Context()); err != nil {
		t.Errorf("a request that passes marked held it up: %v", err)
	}
	if n := g.UnderWay(); n != 0 {
		t.Errorf("%d under way, want 0", n)
	}
}

func BenchmarkEnterLeave(b *testing.B) {
	db, err := store.Open(b.Context(), b.TempDir(), readonly.Schema)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	g, err := readonly.Open(b.Context(), db)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			pass, _ := g.Enter()
			pass.Leave()
		}
	})
}
