package shadow

import (
	"sync"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// Pending is a shadow that ran before its live call. The zero Pending is of a
// request without one.
type Pending struct {
	d    *Dispatcher
	req  Request
	live routes.Side

	until     time.Time     // when Before returns at the latest; changed by run alone, under mu
	confirmed chan struct{} // closed when nothing of the shadow's work is left in the backends

	mu       sync.Mutex
	released bool      // Before has returned: the live call may be under way
	settled  bool      // the shadow's part has ended
	spent    bool      // nothing will be compared with the live answer
	shadow   *answered // the shadow side's answer, once it is there
	answer   *Answer   // the live side's, once it is there
}

// Live hands over the live answer; the comparison is made in the background.
// Never blocks.
func (p *Pending) Live(a Answer) {
	if p.d == nil {
		return
	}
	p.mu.Lock()
	if p.spent || p.answer != nil {
		p.mu.Unlock()
		return
	}
	p.answer = &a
	both := p.shadow != nil
	p.mu.Unlock()
	if both {
		p.compare()
	}
}

// settle ends the shadow's part: with its answer, or the reason why there is
// none to compare.
func (p *Pending) settle(a answered, skip string) {
	p.confirm()
	p.mu.Lock()
	if p.settled {
		p.mu.Unlock()
		return
	}
	p.settled = true
	if skip != "" {
		p.spent = true
		p.mu.Unlock()
		p.d.skip(p.req.Route.Name, skip)
		return
	}
	p.shadow = &a
	both := p.answer != nil
	p.mu.Unlock()
	if both {
		p.compare()
	}
}

// compare has the two answers compared; called once, when both are there.
func (p *Pending) compare() {
	switch {
	case p.answer.Skip != "":
		p.d.skip(p.req.Route.Name, p.answer.Skip)
		return
	case p.answer.broken():
		p.d.skip(p.req.Route.Name, reports.SkipAborted)
		return
	case p.d.stranger(&p.req, p.live.Other(), &p.answer.Exchange, &p.shadow.exchange):
		p.d.skip(p.req.Route.Name, reports.SkipNotLearnt)
		return
	}
	p.d.learn(&p.req, p.live, &p.answer.Exchange, &p.shadow.exchange)
	pair := pairOf(&p.req, p.live, p.answer, *p.shadow)
	pair.first = p.live.Other()
	p.d.compareLater(pair)
}

// confirm lets Before return: nothing of the shadow's work is left. It reports
// false when Before has returned already, so that the live call may have run
// beside the shadow.
func (p *Pending) confirm() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.confirmed:
	default:
		close(p.confirmed)
	}
	return !p.released
}

// wait returns when nothing of the shadow's work is left, or its time is over.
func (p *Pending) wait() {
	p.mu.Lock()
	over := time.NewTimer(time.Until(p.until))
	p.mu.Unlock()
	defer over.Stop()
	for {
		select {
		case <-p.confirmed:
		case <-over.C:
		}
		more := p.release()
		if more <= 0 {
			return
		}
		over.Reset(more)
	}
}

// release says that Before returns, unless the shadow has been given more time
// meanwhile: then that is what is left of it.
func (p *Pending) release() (more time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.confirmed:
	default:
		more = time.Until(p.until)
	}
	p.released = more <= 0
	return more
}

// extend gives the shadow more time; false when Before has returned.
func (p *Pending) extend(wait time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.released {
		return false
	}
	p.until = time.Now().Add(wait)
	return true
}

// waited reports whether Before still waits.
func (p *Pending) waited() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.released
}

// inTime reports whether Before has waited for one of the shadow's calls; after
// the last it need not wait any longer.
func (p *Pending) inTime(last bool) bool {
	if last {
		return p.confirm()
	}
	return p.waited()
}

// settleBoth ends the shadow's part when both sides were run: they are
// compared with each other, and the live answer with nothing.
func (p *Pending) settleBoth(both pairing) {
	p.confirm()
	p.mu.Lock()
	p.settled, p.spent = true, true
	p.mu.Unlock()
	p.d.compareLater(both)
}
