package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/cache"
	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/front"
	"github.com/quackproxy/quack/internal/fewlog"
	"github.com/quackproxy/quack/internal/handover"
	"github.com/quackproxy/quack/internal/lifecycle"
	"github.com/quackproxy/quack/proxy"
	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/shadow"
	"github.com/quackproxy/quack/store"
	"github.com/quackproxy/quack/txshadow/watchdog"
	"github.com/quackproxy/quack/upstream"
)

// process is a built proxy. Its fields stand in the order in which they were
// made.
type process struct {
	file  string
	hash  string // of the table it was built with
	log   *slog.Logger
	few   *slog.Logger // the same, for what may be said thousands of times a second
	duck  time.Duration
	drain time.Duration

	db        *store.DB
	gate      *readonly.Gate
	reports   *reports.Reports
	live      *upstream.Set // connections of live calls
	shadows   *upstream.Set // connections of shadow calls: nothing is shared
	databases *watchdog.Set // that shadow writes reach
	control   *control.Control
	written   *writeSets
	lanes     *lanes // of backends that roll back by them
	shadow    *shadow.Dispatcher
	proxy     http.Handler
	admin     http.Handler
	bound     *listeners

	observed     *observed
	certificates *front.Certificates // nil without TLS
	front        *front.Server

	signals     *signals
	pidFile     string
	upgradeWait time.Duration
	before      *handover.Predecessor          // the process that has handed over to this one; nil without
	upgraded    atomic.Pointer[admin.Handover] // the last upgrade that has failed
	handedOver  atomic.Bool                    // another process has taken over
	end         linger                         // of serving clients, after that

	draining atomic.Bool
}

// build makes the parts in the order in which they need each other.
func (c *serveCmd) build(ctx context.Context, read prepared, bound *listeners, before *handover.Predecessor) (p *process, err error) {
	p = &process{
		before: before, file: c.Routes, hash: read.table.Hash(), log: read.log, few: slog.New(fewlog.New(read.log.Handler())),
		duck: c.LameDuck, drain: c.Drain, bound: bound, observed: read.observed,
	}
	p.end.handed = &p.handedOver
	defer func() {
		if err != nil && p.db != nil {
			err = errors.Join(err, p.db.Close())
		}
	}()
	if err := p.openStore(ctx, c, read.keys); err != nil {
		return p, err
	}
	codec, err := newProtocol(read.keys.shadow)
	if err != nil {
		return p, err
	}
	p.live, p.shadows = upstream.NewSet(), upstream.NewSet()
	if err := p.openControl(ctx, read.table); err != nil {
		return p, err
	}
	p.makeShadow(codec)
	if err := p.control.Use(ctx, read.table); err != nil {
		return p, fmt.Errorf("put %s in force: %w", c.Routes, err)
	}
	p.knowRules(ctx, read.table)
	p.makeProxy(c, codec)
	return p, p.makeAdmin(c, read.keys)
}

// openControl needs the store and the sets of connections, which it tells of each
// table.
func (p *process) openControl(ctx context.Context, table *routes.Table) (err error) {
	p.databases = watchdog.NewSet(p.few)
	if err := p.databases.Use(watchdogsOf(table)); err != nil {
		return coded{exitUsage, err}
	}
	p.control, err = control.Open(ctx, control.Config{Store: p.db, Gate: p.gate, Log: p.log, OnSwap: p.useBackends})
	if err != nil {
		return fmt.Errorf("open the control state: %w", err)
	}
	return nil
}

// makeShadow makes what calls the shadow side, and what that needs of databases.
func (p *process) makeShadow(codec protocol) {
	held := latches{p.control, p.observed.redaction.text}
	p.written = &writeSets{table: p.control.Table, latch: held.Latch, log: p.few, readers: map[string]*reading{}}
	p.lanes = &lanes{table: p.control.Table, latched: func() bool { return len(p.control.Latches()) > 0 }, log: p.few, byListen: map[string]*laneServer{}}
	p.shadow = shadow.New(shadow.Config{
		Table:     p.control.Table,
		Backend:   backendsOf(p.shadows),
		Protocol:  codec,
		WriteSets: p.written,
		Lanes:     p.lanes,
		Latches:   held,
		Databases: databases{p.databases},
		Reports:   p.reports,
		Log:       p.few,
		Tracer:    p.observed.telemetry.Tracer(),
	})
}

func (p *process) makeProxy(c *serveCmd, codec protocol) {
	p.proxy = proxy.New(proxy.Config{
		Table:     p.control.Table,
		Backend:   backendsOf(p.live),
		Gate:      p.gate,
		Cache:     cache.New(c.CacheMax),
		Shadow:    p.shadow,
		Protocol:  codec,
		Counters:  p.reports,
		Trusted:   prefixes(c.Trusted),
		Log:       p.few,
		Calibrate: p.shadow.Specimen,
		Tracer:    p.observed.telemetry.Tracer(),
		Access:    p.observed.accessLog(),
		UnderWay:  &p.observed.underWay,
	})
}

func (p *process) makeAdmin(c *serveCmd, keys secrets) (err error) {
	p.admin, err = admin.New(admin.Config{
		Control:      p.control,
		Gate:         p.gate,
		Reports:      p.reports,
		Token:        keys.adminToken,
		Hosts:        c.Hosts,
		Proofs:       p.proofs,
		WriteSets:    p.written.states,
		Stats:        p.stats,
		Live:         p.numbers,
		Push:         p.observed.telemetry.Reader,
		Resource:     p.observed.telemetry.Resource(),
		Version:      version(),
		MetricsOpen:  c.MetricsOpen,
		Ready:        p.ready,
		Handover:     p.handover,
		Calibrations: p.shadow,
		Log:          p.log,
	})
	return err
}

