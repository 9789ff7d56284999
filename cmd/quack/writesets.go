package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/shadow"
	"github.com/quackproxy/quack/txshadow/writeset"
)

// writeSets plugs the readers of written rows into the shadow: one for each
// database that has a DSN and that a route with run: both writes to.
type writeSets struct {
	table func() *routes.Table // in force
	latch func(shadow.Leak)
	log   *slog.Logger

	mu      sync.Mutex
	readers map[string]*reading // by the name of the database
}

// reading is a reader under way.
type reading struct {
	*writeset.Reader
	stop context.CancelFunc
}

// run keeps the readers until ctx ends, and returns when all have ended.
func (w *writeSets) run(ctx context.Context) error { return following(ctx, w.follow) }

// wanted are the DSNs, by name, of databases whose rows will be compared. The
// server decodes for a reader whatever live work writes, so there is none where
// no route runs both sides.
func (w *writeSets) wanted() map[string]string {
	wanted := map[string]string{}
	for _, r := range w.table().Routes() {
		for _, b := range preparing(r) {
			if dsn := os.Getenv(ownVariable(b.Database)); dsn != "" {
				wanted[b.Database] = dsn
			}
		}
	}
	return wanted
}

// preparing are the backends that prepare what a route's shadows write.
func preparing(r *routes.Route) (list []*routes.Backend) {
	if r.Shadow.Run != routes.RunBoth || !r.Shadows() {
		return nil
	}
	for _, b := range []*routes.Backend{r.Legacy, r.New} {
		if b != nil && b.Rollback == routes.RollbackHeader && b.Database != "" {
			list = append(list, b)
		}
	}
	return list
}

// committed latches the routes whose shadows are prepared in a database, where
// somebody has committed one. Whose it was is not known, and need not be: who
// commits one will commit others.
func (w *writeSets) committed(database, gid string) {
	why := fmt.Sprintf("somebody has said COMMIT PREPARED %q in database %s: what that shadow wrote is there to stay\n"+
		"  compare the tables with what live requests have written; keep who ends prepared transactions there from those named txshadow-", gid, database)
	w.log.Error("leak suspected: a shadow's prepared transaction was committed", "database", database, "gid", gid)
	for _, r := range w.table().Routes() {
		for _, b := range preparing(r) {
			if b.Database == database {
				w.latch(shadow.Leak{Route: r.Name, Backend: b.Name, Why: why, At: time.Now()})
				break
			}
		}
	}
}

// follow starts a reader for each database that is new in the table, and stops
// those of databases that are no longer in it.
func (w *writeSets) follow(ctx context.Context, all *sync.WaitGroup) {
	wanted := w.wanted()
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, r := range w.readers {
		if wanted[name] == "" {
			r.stop()
			delete(w.readers, name)
		}
	}
	for name, dsn := range wanted {
		if w.readers[name] != nil {
			continue
		}
		reader, err := writeset.New(writeset.Config{DSN: dsn, Log: w.log.With("database", name),
			Committed: func(gid string) { w.committed(name, gid) }})
		if err != nil {
			w.log.Error("rows that shadows write are not read", "database", name, "variable", ownVariable(name), "error", err)
			continue
		}
		reading := &reading{Reader: reader}
		var running context.Context
		running, reading.stop = context.WithCancel(ctx)
		w.readers[name] = reading
		all.Go(func() { _ = reader.Run(running) }) // nil: it ends with its context
	}
}

// of is the reader of a database, nil when it has none.
func (w *writeSets) of(database string) *reading {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.readers[database]
}

// Expect implements shadow.WriteSets.
func (w *writeSets) Expect(database string) (shadow.Expected, error) {
	r := w.of(database)
	if r == nil {
		return shadow.Expected{}, nil
	}
	if s := r.State(); !s.Available {
		return shadow.Expected{}, fmt.Errorf("%w: %s", writeset.ErrUnavailable, s.Why)
	}
	gid, waiter := r.Expect()
	return shadow.Expected{GID: gid, Forget: waiter.Forget, Rows: func(ctx context.Context) (compare.WriteSet, error) {
		set, err := waiter.Rows(ctx)
		switch {
		case err != nil:
			return nil, err
		case set.Truncated:
			return nil, errors.New("there are more of them than are kept")
		}
		return rowsOf(set), nil
	}}, nil
}

// rowsOf is a set as it is compared.
func rowsOf(set writeset.Set) compare.WriteSet {
	rows := compare.WriteSet{}
	for _, c := range set.Changes {
		rows = append(rows, compare.Change{Table: c.Table, Op: compare.Op(c.Op), Old: columnsOf(c.Old), New: columnsOf(c.New)})
	}
	return rows
}

func columnsOf(row []writeset.Column) []compare.Column {
	var columns []compare.Column
	for _, c := range row {
		columns = append(columns, compare.Column{
			Name: c.Name, Type: c.Type, Value: c.Value, Null: c.Null, Unchanged: c.Unchanged,
			Key: c.Key, Generated: c.Generated, References: compare.Reference(c.References),
		})
	}
	return columns
}

// states plugs what the readers know into the admin listener, by database.
func (w *writeSets) states() []admin.WriteSets {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []admin.WriteSets
	for _, name := range slices.Sorted(maps.Keys(w.readers)) {
		s := w.readers[name].State()
		list = append(list, admin.WriteSets{
			Database: name, Available: s.Available, Why: s.Why, Since: s.Since, Slot: s.Slot,
			RetainedWAL: s.RetainedWAL, KeepWAL: s.KeepWAL, Lag: s.Lag, Orphans: s.Orphans,
			Read: s.Read, Truncated: s.Truncated, Late: s.Late, Failed: s.Failed,
		})
	}
	return list
}
