package control

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Latch is a route whose write shadowing is off because a leak is suspected.
type Latch struct {
	Route     string    `json:"route"`
	Backend   string    `json:"backend"`
	RequestID string    `json:"request_id"`
	Why       string    `json:"why"`
	At        time.Time `json:"at"`
}

// ErrNotLatched is returned when a route is reset that is not latched, and
// ErrLatchedAgain when another leak was suspected while it was being reset.
var (
	ErrNotLatched   = errors.New("no leak is suspected on this route")
	ErrLatchedAgain = errors.New("another leak was suspected meanwhile")
)

// Latched reports whether a leak is suspected on the route. It takes no lock.
func (c *Control) Latched(route string) bool {
	_, latched := (*c.latches.Load())[route]
	return latched
}

// Latch notes a suspected leak: in force at once, then on disk. It stands until
// it is reset; a further one of the route takes its place, and both are in the
// log and the audit. When the store can not be written the latch holds in this
// process, and is stored with the next change.
func (c *Control) Latch(l Latch) {
	if l.At.IsZero() {
		l.At = now()
	}
	c.addLatch(l)
	c.log.Error("leak suspected: writes of this route are not shadowed until it is reset",
		"route", l.Route, "backend", l.Backend, "request_id", l.RequestID, "why", l.Why, "next step", nextStep(l.Route))
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.writeLatch(l); err != nil {
		c.log.Error("the suspected leak is not on disk: a restart before the next change would forget it", "route", l.Route, "error", err)
	}
}

// nextStep is what a person does about a suspected leak.
func nextStep(route string) string {
	return "look at the backend's data for this request, mend the cause, then: quack reset '" + route + "' --why TEXT"
}

// writeLatch stores the latches as they are, and says in the audit that l was
// added. The caller holds mu.
func (c *Control) writeLatch(l Latch) error {
	what := fmt.Sprintf("%s: request %s to %s", l.Route, l.RequestID, l.Backend)
	e := Entry{At: l.At, By: "quack", Action: "latch", What: what, Why: l.Why}
	if c.sealed {
		return c.writeLatchAlone(l, e)
	}
	return c.write(context.Background(), c.overrides, *c.latches.Load(), e)
}

// writeReset stores that the latch of a route is no more.
func (c *Control) writeReset(ctx context.Context, route string, rest map[string]Latch, e Entry) error {
	ctx = context.WithoutCancel(ctx)
	return c.db.Write(ctx, func(tx *sql.Tx) error {
		if err := deleteLatch(ctx, tx, route); err != nil {
			return err
		}
		return save(ctx, tx, c.overrides, rest, []Entry{e})
	})
}

// Latches are the suspected leaks, by route.
func (c *Control) Latches() []Latch {
	return slices.SortedFunc(maps.Values(*c.latches.Load()), func(a, b Latch) int { return cmp.Compare(a.Route, b.Route) })
}

// ResetLatch lets the route's writes be shadowed again. Refused without a why,
// with ErrNotLatched, and with ErrLatchedAgain, then of the later leak. A latch
// can be reset whose route is no longer there.
func (c *Control) ResetLatch(ctx context.Context, route, by, why string) error {
	if err := c.resetLatch(ctx, route, by, why); err != nil {
		return fmt.Errorf("reset %q: %w", route, err)
	}
	return nil
}

func (c *Control) resetLatch(ctx context.Context, route, by, why string) error {
	why, err := reason(why)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.sealed {
		return ErrSealed
	}
	l, latched := (*c.latches.Load())[route]
	if !latched {
		if c.file != nil && c.file.Route(route) == nil {
			return unknownRoute(c.file, route)
		}
		return ErrNotLatched
	}
	rest := maps.Clone(*c.latches.Load())
	delete(rest, route)
	what := fmt.Sprintf("%s: latched %s by request %s", route, l.At.Format(time.RFC3339), l.RequestID)
	if err := c.writeReset(ctx, route, rest, Entry{At: now(), By: name(by), Action: "reset latch", What: what, Why: why}); err != nil {
		return err
	}
	c.removeLatch(l)
	if later, latched := (*c.latches.Load())[route]; latched {
		// Its own write waits for this one, or was made before it.
		return errors.Join(fmt.Errorf("%w: %s\nlook at request %s too, then reset again", ErrLatchedAgain, later.Why, later.RequestID), c.writeLatch(later))
	}
	c.log.Warn("suspected leak reset: writes of this route are shadowed again", "route", route, "by", name(by), "why", why)
	return nil
}

// addLatch puts l in force. It does not wait for a change that is being
// written: each further write of the route could leak too. It takes the place
// of the one before, so that a reset that is being written meanwhile does not
// remove it unseen.
func (c *Control) addLatch(l Latch) {
	for {
		old := c.latches.Load()
		next := maps.Clone(*old)
		next[l.Route] = l
		if c.latches.CompareAndSwap(old, &next) {
			return
		}
	}
}

// removeLatch removes l, if it is still the route's.
func (c *Control) removeLatch(l Latch) {
	for {
		old := c.latches.Load()
		if (*old)[l.Route] != l {
			return
		}
		next := maps.Clone(*old)
		delete(next, l.Route)
		if c.latches.CompareAndSwap(old, &next) {
			return
		}
	}
}
