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
	max int

	mu      sync.Mutex
	closed  bool
	waiting map[*recheck]*time.Timer
}

// recheck is a pairing that differed, and what became of asking again so far.
type recheck struct {
	pairing
	first compare.Result
	asked int       // times, answered or not
	tries []try     // those that were answered
	look  []idPlace // places of ids for which a match is asked again; nil for a difference
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
	s.waiting[r] = time.AfterFunc(r.req.Route.Shadow.Recheck.Delay, func() {
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

// recheckLater has r asked again after the delay. It reports false when there
// is no room for it.
func (d *Dispatcher) recheckLater(r *recheck) bool {
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
				d.settle(r)
				return
			}
			d.checkAgain(ctx, r, deadline)
		},
		drop:   func() { d.settle(r) },
		failed: func(string) { d.settle(r) },
	})
}

// shadowed is the side that did not answer the client; new when neither did.
func (p *pairing) shadowed() *answered {
	if p.live == routes.New {
		return &p.legacy
	}
	return &p.new
}

// settleAll records differences of which no more is asked.
func (d *Dispatcher) settleAll(left []*recheck) {
	for _, r := range left {
		d.queue.release(r.size())
		d.settle(r)
	}
}

// settle records what the tries say of each place. When none was answered the
// differences, or the match, stand as they are.
func (d *Dispatcher) settle(r *recheck) {
	d.ids.end(r.look)
	switch {
	case len(r.tries) > 0:
		c := d.classify(r)
		if c.Verdict == reports.Match {
			d.learnPairs(r.req.Route, r.first)
		}
		d.record(r.pairing, c)
	case r.look != nil:
		d.recordMatch(r.pairing, r.first, true)
	default:
		d.recordAsIs(r.pairing, d.ids.apply(r.req.Route.Name, r.first))
	}
}

// checkAgain asks both sides again, both as shadow calls, in the order of the
// first time. A further try is made as long as there is a place at which legacy
// has not been seen to differ from itself.
func (d *Dispatcher) checkAgain(ctx context.Context, r *recheck, deadline time.Time) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	r.asked++
	legacy, new, skip := d.askBoth(ctx, r.req, r.pairing.first)
	if skip == "" && (legacy.wrote != "" || new.wrote != "") {
		// In its read-only transaction the side did not answer as it does live.
		r.legacy.wrote, r.new.wrote = legacy.wrote, new.wrote
		r.first.Differences = append(r.first.Differences, writes(r.pairing)...)
		d.ids.end(r.look)
		d.recordAsIs(r.pairing, r.first)
		return
	}
	if skip == "" {
		if t, ok := d.tryOf(&r.pairing, &legacy.exchange, &new.exchange); ok {
			r.tries = append(r.tries, t)
		}
	}
	over := r.asked >= r.req.Route.Shadow.Recheck.Tries || settled(look(r.first.Differences, r.tries))
	if over || !d.recheckLater(r) {
		d.settle(r)
	}
}

// tryOf compares what both sides answered when asked again; false when legacy's
// answer can not be compared with its own first.
func (d *Dispatcher) tryOf(p *pairing, legacy, new *compare.Exchange) (try, bool) {
	rules := p.req.Route.Compare
	legacy.Request, new.Request = p.legacy.exchange.Request, p.legacy.exchange.Request
	t := try{
		ownLegacy: d.compared(&p.legacy.exchange, legacy, rules),
		ownNew:    d.compared(&p.new.exchange, new, rules),
		second:    d.comparedKnowing(legacy, new, rules, d.knownTo(p.req.Route)),
		failed:    overloaded(legacy.Status) && !overloaded(p.legacy.exchange.Status),
	}
	return t, t.ownLegacy.Err == nil
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
