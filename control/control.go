// Package control is where the state of a running proxy is changed: stages,
// the gate, latches; each change with who and why in the audit.
//
// Start with [Open]; [Control.Use] puts a table loaded from the file in force,
// with the live overrides laid over it; [Control.SetStage] makes an override.
// An override remembers the file's value that it replaced: the file wins again
// only when that value changes. Changes are in the store before they are in
// force.
package control

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/store"
)

// Config is the manual.
type Config struct {
	Store  *store.DB
	Gate   *readonly.Gate
	Log    *slog.Logger
	OnSwap func(*routes.Table) // called before a new table is in force (upstream sets); nil for none
}

// Control is the state of a running proxy. Safe for concurrent use.
type Control struct {
	db     *store.DB
	gate   *readonly.Gate
	log    *slog.Logger
	onSwap func(*routes.Table)

	table   atomic.Pointer[routes.Table]
	latches atomic.Pointer[map[string]Latch] // by route; a map is never changed once it stands here
	last    atomic.Pointer[load]

	mu        sync.Mutex          // one change at a time
	sealed    bool                // no changes: another process makes them
	file      *routes.Table       // as loaded, without overrides
	overrides map[string]Override // by route; those of routes that the file lacks wait here for their return
}

// load is the outcome of reading the file.
type load struct {
	at  time.Time // of the last success
	err error     // since then
}

// Open reads overrides and latches from the store. From here on each change of
// the gate is audited, in the transaction of the change.
func Open(ctx context.Context, c Config) (*Control, error) {
	overrides, latches, err := read(ctx, c.Store)
	if err != nil {
		return nil, fmt.Errorf("read the stages set live and the suspected leaks: %w", err)
	}
	ctl := &Control{db: c.Store, gate: c.Gate, log: c.Log, onSwap: c.OnSwap, overrides: overrides}
	if ctl.log == nil {
		ctl.log = slog.New(slog.DiscardHandler)
	}
	ctl.latches.Store(&latches)
	ctl.last.Store(&load{})
	c.Gate.OnChange(auditGate)
	for route, l := range latches {
		ctl.log.Error("leak suspected: writes of this route are not shadowed", "route", route, "backend", l.Backend, "request_id", l.RequestID, "since", l.At, "why", l.Why, "next step", nextStep(route))
	}
	return ctl, nil
}

// Table is the table in force, nil before the first Use. It takes no lock.
func (c *Control) Table() *routes.Table { return c.table.Load() }

// Use puts a table from the file in force with the overrides that still hold.
//
// An override ends when the file's value for its route has changed, and when
// the new file refuses it (its backend no longer rolls back, say). Both are
// logged and audited, and neither keeps a good file from being used. The
// override of a route that the new file does not have waits, out of force, for
// the route to come back: a route is lost for a moment in many an edit.
//
// A store that can not be written does not keep the file from being used
// either, since it may be the file that has to move traffic away: that is
// logged, and what was to be stored is stored with the next change.
func (c *Control) Use(ctx context.Context, t *routes.Table) error {
	if t == nil {
		return errors.New("put a table in force: there is none")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sealed {
		return fmt.Errorf("put a table in force: %w", ErrSealed)
	}
	keep, with, entries := c.reconcile(t)
	entries = append([]Entry{{
		At: now(), By: "file", Action: "reload",
		What: fmt.Sprintf("%s: %d routes, %d stages set live", short(t.Hash()), len(t.Routes()), len(c.inForce(keep, t))),
	}}, entries...)
	if err := c.write(ctx, keep, *c.latches.Load(), entries...); err != nil {
		c.log.Error("the file is in force, but that is not in the audit", "error", err)
	}
	c.overrides = keep
	c.file = t
	c.swap(with)
	c.last.Store(&load{at: now()})
	return nil
}

// LoadFailed notes that the file did not load; the table in force stays.
// LastLoad says so until a Use succeeds.
func (c *Control) LoadFailed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last.Store(&load{at: c.last.Load().at, err: err})
	c.log.Error("the routes file does not load; the table in force stays", "error", err)
}

// LastLoad is when the file was last put in force, and the error since then, if any.
func (c *Control) LastLoad() (at time.Time, err error) {
	l := c.last.Load()
	return l.at, l.err
}

// swap puts a table in force. The caller holds mu.
func (c *Control) swap(t *routes.Table) {
	if c.onSwap != nil {
		c.onSwap(t)
	}
	c.table.Store(t)
}

// write stores what stands in memory after a change, and what is to be said of
// it: whatever an earlier failure kept from the disk goes with it. A caller that
// goes away in between must not leave it unknown what is on disk.
func (c *Control) write(ctx context.Context, overrides map[string]Override, latches map[string]Latch, entries ...Entry) error {
	ctx = context.WithoutCancel(ctx)
	return c.db.Write(ctx, func(tx *sql.Tx) error {
		return save(ctx, tx, overrides, latches, entries)
	})
}

// Freeze closes the gate, audited. It takes a why: it is shown to the clients
// whose writes are blocked. length, when > 0, is announced. It returns when no
// process before this one is left that could let a write through; with
// readonly.ErrPreceded and the state that it made when ctx ends first.
func (c *Control) Freeze(ctx context.Context, by, why string, length time.Duration) (readonly.State, error) {
	why, err := reason(why)
	if err != nil {
		return c.gate.State(), fmt.Errorf("close the gate: %w", err)
	}
	s, err := c.changeGate(func() (readonly.State, error) { return c.gate.Freeze(ctx, name(by), why, length) })
	if err != nil {
		return s, err
	}
	c.log.Warn("read-only mode is on", "by", s.By, "why", s.Why, "epoch", s.Epoch)
	return s, c.gate.Settled(ctx)
}

// Thaw opens the gate, audited. It takes a why.
func (c *Control) Thaw(ctx context.Context, by, why string) (readonly.State, error) {
	why, err := reason(why)
	if err != nil {
		return c.gate.State(), fmt.Errorf("open the gate: %w", err)
	}
	s, err := c.changeGate(func() (readonly.State, error) { return c.gate.Thaw(ctx, name(by), why) })
	if err == nil {
		c.log.Warn("read-only mode is off", "by", s.By, "why", s.Why, "epoch", s.Epoch)
	}
	return s, err
}

func (c *Control) changeGate(change func() (readonly.State, error)) (readonly.State, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sealed {
		return c.gate.State(), fmt.Errorf("change the gate: %w", ErrSealed)
	}
	return change()
}

func auditGate(ctx context.Context, tx *sql.Tx, s readonly.State) error {
	e := Entry{At: s.Since, By: s.By, Action: "readonly off", What: fmt.Sprintf("epoch %d", s.Epoch), Why: s.Why}
	if s.ReadOnly {
		e.Action = "readonly on"
		if !s.Until.IsZero() {
			e.What += ", announced until " + s.Until.Format(time.RFC3339)
		}
	}
	return saveEntry(ctx, tx, e)
}

// inForce are the overrides of routes that t has.
func (c *Control) inForce(overrides map[string]Override, t *routes.Table) map[string]Override {
	held := maps.Clone(overrides)
	maps.DeleteFunc(held, func(route string, _ Override) bool { return t.Route(route) == nil })
	return held
}

// short is enough of a table's hash to tell it from the others.
func short(hash string) string { return hash[:min(len(hash), 12)] }

// now is without the monotonic reading, as the store gives times back.
func now() time.Time { return time.Now().UTC().Round(0) }
