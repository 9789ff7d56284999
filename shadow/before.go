package shadow

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

// allowance is what a shadow's answer may take beyond its budget: the way
// there and back, and the rollback.
const allowance = 100 * time.Millisecond

// Before runs the shadow (run: both: both sides) of req and waits for it: until
// its rollback is acknowledged, but no longer than the route's budget + 100 ms,
// and for run: both no longer than that for each of the two sides, and for each
// once more where they differ and recheck: {writes: true} has them run again. Of
// ctx only the values count: that the client has gone does not let the live call start
// beside the shadow. The caller then makes the live call and calls
// Pending.Live exactly once.
func (d *Dispatcher) Before(ctx context.Context, req Request, live routes.Side) (p *Pending) {
	defer d.keepFromClient(req.Route, func() { p = new(Pending) })
	p = &Pending{d: d, req: req, live: live, confirmed: make(chan struct{})}
	steps, seat, skip := d.plan(&p.req, live)
	if skip != "" {
		d.skip(req.Route.Name, skip)
		p.spent = true
		return p
	}
	if !d.life.begin() {
		seat.leave()
		d.drop(req.Route.Name)
		p.spent = true
		return p
	}
	p.until = time.Now().Add(waitFor(steps, &req))
	go p.run(context.WithoutCancel(ctx), steps, seat)
	p.wait()
	return p
}

// waitFor is how long the live call waits for steps.
func waitFor(steps []step, req *Request) time.Duration {
	return time.Duration(len(steps)) * (req.Route.Shadow.Budget + allowance)
}

// step is one call of a shadow before live.
type step struct {
	side     routes.Side
	backend  *routes.Backend
	instance *upstream.Instance // proved; nil for a safe request, which picks its own
	prepare  bool               // the rows that it writes are to be read
}

// plan decides whether and to whom the shadow of req goes. Each step's
// instance is chosen before the first is sent, so that the first does not run
// for nothing.
func (d *Dispatcher) plan(req *Request, live routes.Side) ([]step, seat, string) {
	r := req.Route
	safe := r.SafeFor(req.Method)
	if req.ReadOnly && !safe {
		return nil, seat{}, reports.SkipReadOnly
	}
	if d.cfg.Latches.Latched(r.Name) {
		return nil, seat{}, reports.SkipLatched
	}
	sides := []routes.Side{live.Other()}
	if r.Shadow.Run == routes.RunBoth && !safe {
		sides = []routes.Side{routes.Legacy, routes.New}
	}
	var steps []step
	for _, side := range sides {
		s := step{side: side, backend: r.Backend(side)}
		if s.backend == nil {
			return nil, seat{}, reports.SkipUnreachable
		}
		if !safe {
			if s.instance = d.pickProved(s.backend); s.instance == nil {
				return nil, seat{}, reports.SkipNoProof
			}
		}
		if d.breakers.of(s.backend.Name, safe).open(time.Now()) {
			return nil, seat{}, reports.SkipBreaker
		}
		steps = append(steps, s)
	}
	if d.prepared(steps) {
		steps[0].prepare, steps[1].prepare = true, true
	}
	seat, ok := d.befores.take(r.Backend(live.Other()).Name)
	if !ok {
		return nil, seat, reports.SkipBusy
	}
	if !safe {
		skip := d.enter(steps, &seat)
		return steps, seat, skip
	}
	return steps, seat, ""
}

// enter asks the databases of steps, each once, and has seat leave them. When
// one has a reason to skip, all are left, and the seat with them.
func (d *Dispatcher) enter(steps []step, seat *seat) (skip string) {
	if d.cfg.Databases == nil {
		return ""
	}
	for i, s := range steps {
		name := s.backend.Database
		if name == "" || slices.ContainsFunc(steps[:i], func(o step) bool { return o.backend.Database == name }) {
			continue
		}
		leave, skip := d.cfg.Databases.Enter(name)
		if skip != "" {
			seat.leave()
			return skip
		}
		seat.databases = append(seat.databases, leave)
	}
	return ""
}

// pickProved chooses among the instances of b that have proved that they roll
// back; nil when there is none.
func (d *Dispatcher) pickProved(b *routes.Backend) *upstream.Instance {
	if !b.RollsBack() {
		return nil
	}
	now := time.Now()
	return d.pick(prover(b), func(i *upstream.Instance) bool { return d.proofs.proved(b, i, now) })
}

// run makes the steps one after the other and settles p.
func (p *Pending) run(ctx context.Context, steps []step, seat seat) {
	defer p.d.life.end()
	defer seat.leave()
	defer func() {
		if fault := recover(); fault != nil {
			p.failed(fault)
		}
	}()
	if p.req.Route.SafeFor(p.req.Method) {
		p.settle(p.runSafe(ctx, steps[0].side))
		return
	}
	again := p.mayRunAgain(steps)
	answers, skip := p.runAll(ctx, steps, !again)
	switch {
	case skip != "":
		p.settle(answered{}, skip)
	case len(answers) == 1:
		p.settle(answers[0], "")
	default:
		both := pairing{req: &p.req, first: routes.Legacy, legacy: answers[0], new: answers[1]}
		if again {
			p.runAgain(ctx, steps, &both)
		}
		p.settleBoth(both)
	}
}