func (p *process) openStore(ctx context.Context, c *serveCmd, keys secrets) (err error) {
	var lock *os.File
	if p.before != nil {
		lock = p.before.File("lock")
	}
	if p.db, err = store.OpenInherited(ctx, c.Data, lock, readonly.Schema, control.Schema, reports.Schema); err != nil {
		return err
	}
	if p.gate, err = readonly.Open(ctx, p.db); err != nil {
		return fmt.Errorf("open the gate: %w", err)
	}
	if p.before != nil {
		p.gate.Succeed(p.before.Ended())
	}
	key, err := fingerprintKey(keys.own)
	if err != nil {
		return fmt.Errorf("derive the key of fingerprints from QUACK_SECRET: %w", err)
	}
	p.reports, err = reports.Open(ctx, p.db, reports.Config{
		EvidenceMax: c.EvidenceMax, EvidenceAge: c.EvidenceAge, Key: key, Redaction: p.redactionOf, Log: p.log,
	})
	if err != nil {
		return fmt.Errorf("open the reports: %w", err)
	}
	return nil
}

// run is the life of the process: the parts in the order of their start, which
// is the reverse of the order in which they stop. When another process has
// taken over, what that one does from then on ends at once, and the rest as at
// any stop.
func (p *process) run(ctx context.Context) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	handed, hand := context.WithCancel(context.WithoutCancel(ctx))
	defer hand()
	own := ownParts{handed}
	parts := append([]lifecycle.Part{{Name: "upgrade", Run: p.upgrades(serving, func() {
		p.handedOver.Store(true)
		hand()
		stop()
	})}}, p.observed.parts()...)
	parts = append(parts,
		lifecycle.Part{Name: "reports", Run: p.reports.Run},
		lifecycle.Part{Name: "live backends", Run: p.live.Run},
		lifecycle.Part{Name: "shadow backends", Run: p.shadows.Run},
		lifecycle.Part{Name: "log of backends", Run: (&backendLog{log: p.few, states: p.live.States}).run},
		lifecycle.Part{Name: "watchdogs", Run: p.watchDatabases},
		lifecycle.Part{Name: "written rows", Run: p.written.run},
		lifecycle.Part{Name: "lanes", Run: p.lanes.run},
		lifecycle.Part{Name: "shadow", Run: p.shadow.Run},
	)
	if p.before != nil {
		parts = append(parts, lifecycle.Part{Name: "the process before", Run: p.succeed})
	}
	parts = append(parts,
		own.part("routes", p.watch),
		own.part("admin listener", (&server{ln: p.bound.admin, handler: p.admin, drain: 2 * time.Second, log: p.log}).run),
	)
	if p.bound.health != nil {
		parts = append(parts, own.part("health listener", (&server{ln: p.bound.health, handler: healthOnly(p.admin), drain: time.Second, log: p.log}).run))
	}
	if p.certificates != nil {
		parts = append(parts, lifecycle.Part{Name: "certificates", Run: p.certificates.Run})
	}
	parts = append(parts,
		lifecycle.Part{Name: "live listener", Run: p.serveClients},
		lifecycle.Part{Name: "announcement", Run: p.announce},
	)
	err := lifecycle.Run(serving, parts...)
	p.log.Info("stopped", "pid", os.Getpid())
	return errors.Join(err, p.db.Close())
}

func (p *process) serveClients(ctx context.Context) error {
	live := &liveServer{
		ln: p.bound.live, front: p.front, duck: p.duck, drain: p.drain,
		closing: func() { p.draining.Store(true) },
	}
	return p.end.run(ctx, p.drain, func() int64 { return p.front.Stats().Open }, live.run)
}

// watch puts a changed routes.yaml in force; SIGHUP asks for it at once.
func (p *process) watch(ctx context.Context) error {
	poke := make(chan struct{})
	relayed := make(chan struct{})
	go func() {
		defer close(relayed)
		for {
			select {
			case <-ctx.Done():
				return
			case <-p.signals.reload:
				select {
				case poke <- struct{}{}:
				case <-ctx.Done():
				}
			}
		}
	}()
	defer func() { <-relayed }()
	return routes.WatchSince(ctx, p.file, p.hash, poke, p.use, p.loadFailed)
}

func (p *process) use(table *routes.Table) {
	err := p.control.Use(context.Background(), table)
	if errors.Is(err, control.ErrSealed) {
		p.log.Info("the file has changed during a hand-over; the new process reads it, or this one when there is none")
		return
	}
	if err != nil {
		p.loadFailed(err)
		return
	}
	p.useDatabases(table)
	p.shadow.TableChanged()
	p.knowRules(context.Background(), table)
	warn(p.log, table)
	p.log.Info("routes in force", "file", p.file, "hash", table.Hash())
}

// loadFailed leaves the table in force; control says so in log and status.
func (p *process) loadFailed(err error) { p.control.LoadFailed(err) }

// ready is what /readyz says: of Quack alone, not of its backends.
func (p *process) ready() error {
	if p.draining.Load() {
		return errors.New("stopping")
	}
	return nil
}

// healthOnly serves nothing but the two health paths of h.
func healthOnly(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", h)
	mux.Handle("GET /readyz", h)
	return mux
}

func backendsOf(set *upstream.Set) func(*routes.Backend) *upstream.Backend {
	return func(b *routes.Backend) *upstream.Backend { return set.Backend(b.Name) }
}

func prefixes(networks []network) []netip.Prefix {
	var list []netip.Prefix
	for _, n := range networks {
		list = append(list, netip.Prefix(n))
	}
	return list
}
