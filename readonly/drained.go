package readonly

import (
	"context"
	"fmt"
	"time"
)

// look is how often Drained looks again. The end of a write signals nothing,
// because that would cost each write something; an operator waits for seconds.
const look = 2 * time.Millisecond

// Drained returns nil when every write that entered before the freeze has
// left and no process before this one is left (see Succeed), or ctx's error with the number still under way, or ErrOpen.
//
// Nil says: since a moment before Drained returned no write is under way, and
// none can be until the next Thaw. That holds while the gate is closed; it is
// checked after the last look, so that a gate opened meanwhile gives ErrOpen.
func (g *Gate) Drained(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		done, err := g.lookDrained()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %d writes under way to end: %w", g.UnderWay(), ctx.Err())
		case <-tick.C:
		}
	}
}

func (g *Gate) lookDrained() (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.current.Load().state.ReadOnly {
		return false, ErrOpen
	}
	g.forget()
	return len(g.open) == 0 && !g.preceded(), nil
}
