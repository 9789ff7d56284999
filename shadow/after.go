package shadow

import (
	"context"
	"net/http"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// askAnewEvery is which share of the requests that live answered with 304 is
// asked anew, on both sides, without validators: one in so many.
const askAnewEvery = 10

// Offer hands over an exchange whose answer is complete, to be shadowed and
// compared. live is the side that answered. It never blocks. Of safe requests
// that live answered with 304 Not Modified one in ten is asked anew on both
// sides. Where the shadow side keeps what it writes, the requests of one client
// are made one after the other, and a write is sent however long it has waited.
func (d *Dispatcher) Offer(req Request, live routes.Side, a Answer) {
	r := req.Route
	defer d.keepFromClient(r, nil)
	if skip := d.refuse(&req, live, &a); skip != "" {
		d.skip(r.Name, skip)
		return
	}
	p := pairing{req: &req, live: live, first: live}
	deadline := time.Now().Add(r.Shadow.Timeout)
	call := func(ctx context.Context) { d.shadow(ctx, &req, live, &a, deadline) }
	writes := kept(&req, live.Other())
	switch {
	case writes:
		call = func(ctx context.Context) { d.shadow(ctx, &req, live, &a, time.Now().Add(r.Shadow.Timeout)) }
	case a.Exchange.Status == http.StatusNotModified:
		call = func(ctx context.Context) { d.askAnew(ctx, &req, deadline) }
	}
	d.lineUp(&req, live, &a, &job{
		backend: r.Backend(live.Other()).Name,
		size:    int64(len(req.Body) + len(a.Exchange.Body)),
		kept:    writes,
		run: func(ctx context.Context) {
			if !writes && stale(deadline, r.Shadow.Timeout) {
				d.skip(r.Name, reports.SkipStale)
				return
			}
			call(ctx)
		},
		drop:   func() { d.drop(r.Name) },
		failed: func(why string) { d.recordError(p, why) },
	})
}

// lineUp has a job done in its turn: behind the one that learns the terms of
// its request, and where the shadow side keeps what it writes, behind all that
// the client has asked before.
func (d *Dispatcher) lineUp(req *Request, live routes.Side, a *Answer, j *job) {
	to := live.Other()
	waits, names := heldTerms(req, to), promised(req, to, a)
	if req.Route.KeepsWrites(to) {
		who := owners(req)
		waits, names = append(waits, who...), append(names, who...)
	}
	if len(waits)+len(names) == 0 {
		d.queue.push(j)
		return
	}
	d.pushInLane(j, waits, names)
}

// stale reports whether more than half of the time for a call has gone in the
// queue. Sent with little time left it would time out, and pass for a fault of
// the backend.
func stale(deadline time.Time, timeout time.Duration) bool {
	return time.Until(deadline) < timeout/2
}

// refuse is the reason why an exchange that was offered is not shadowed.
func (d *Dispatcher) refuse(req *Request, live routes.Side, a *Answer) string {
	r := req.Route
	backend, safe := r.Backend(live.Other()), r.SafeFor(req.Method)
	switch {
	case a.Skip != "":
		return a.Skip
	case a.broken():
		return reports.SkipAborted
	case backend == nil:
		return reports.SkipUnreachable
	case req.ReadOnly && !safe:
		return reports.SkipReadOnly
	case !safe && !r.KeepsWrites(live.Other()):
		// Routes are refused at load that would have a write shadowed after live.
		d.log.Error("an unsafe request was offered to be shadowed after live", "route", r.Name, "request", req.ID)
		return reports.SkipNoProof
	case d.cfg.Latches.Latched(r.Name):
		// What has left its transaction once, in a safe request, would again.
		return reports.SkipLatched
	case d.breakers.of(backend.Name, safe).open(time.Now()):
		return reports.SkipBreaker
	case safe && a.Exchange.Status == http.StatusNotModified && d.notModified.Add(1)%askAnewEvery != 0:
		return reports.SkipNotModified
	}
	return ""
}

// shadow makes the shadow call of an exchange and compares.
func (d *Dispatcher) shadow(ctx context.Context, req *Request, live routes.Side, a *Answer, deadline time.Time) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	ask := d.ask
	if kept(req, live.Other()) {
		ask = d.askKept
	}
	answer, skip := ask(ctx, req, live.Other())
	if skip != "" {
		d.skip(req.Route.Name, skip)
		return
	}
	if d.stranger(req, live.Other(), &a.Exchange, &answer.exchange) {
		d.skip(req.Route.Name, reports.SkipNotLearnt)
		return
	}
	d.learn(req, live, &a.Exchange, &answer.exchange)
	d.conclude(pairOf(req, live, a, answer))
}

// askAnew asks both sides as shadow calls and compares their answers with each
// other.
func (d *Dispatcher) askAnew(ctx context.Context, req *Request, deadline time.Time) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	legacy, new, skip := d.askBoth(ctx, req, routes.Legacy)
	if skip != "" {
		d.skip(req.Route.Name, skip)
		return
	}
	d.conclude(pairing{req: req, first: routes.Legacy, legacy: legacy, new: new, recheck: true})
}
