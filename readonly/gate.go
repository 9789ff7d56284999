package readonly

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quackproxy/quack/store"
)

// Gate is the gate. Safe for concurrent use; Enter takes no lock.
type Gate struct {
	db *store.DB

	current atomic.Pointer[period]

	mu sync.Mutex // one change at a time
	// open are the ended periods of an open gate in which writes may still be
	// under way; Drained waits for them and forgets them.
	open     []*period
	before   <-chan struct{} // closed when the process before this one has ended; nil without one
	onChange func(ctx context.Context, tx *sql.Tx, s State) error
}

// Open reads the gate's state from the store.
func Open(ctx context.Context, db *store.DB) (*Gate, error) {
	s, err := load(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("read the gate's state: %w", err)
	}
	g := &Gate{db: db}
	g.current.Store(newPeriod(s))
	return g, nil
}

// OnChange sets what else is written in the transaction of each change (the
// audit); its error undoes the change. To be called before the gate is used.
func (g *Gate) OnChange(f func(ctx context.Context, tx *sql.Tx, s State) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onChange = f
}

// Enter counts a write as under way, then reads the state. The caller must
// call Leave at the end of the request, whatever the state says: a write that
// is blocked leaves at once.
//
// A request that passes a closed gate marked (the route says `skip`) keeps its
// pass to its end like any other, but is not waited for by Drained and not
// counted by UnderWay: its backend leaves the writes out, so it is not a write
// to the system. One that entered before the freeze carries no mark and is.
func (g *Gate) Enter() (Pass, State) {
	for {
		p := g.current.Load()
		if pass, ok := g.enter(p); ok {
			return pass, p.state
		}
	}
}

// enter counts in p, which was loaded a moment ago, and then looks whether p is
// in force; see period for why in this order.
func (g *Gate) enter(p *period) (Pass, bool) {
	c := p.count()
	c.n.Add(1)
	if g.current.Load() != p {
		c.n.Add(-1)
		return Pass{}, false
	}
	return Pass{count: c}, true
}

// Pass is the leave of one write to be under way. The zero Pass is of a
// request that does not write, and its Leave does nothing. A Pass must not be
// copied once it is in use: each copy would leave for itself.
type Pass struct {
	count *count
}

// Leave ends the pass; further calls do nothing. It is not safe to call it
// from two goroutines at once.
func (p *Pass) Leave() {
	if p.count == nil {
		return
	}
	p.count.n.Add(-1)
	p.count = nil
}

// State is the state in force; it takes no lock.
func (g *Gate) State() State { return g.current.Load().state }

// UnderWay is the number of writes that were let through and have not left.
// While writes come and go it is a close guess; once the gate is closed 0 is
// exact, and stays. A process before this one (see Succeed) counts as one write.
func (g *Gate) UnderWay() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	var n int64
	for _, p := range g.open {
		n += p.underWay()
	}
	if g.preceded() {
		n++
	}
	if p := g.current.Load(); !p.state.ReadOnly {
		n += p.underWay()
	}
	return n
}

// Freeze begins read-only mode. forDur, when > 0, announces its length.
// Freezing a frozen gate changes why, by and until, and counts an epoch.
func (g *Gate) Freeze(ctx context.Context, by, why string, forDur time.Duration) (State, error) {
	if forDur < 0 {
		return g.State(), fmt.Errorf("close the gate: a length of %q is below zero", forDur)
	}
	s, err := g.change(ctx, State{ReadOnly: true, By: by, Why: why}, forDur)
	if err != nil {
		return s, fmt.Errorf("close the gate: %w", err)
	}
	return s, nil
}

// Thaw ends read-only mode.
func (g *Gate) Thaw(ctx context.Context, by, why string) (State, error) {
	s, err := g.change(ctx, State{By: by, Why: why}, 0)
	if err != nil {
		return s, fmt.Errorf("open the gate: %w", err)
	}
	return s, nil
}

// change writes the next state and puts it in force, in this order: a process
// that dies in between comes back with a state that was asked for.
func (g *Gate) change(ctx context.Context, next State, forDur time.Duration) (State, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.current.Load()
	if err := ctx.Err(); err != nil {
		return old.state, err
	}
	// A caller that goes away during the commit must not leave it unknown
	// whether the state on disk is the one in force.
	ctx = context.WithoutCancel(ctx)
	next.Epoch = old.state.Epoch + 1
	next.Since = time.Now().UTC().Round(0)
	if forDur > 0 {
		next.Until = next.Since.Add(forDur)
	}
	err := g.db.Write(ctx, func(tx *sql.Tx) error {
		if err := save(ctx, tx, next); err != nil {
			return err
		}
		if g.onChange == nil {
			return nil
		}
		return g.onChange(ctx, tx, next)
	})
	if err != nil {
		// A commit whose answer was lost may have happened. What the disk
		// holds is what a restart would give.
		if kept, again := load(ctx, g.db); again != nil || kept.Epoch != next.Epoch {
			return old.state, err
		}
	}
	g.current.Store(newPeriod(next))
	if !old.state.ReadOnly {
		g.open = append(g.open, old)
	}
	g.forget()
	return next, nil
}

// forget drops the ended periods in which nothing is under way. The caller
// holds mu.
func (g *Gate) forget() {
	rest := g.open[:0]
	for _, p := range g.open {
		if !p.drained() {
			rest = append(rest, p)
		}
	}
	clear(g.open[len(rest):])
	g.open = rest
}
