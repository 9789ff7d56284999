package shadow

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

// Config is the manual.
type Config struct {
	Table      func() *routes.Table                    // in force, for the proofs
	Backend    func(*routes.Backend) *upstream.Backend // for shadow calls: not those of live calls
	Protocol   Protocol
	WriteSets  WriteSets // of the databases that have a reader; nil without any
	Latches    Latches
	Lanes      Lanes     // nil when no backend rolls back by lanes
	Databases  Databases // nil bounds nothing
	Reports    *reports.Reports
	Log        *slog.Logger
	Tracer     trace.Tracer  // of the spans of shadow calls; nil makes none
	Workers    int           // default 8; one backend takes three quarters of them at most
	Queue      int           // exchanges waiting for a worker, and as many for one of their client's before them; default 256
	QueueBytes int64         // bytes of bodies waiting for a worker or a re-check; default 64 MiB
	Befores    int           // shadows before live at once; default 16; one backend takes three quarters of them at most
	Rechecks   int           // re-checks waiting for their time; default 64; beyond, a difference stands as it is
	ProofEvery time.Duration // default 10s
	Grace      time.Duration // how long an answer that Before has given up is awaited, to be judged; default 2s
	Drain      time.Duration // how long calls under way go on after Run's context has ended; default 5s
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&c.Workers, 8)
	setDefault(&c.Queue, 256)
	setDefault(&c.QueueBytes, 64<<20)
	setDefault(&c.Befores, 16)
	setDefault(&c.Rechecks, 64)
	setDefault(&c.ProofEvery, 10*time.Second)
	setDefault(&c.Grace, 2*time.Second)
	setDefault(&c.Drain, 5*time.Second)
	return c
}

