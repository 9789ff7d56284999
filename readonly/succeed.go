package readonly

import (
	"context"
	"errors"
	"fmt"
)

// ErrPreceded is returned by [Gate.Settled] when the process before this one is
// still there.
var ErrPreceded = errors.New("the process before this one still finishes its requests")

// Succeed says that another process, which has handed over to this one, still
// finishes its requests, and lets writes among them through as it did before,
// whatever is done to this gate, until ended is closed. To be called before the
// gate is used.
func (g *Gate) Succeed(ended <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.before = ended
}

// Settled returns nil once the state of this gate is the only one: no process
// before this one is left. Until then a write may be let through that this
// gate's state forbids. It returns ErrPreceded when ctx ends first.
func (g *Gate) Settled(ctx context.Context) error {
	g.mu.Lock()
	ended := g.before
	g.mu.Unlock()
	if ended == nil {
		return nil
	}
	select {
	case <-ended:
		return nil
	default:
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrPreceded, ctx.Err())
	}
}

// preceded reports whether a process before this one is left. The caller holds
// mu.
func (g *Gate) preceded() bool {
	if g.before == nil {
		return false
	}
	select {
	case <-g.before:
		g.before = nil
		return false
	default:
		return true
	}
}
