package readonly_test

import (
	"context"
	"errors"
	"testing"

	"github.com/quackproxy/quack/readonly"
)

// While the process before this one may let a write through, nothing may say
// that none is under way.
func TestDrainedWaitsForTheProcessBefore(t *testing.T) {
	g, _ := openGate(t, t.TempDir())
	if err := g.Settled(t.Context()); err != nil {
		t.Errorf("a gate without a process before it: %v", err)
	}
	ended := make(chan struct{})
	g.Succeed(ended)
	freeze(t, g)
	if n := g.UnderWay(); n != 1 {
		t.Errorf("%d writes under way, want one for the process before", n)
	}
	if err := g.Drained(soon(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Drained with a process before: %v", err)
	}
	if err := g.Settled(soon(t)); !errors.Is(err, readonly.ErrPreceded) {
		t.Errorf("Settled with a process before: %v", err)
	}
	pass, s := g.Enter()
	pass.Leave()
	if !s.ReadOnly {
		t.Error("this process lets writes through")
	}

	drained, settled := make(chan error), make(chan error)
	go func() { drained <- g.Drained(t.Context()) }()
	go func() { settled <- g.Settled(t.Context()) }()
	close(ended)
	if err := <-drained; err != nil {
		t.Errorf("Drained after the process before has ended: %v", err)
	}
	if err := <-settled; err != nil {
		t.Errorf("Settled after the process before has ended: %v", err)
	}
	if n := g.UnderWay(); n != 0 {
		t.Errorf("%d writes under way, want 0", n)
	}
}