func setDefault[T int | int64 | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

// share is how many of n workers or seats one backend takes at most, so that
// one that hangs leaves some to the others.
func share(n int) int { return max(1, n-n/4) }

// Dispatcher makes shadow calls. Safe for concurrent use.
type Dispatcher struct {
	cfg      Config
	log      *slog.Logger
	out      recorder
	compare  func(legacy, new *compare.Exchange, rules *compare.Rules, known compare.Known) compare.Result
	queue    *queue
	lanes    lanes
	befores  *seats
	breakers breakers
	proofs   *proofs
	rechecks *rechecks
	noise    noise
	ids      ids
	pairs    pairs
	terms    terms
	tally    tally
	life     life

	calibrations calibrations

	dropped     atomic.Int64
	unread      atomic.Int64 // comparisons of writes by counts where rows were to be had
	inserted    insertions
	notModified atomic.Int64 // answers 304 offered
}

// recorder is what becomes of a request: reports.Reports.
type recorder interface {
	Record(reports.Comparison)
	Skip(route, reason string)
	Drop(route string)
}

// New makes a dispatcher; no goroutine is started.
func New(c Config) *Dispatcher {
	c = c.withDefaults()
	d := &Dispatcher{
		cfg:     c,
		log:     c.Log,
		out:     c.Reports,
		compare: compare.ExchangesKnowing,
		queue:   newQueue(c.Queue, c.QueueBytes, share(c.Workers)),
		befores: &seats{max: c.Befores, share: share(c.Befores)},
	}
	d.lanes.max = c.Queue
	d.terms.max = maxTerms
	d.proofs = newProofs(c)
	d.rechecks = &rechecks{max: c.Rechecks}
	return d
}

// Run serves the queue and keeps the proofs until ctx ends. Then exchanges
// that wait for their call are dropped, but for writes that the shadow side
// keeps, differences that wait for their re-check stand as they are, and these
// and the calls under way go on to their deadlines, but no longer than
// Config.Drain, and are compared. Run returns
// when all goroutines are gone. It is called once.
func (d *Dispatcher) Run(ctx context.Context) error {
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var workers sync.WaitGroup
	for range d.cfg.Workers {
		workers.Go(func() { d.work(calls) })
	}
	d.proofs.run(ctx)

	d.life.close()
	d.queue.stopCalls()
	d.settleAll(d.rechecks.close())
	d.closeCalibrations()
	late := time.AfterFunc(d.cfg.Drain, cancel)
	defer late.Stop()
	d.life.wait()
	d.queue.finish()
	workers.Wait()
	d.queue.close()
	return nil
}

// TableChanged says that another table is in force: the backends that are new
// in it are asked for their proof at once. Without it that is noticed within a
// second.
func (d *Dispatcher) TableChanged() { d.proofs.wake() }

// Proofs are the proofs of all instances with rollback, sorted.
func (d *Dispatcher) Proofs() []Proof { return d.proofs.list() }

// Stats are the numbers of a moment.
type Stats struct {
	Queued       int   `json:"queued"`        // exchanges waiting for a worker
	QueuedBytes  int64 `json:"queued_bytes"`  // bytes of bodies waiting for a worker or a re-check
	Dropped      int64 `json:"dropped"`       // since the start
	Befores      int   `json:"befores"`       // shadows before live under way
	Rechecks     int   `json:"rechecks"`      // differences waiting for their re-check
	BreakersOpen int   `json:"breakers_open"` // backends whose shadow calls are paused, safe and unsafe apart
	RowsUnread   int64 `json:"rows_unread"`   // comparisons since the start that rest on numbers of rows because the rows were not read

	// RowsInserted are the rows that shadows have inserted and rolled back since the
	// start, by table: each has used up a number of its sequence, if there is one.
	RowsInserted map[string]int64 `json:"rows_inserted,omitempty"`

	Terms            int   `json:"terms"`             // learnt and not forgotten
	TermsLearnt      int64 `json:"terms_learnt"`      // since the start
	TermsSubstituted int64 `json:"terms_substituted"` // put into shadow requests
	TermsEvicted     int64 `json:"terms_evicted"`     // forgotten for others before their time
}

// Stats are the numbers of this moment.
func (d *Dispatcher) Stats() Stats {
	jobs, bytes := d.queue.waiting()
	kept, learnt, substituted, evicted := d.terms.counts()
	return Stats{
		Queued:       jobs + d.lanes.count(),
		QueuedBytes:  bytes,
		Dropped:      d.dropped.Load(),
		Befores:      d.befores.taken(),
		Rechecks:     d.rechecks.count(),
		BreakersOpen: d.breakers.open(time.Now()),
		RowsUnread:   d.unread.Load(),
		RowsInserted: d.inserted.counts(),

		Terms:            kept,
		TermsLearnt:      learnt,
		TermsSubstituted: substituted,
		TermsEvicted:     evicted,
	}
}

// work does jobs until the queue has finished.
func (d *Dispatcher) work(ctx context.Context) {
	for {
		j, ok := d.queue.pop()
		if !ok {
			return
		}
		d.do(ctx, j)
	}
}

// do does one job. A panic ends the job and not the worker.
func (d *Dispatcher) do(ctx context.Context, j *job) {
	defer d.queue.done(j)
	defer func() {
		if fault := recover(); fault != nil {
			d.log.Error("shadow job panicked", "panic", fault, "stack", string(debug.Stack()))
			j.failed(fmt.Sprintf("panic: %v", fault))
		}
	}()
	j.run(ctx)
}

// keepFromClient, deferred, keeps a panic in Quack's own part of a shadow from
// the client's request; instead is called then.
func (d *Dispatcher) keepFromClient(r *routes.Route, instead func()) {
	fault := recover()
	if fault == nil {
		return
	}
	d.log.Error("shadowing panicked", "route", r.Name, "panic", fault, "stack", string(debug.Stack()))
	d.drop(r.Name)
	if instead != nil {
		instead()
	}
}

func (d *Dispatcher) skip(route, reason string) { d.out.Skip(route, reason) }

func (d *Dispatcher) drop(route string) {
	d.dropped.Add(1)
	d.out.Drop(route)
}

// heed does what a judgement demands, and returns its skip reason.
func (d *Dispatcher) heed(j judgement, req *Request, backend string) string {
	switch {
	case j.leak != "":
		d.latch(Leak{Route: req.Route.Name, Backend: backend, RequestID: req.ID, Why: j.leak, At: time.Now()})
	case j.skip == reports.SkipUnsupported:
		if n, notable := d.tally.add("unsupported", req.Route.Name, j.detail); notable {
			d.log.Info("shadow requests can not be rolled back by the adapter", "route", req.Route.Name, "backend", backend,
				"reason", j.detail, "count", n)
		}
		return reports.Unsupported(j.word)
	}
	return j.skip
}

// latch switches a route's write shadowing off. It is called where a panic
// would end the process.
func (d *Dispatcher) latch(l Leak) {
	defer func() {
		if fault := recover(); fault != nil {
			d.log.Error("latching panicked: the route is not latched", "route", l.Route, "panic", fault, "stack", string(debug.Stack()))
		}
	}()
	d.log.Error("leak suspected: write shadowing of the route is off until it is reset",
		"route", l.Route, "backend", l.Backend, "request", l.RequestID, "why", l.Why)
	d.cfg.Latches.Latch(l)
}
