package shadow

import (
	"context"
	"errors"
	"fmt"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

// reasonPrepare is the reason in the answer to hello of an adapter that takes
// ModePrepare too.
const reasonPrepare = "prepare"

// WriteSets reads what shadows write, while their transactions are prepared
// (package txshadow/writeset, plugged in by cmd). Safe for concurrent use.
type WriteSets interface {
	// Expect names a transaction that is going to be prepared in a database, by
	// its name in routes.yaml. The error says why write sets of it can not be read
	// now, and is nil for a database of which nobody has asked for them: then the
	// transaction has no GID.
	Expect(database string) (Expected, error)
}

// Expected is a transaction whose rows are awaited.
type Expected struct {
	GID string
	// Rows waits for what it wrote, until ctx ends. An error when that was not
	// read whole; never an empty set for one that was not read.
	Rows func(ctx context.Context) (compare.WriteSet, error)
	// Forget gives it up. It may be called after Rows.
	Forget func()
}

// call is c with the transaction to be prepared, if there is one to be.
func (e Expected) call(c call) call {
	if e.GID != "" {
		c.mode, c.gid = ModePrepare, e.GID
	}
	return c
}

func (e Expected) forget() {
	if e.Forget != nil {
		e.Forget()
	}
}

// prepared reports whether both steps can be asked to prepare their transactions:
// each database has a reader's DSN and each instance has said that it prepares.
// What one side alone wrote can not be compared with anything.
func (d *Dispatcher) prepared(steps []step) bool {
	if d.cfg.WriteSets == nil || len(steps) != 2 {
		return false
	}
	for _, s := range steps {
		if s.backend.Rollback != routes.RollbackHeader || s.backend.Database == "" || !d.proofs.prepares(s.backend, s.instance) {
			return false
		}
	}
	return true
}

// expect names the transaction of a step; without a GID the step is rolled back
// as ever, and why says what is missing, if that is to be said.
func (d *Dispatcher) expect(s step) (e Expected, why string) {
	if !s.prepare {
		return Expected{}, ""
	}
	e, err := d.cfg.WriteSets.Expect(s.backend.Database)
	if err != nil {
		return Expected{}, fmt.Sprintf("the rows of %s were not read: %v", s.side, err)
	}
	return e, ""
}

// readWrites reads what was written under e, within the time that an answer may
// take beyond its budget. The adapter has answered only when it was read, or
// could not be: where the rows are not there they will not come.
func (d *Dispatcher) readWrites(ctx context.Context, a *answered, e Expected, s step) {
	if e.GID == "" {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, allowance, errors.New("they had not come when the answer was there"))
	defer cancel()
	set, err := e.Rows(ctx)
	if err == nil {
		err = plausible(set, a.exchange.Footprint)
	}
	if err != nil {
		a.unread = fmt.Sprintf("the rows of %s were not read: %v", s.side, err)
		return
	}
	a.exchange.Writes = set
}

// plausible holds a write set to the footprint of the same request. Rows may be
// counted and not decoded, those of unlogged tables and those that a block with
// EXCEPTION took back; the other way round something is wrong.
func plausible(set compare.WriteSet, counted compare.Footprint) error {
	if set == nil {
		return errors.New("there was no set")
	}
	if counted == nil {
		return nil
	}
	open := map[string]compare.TableRows{}
	for _, t := range counted {
		open[t.Table] = t
	}
	for _, c := range set {
		t := open[c.Table]
		switch c.Op {
		case compare.OpInsert:
			t.Inserted--
		case compare.OpUpdate:
			t.Updated--
		case compare.OpDelete:
			t.Deleted--
		}
		if t.Inserted < 0 || t.Updated < 0 || t.Deleted < 0 {
			return fmt.Errorf("they do not agree with the counts: more of %s were read than written", c.Table)
		}
		open[c.Table] = t
	}
	return nil
}

// levelOf says what of writes two answers were compared by, and why no more.
func levelOf(p *pairing) (level, why string) {
	l, n := &p.legacy, &p.new
	switch {
	case l.exchange.Writes != nil && n.exchange.Writes != nil:
		return reports.WritesDecoded, ""
	case l.exchange.Footprint != nil && n.exchange.Footprint != nil:
		level = reports.WritesCounted
	}
	if why = l.unread; why == "" {
		why = n.unread
	}
	return level, why
}

// unreadWrites counts and says that a comparison rests on less than it could.
func (d *Dispatcher) unreadWrites(p *pairing, why string) {
	d.unread.Add(1)
	if n, notable := d.tally.add("unread", p.req.Route.Name); notable {
		d.log.Warn("rows that a shadow wrote were not read; the comparison rests on the numbers of rows", "route", p.req.Route.Name,
			"request", p.req.ID, "why", why, "count", n)
	}
}

// prepares reports whether i has said, with its proof, that it takes ModePrepare.
func (p *proofs) prepares(b *routes.Backend, i *upstream.Instance) bool {
	known := (*p.known.Load())[keyOf(b.Name, i.URL)]
	return known != nil && known.prepares.Load()
}