// runAll makes the steps of an unsafe request. last says that nothing follows
// them, so that Before returns when the last one is rolled back.
func (p *Pending) runAll(ctx context.Context, steps []step, last bool) (answers []answered, skip string) {
	for i, s := range steps {
		a, skip := p.runUnsafe(ctx, s, last && i == len(steps)-1)
		if skip != "" {
			return nil, skip
		}
		answers = append(answers, a)
	}
	return answers, ""
}

// failed ends the shadow's part after a panic. What was sent by then, and how
// it was answered, is not known: an unsafe request may have left something.
func (p *Pending) failed(fault any) {
	d, r := p.d, p.req.Route
	d.log.Error("shadow before live panicked", "route", r.Name, "request", p.req.ID, "panic", fault, "stack", string(debug.Stack()))
	skip := reports.SkipUnreachable
	if !r.SafeFor(p.req.Method) {
		skip = d.heed(leakOf(fmt.Sprintf("the shadow's answer was not judged: panic: %v", fault)), &p.req, r.Backend(p.live.Other()).Name)
	}
	p.settle(answered{}, skip)
}

// runSafe makes the shadow call of a safe request, within the budget.
func (p *Pending) runSafe(ctx context.Context, side routes.Side) (answered, string) {
	ctx, cancel := context.WithTimeout(ctx, p.req.Route.Shadow.Budget+allowance)
	defer cancel()
	a, skip := p.d.ask(ctx, &p.req, side)
	if skip == reports.SkipTimeout {
		skip = reports.SkipBudget
	}
	return a, skip
}

// runUnsafe makes one shadow call that is rolled back. An answer is awaited
// for some time after Before has given up, because one without an
// acknowledgement has to latch the route however late it comes.
func (p *Pending) runUnsafe(ctx context.Context, s step, last bool) (answered, string) {
	d, r := p.d, p.req.Route
	turn, ok := d.breakers.of(s.backend.Name, false).enter(time.Now())
	if !ok {
		return answered{}, reports.SkipBreaker
	}
	end := endedUnknown
	defer func() { d.leave(turn, end, s.backend.Name) }()
	if !d.proofs.proved(s.backend, s.instance, time.Now()) {
		return answered{}, reports.SkipNoProof
	}
	ctx, cancel := context.WithTimeout(ctx, r.Shadow.Budget+allowance+d.cfg.Grace)
	defer cancel()
	if time.Until(p.until) < r.Shadow.Budget {
		return answered{}, reports.SkipBudget
	}
	var a answered
	var skip string
	if s.backend.Rollback == routes.RollbackLanes {
		a, skip, end = p.runInLane(ctx, s, last)
	} else {
		a, skip, end = p.runRolledBack(ctx, s, last)
	}
	return a, skip
}

// runRolledBack makes one shadow call that the backend rolls back itself.
func (p *Pending) runRolledBack(ctx context.Context, s step, last bool) (a answered, skip string, end ending) {
	d, r := p.d, p.req.Route
	rows, unread := d.expect(s)
	defer rows.forget()
	reply, err := d.send(ctx, rows.call(call{req: &p.req, side: s.side, instance: s.instance, mode: ModeRollback, budget: r.Shadow.Budget}))
	if err != nil {
		if end = endingOf(err); end == endedFaulty {
			d.unconfirmed(&p.req, s, err.Error())
		}
		return answered{}, reports.SkipUnconfirmed, end
	}
	j := judgeUnsafe(reply.head)
	if j.skip != "" {
		defer reply.leave(nil)
		if end = endedWell; j.fault {
			end = endedFaulty
			d.unconfirmed(&p.req, s, j.detail)
		}
		if j.leak != "" {
			// What this instance says of itself is not to be believed any more.
			d.proofs.doubt(s.backend.Name, s.instance, j.leak)
		}
		return answered{}, d.heed(j, &p.req, s.backend.Name), end
	}
	d.inserted.add(reply.head.ack.Footprint)
	a, skip = p.takeAnswer(ctx, reply, s, last)
	if a.unread = unread; skip == "" {
		d.readWrites(ctx, &a, rows, s)
	}
	return a, skip, endedWell
}

// takeAnswer takes an answer that is acknowledged as rolled back. After the
// last one Before may return while the body is still read; one that has come
// after Before returned is not compared, because the live call ran beside it.
func (p *Pending) takeAnswer(ctx context.Context, r *reply, s step, last bool) (answered, string) {
	if !p.inTime(last) {
		r.leave(nil)
		return answered{}, reports.SkipBudget
	}
	a := answered{backend: s.backend.Name, url: r.url, asked: r.asked}
	var err error
	a.exchange, a.latency, err = r.read(ctx, p.req.Route.Shadow.MaxBody)
	if err != nil {
		return answered{}, skipOf(err)
	}
	return a, ""
}

// unconfirmed notes that no answer of the adapter's came: the instance has to
// prove itself again before the next write goes there.
func (d *Dispatcher) unconfirmed(req *Request, s step, why string) {
	d.proofs.doubt(s.backend.Name, s.instance, why)
	if n, notable := d.tally.add("unconfirmed", req.Route.Name); notable {
		d.log.Warn("a shadow write was not acknowledged", "route", req.Route.Name, "backend", s.backend.Name,
			"request", req.ID, "why", why, "count", n)
	}
}
