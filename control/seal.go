package control

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrSealed is returned for a change of the state while, or after, it is handed
// over to another process.
var ErrSealed = errors.New("this process hands over to a new one\nask again in a moment: the new one answers then")

// Seal ends the changes of this process: from here on Use, SetStage, Freeze,
// Thaw and ResetLatch return ErrSealed and change nothing, so that another
// process can read the state and change it. It waits for the change that is
// being made. A suspected leak still latches its route in this process, and is
// written for the other one to read.
func (c *Control) Seal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = true
}

// Unseal takes the state back: the other process has changed nothing.
func (c *Control) Unseal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = false
}

// RereadLatches adds the suspected leaks that another process has written
// meanwhile; for the one that has taken over.
func (c *Control) RereadLatches(ctx context.Context) error {
	c.mu.Lock() // a reset must not be undone by what was read before it
	defer c.mu.Unlock()
	kept, err := readLatches(ctx, c.db)
	if err != nil {
		return fmt.Errorf("read the suspected leaks: %w", err)
	}
	for route, l := range kept {
		known, latched := (*c.latches.Load())[route]
		if latched && !l.At.After(known.At) {
			continue
		}
		c.addLatch(l)
		c.log.Error("leak suspected by the process before this one: writes of this route are not shadowed until it is reset",
			"route", l.Route, "backend", l.Backend, "request_id", l.RequestID, "why", l.Why, "next step", nextStep(l.Route))
	}
	return nil
}

// writeLatchAlone stores one latch and nothing else of what this process knows.
// The caller holds mu.
func (c *Control) writeLatchAlone(l Latch, e Entry) error {
	ctx := context.Background()
	return c.db.Write(ctx, func(tx *sql.Tx) error {
		if err := saveLatches(ctx, tx, map[string]Latch{l.Route: l}); err != nil {
			return err
		}
		return saveEntry(ctx, tx, e)
	})
}
