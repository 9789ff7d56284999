package shadow

import (
	"context"
	"sync"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// rechecks are the differences that wait for their re-check. They wait on a
// timer and not in a worker.
type rechecks struct {
	max   int
	delay time.Duration

	mu      sync.Mutex
	closed  bool
	waiting map[*recheck]*time.Timer
}

// recheck is a pairing that differed.
type recheck struct {
	pairing
	first compare.Result
}

// add makes r wait, then calls due; false when there is no room.
func (s *rechecks) add(r *recheck, due func(*recheck)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.waiting) >= s.max {
		return false
	}
	if s.waiting == nil {
		s.waiting = make(map[*recheck]*time.Timer)
	}
	s.waiting[r] = time.AfterFunc(s.delay, func() {
		if s.take(r) {
			due(r)
		}
	})
	return true
}

// take ends the waiting of r; false when it has ended already.
func (s *rechecks) take(r *recheck) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, waits := s.waiting[r]
	delete(s.waiting, r)
	return waits
}

// close takes no more, and returns those that wait.
func (s *rechecks) close() []*recheck {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var left []*recheck
	for r, timer := range s.waiting {
		timer.Stop()
		left = append(left, r)
	}
	s.waiting = nil
	return left
}

func (s *rechecks) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// recheckLater has p checked again after the delay. It reports false when
// there is no room for it: its differences then stand as they are.
func (d *Dispatcher) recheckLater(p pairing, first compare.Result) bool {
	r := &recheck{pairing: p, first: first}
	if !d.queue.reserve(r.size()) {
		return false
	}
	if !d.rechecks.add(r, d.recheckDue) {
		d.queue.release(r.size())
		return false
	}
	return true
}

// recheckDue lines r up for a worker.
func (d *Dispatcher) recheckDue(r *recheck) {
	d.queue.release(r.size())
	timeout := r.req.Route.Shadow.Timeout
	deadline := time.Now().Add(timeout)
	d.queue.push(&job{
		backend: r.shadowed().backend,
		size:    r.size(),
		run: func(ctx context.Context) {
			if stale(deadline, timeout) {
				d.recordAsIs(r.pairing, r.first)
				return
			}
			d.checkAgain(ctx, r, deadline)
		},
		drop:   func() { d.recordAsIs(r.pairing, r.first) },
		failed: func(string) { d.recordAsIs(r.pairing, r.first) },
	})
}

// shadowed is the side that did not answer the client; new when neither did.
func (p *pairing) shadowed() *answered {
	if p.live == routes.New {
		return &p.legacy
	}
	return &p.new
}

// standAsTheyAre records differences whose re-check will not be made.
func (d *Dispatcher) standAsTheyAre(left []*recheck) {
	for _, r := range left {
		d.queue.release(r.size())
		d.recordAsIs(r.pairing, r.first)
	}
}

// checkAgain asks both sides again, both as shadow calls, in the order of the
// first time, and records what that says of each place. When they can not be
// asked the differences stand as they are.
func (d *Dispatcher) checkAgain(ctx context.Context, r *recheck, deadline time.Time) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	legacy, new, skip := d.askBoth(ctx, r.req, r.pairing.first)
	if skip != "" {
		d.recordAsIs(r.pairing, r.first)
		return
	}
	if legacy.wrote != "" || new.wrote != "" {
		// In its read-only transaction the side did not answer as it does live.
		r.legacy.wrote, r.new.wrote = legacy.wrote, new.wrote
		r.first.Differences = append(r.first.Differences, writes(r.pairing)...)
		d.recordAsIs(r.pairing, r.first)
		return
	}
	rules := r.req.Route.Compare
	legacy.exchange.Request, new.exchange.Request = r.legacy.exchange.Request, r.legacy.exchange.Request
	ownLegacy := d.compared(&r.legacy.exchange, &legacy.exchange, rules)
	ownNew := d.compared(&r.new.exchange, &new.exchange, rules)
	second := d.compared(&legacy.exchange, &new.exchange, rules)
	if ownLegacy.Err != nil {
		d.recordAsIs(r.pairing, r.first)
		return
	}
	c := d.classify(r, ownLegacy, ownNew, second)
	c.Forgiven = r.first.Forgiven
	d.record(r.pairing, c)
}

// askBoth makes a safe shadow call to each side, the first one first.
func (d *Dispatcher) askBoth(ctx context.Context, req *Request, first routes.Side) (legacy, new answered, skip string) {
	got := make(map[routes.Side]answered, 2)
	for _, side := range []routes.Side{first, first.Other()} {
		if got[side], skip = d.ask(ctx, req, side); skip != "" {
			return legacy, new, skip
		}
	}
	return got[routes.Legacy], got[routes.New], ""
}

// classify gives each place that differed the first time its verdict: legacy
// differs from its own first answer there, then the world has moved
// (transient), or keeps moving (noise); else it is a mismatch, unsteady when
// it is new that differs from itself. The comparison's is the worst of them.
func (d *Dispatcher) classify(r *recheck, ownLegacy, ownNew, second compare.Result) reports.Comparison {
	c := reports.Comparison{Verdict: reports.Match}
	for _, x := range r.first.Differences {
		same := again(second, x)
		moved := !same && differsAt(ownLegacy, x)
		noisy := d.noise.note(noiseKey{r.req.Route.Name, x.Path, string(x.Kind)}, moved)
		verdict := reports.Mismatch
		switch {
		case noisy:
			verdict = reports.Noise
		case moved:
			verdict = reports.Transient
		case !same && (differsAt(ownNew, x) || !present(second, x)):
			c.Unsteady = true
		}
		c.Differences = append(c.Differences, reports.Found{Difference: x, Verdict: verdict})
		c.Verdict = worse(c.Verdict, verdict)
	}
	return c
}

// rank orders the verdicts of places, from best to worst.
var rank = map[reports.Verdict]int{reports.Match: 0, reports.Transient: 1, reports.Noise: 2, reports.Mismatch: 3}

func worse(a, b reports.Verdict) reports.Verdict {
	if rank[b] > rank[a] {
		return b
	}
	return a
}
