package upstream

import (
	"context"
	"slices"
	"sync"
	"time"
)

// idleTimeout is how long an idle connection is kept.
const idleTimeout = 90 * time.Second

// provenFresh is how long after its last answer a connection may carry a
// request that can not be sent again (ReuseRecent).
const provenFresh = time.Second

// pool is an instance's idle connections, the longest idle first. The one used
// last is taken first: those that are not needed age and go.
type pool struct {
	mu   sync.Mutex
	idle []*conn
	// patient is that a connection was seen open after it had been idle for
	// provenFresh, and none was found closed sooner since. A server that closes
	// sooner could do so in the very moment in which a request comes.
	patient bool
}

// take takes the connection used last, when that is no longer ago than within;
// nil when there is none. Within provenFresh or less it has to be one of a
// patient server.
func (p *pool) take(within time.Duration, now time.Time) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 || within <= provenFresh && !p.patient {
		return nil
	}
	c := p.idle[last]
	if now.Sub(c.since) > within {
		return nil
	}
	p.idle[last] = nil
	p.idle = p.idle[:last]
	c.idled = now.Sub(c.since)
	return c
}

// put keeps c, or closes it where the instance keeps none or enough.
func (p *pool) put(i *Instance, c *conn, now time.Time) {
	c.since, c.kept = now, true
	p.mu.Lock()
	keep := i.keeps() && len(p.idle) < i.options.IdleConns // seen under the lock: closeAll comes after
	if keep {
		if !p.patient && len(p.idle) > 0 && now.Sub(p.idle[0].since) >= provenFresh {
			p.patient = p.idle[0].wire.quiet()
		}
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !keep {
		c.hangUp()
	}
}

// found notes whether a connection that had been idle was open still.
func (p *pool) found(open bool, c *conn) {
	if (c.idled >= provenFresh) != open {
		return // says nothing
	}
	p.learn(open)
}

func (p *pool) learn(patient bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.patient = patient
}

// sweep closes connections that are too old, or that the other end has closed.
func (p *pool) sweep(now time.Time) {
	p.mu.Lock()
	var gone []*conn
	p.idle = slices.DeleteFunc(p.idle, func(c *conn) bool {
		open, age := c.wire.quiet(), now.Sub(c.since)
		if open && age <= idleTimeout {
			p.patient = p.patient || age >= provenFresh
			return false
		}
		p.patient = p.patient && age >= provenFresh
		gone = append(gone, c)
		return true
	})
	p.mu.Unlock()
	for _, c := range gone {
		c.hangUp()
	}
}

func (p *pool) closeAll() {
	p.mu.Lock()
	gone := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range gone {
		c.hangUp()
	}
}

// sweepIdle sweeps the instances' idle connections until ctx ends.
func (b *Backend) sweepIdle(ctx context.Context) {
	tick := time.NewTicker(idleTimeout / 9)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, i := range b.instances {
				i.idle.sweep(now)
			}
		}
	}
}
