package readonly_test

import (
	"context"
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestDrainedProvesThatNoWriteIsUnderWay lets thousands of goroutines write
// through a gate that is closed and opened all the time. quiet is set while the
// gate is known to be drained: a write that was let through and sees it set is
// one that the gate lost.
func TestDrainedProvesThatNoWriteIsUnderWay(t *testing.T) {
	// Many more threads than cores: the system takes the core from them between
	// any two instructions of Enter, and gives it back milliseconds later.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(16))
	const writers, burst = 3000, 8
	g, _ := openGate(t, t.TempDir())
	var written, blocked, lost atomic.Int64
	var quiet, stop atomic.Bool
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for !stop.Load() {
				for range burst {
					pass, s := g.Enter()
					n := &written
					if s.ReadOnly {
						n = &blocked
					} else if quiet.Load() {
						n = &lost
					}
					pass.Leave()
					n.Add(1)
				}
				runtime.Gosched()
			}
		})
	}
	for range 20 {
		freeze(t, g)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := g.Drained(ctx)
		cancel()
		if err != nil {
			t.Errorf("blocked writes kept the gate from draining: %v", err)
			break
		}
		quiet.Store(true)
		awaitMore(&blocked, 2*writers*burst) // about two turns of every writer
		quiet.Store(false)
		thaw(t, g)
		awaitMore(&written, writers)
	}
	stop.Store(true)
	wg.Wait()
	if n := lost.Load(); n != 0 {
		t.Errorf("%d writes were under way after Drained", n)
	}
	if n := g.UnderWay(); n != 0 {
		t.Errorf("%d under way at the end", n)
	}
}

// TestLateEntrant holds a request up at each point of Enter while the gate is
// closed and drained: it must be seen by Drained or not be let in.
func TestLateEntrant(t *testing.T) {
	g, _ := openGate(t, t.TempDir())
	late := g.LoadPeriod()
	freeze(t, g)
	if err := g.Drained(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, in := late.Enter(); in {
		t.Error("let in to a period that has ended and was drained")
	}
	if err := g.Drained(t.Context()); err != nil {
		t.Errorf("who was not let in is waited for: %v", err)
	}

	thaw(t, g)
	inTime := g.LoadPeriod()
	pass, in := inTime.Enter()
	if !in {
		t.Fatal("not let in to the period in force")
	}
	freeze(t, g)
	if err := g.Drained(soon(t)); err == nil {
		t.Error("a write that was let in is not waited for")
	}
	pass.Leave()
}

// awaitMore returns when n has grown by more.
func awaitMore(n *atomic.Int64, more int64) {
	for want := n.Load() + more; n.Load() < want; {
		time.Sleep(100 * time.Microsecond)
	}
}

// TestGateAgainstAModel drives the gate through random sequences of enter,
// leave, freeze and thaw. The model: a pass belongs to the state it was given,
// Drained holds exactly when no pass given by an open gate is left.
func TestGateAgainstAModel(t *testing.T) {
	if err := flag.Set("rapid.checks", "25"); err != nil { // each change is an fsync
		t.Fatal(err)
	}
	g, _ := openGate(t, t.TempDir())
	type held struct {
		leave    func()
		readOnly bool
	}
	rapid.Check(t, func(rt *rapid.T) {
		var passes []held
		frozen := g.State().ReadOnly
		epoch := g.State().Epoch
		rt.Repeat(map[string]func(*rapid.T){
			"enter": func(rt *rapid.T) {
				pass, s := g.Enter()
				if s.ReadOnly != frozen || s.Epoch != epoch {
					rt.Fatalf("entered under %+v, the gate is at epoch %d", s, epoch)
				}
				passes = append(passes, held{leave: pass.Leave, readOnly: s.ReadOnly})
			},
			"leave": func(rt *rapid.T) {
				if len(passes) == 0 {
					rt.Skip()
				}
				i := rapid.IntRange(0, len(passes)-1).Draw(rt, "which")
				passes[i].leave()
				passes = append(passes[:i], passes[i+1:]...)
			},
			"freeze": func(*rapid.T) { freeze(t, g); frozen = true; epoch++ },
			"thaw":   func(*rapid.T) { thaw(t, g); frozen = false; epoch++ },
			"": func(rt *rapid.T) {
				var writes int64
				for _, p := range passes {
					if !p.readOnly {
						writes++
					}
				}
				if n := g.UnderWay(); n != writes {
					rt.Fatalf("%d under way, want %d", n, writes)
				}
				gone, cancel := context.WithCancel(t.Context())
				cancel()
				err := g.Drained(gone)
				if (err == nil) != (frozen && writes == 0) {
					rt.Fatalf("drained: %v; frozen %v, %d writes under way", err, frozen, writes)
				}
			},
		})
		for _, p := range passes {
			p.leave()
		}
	})
}
