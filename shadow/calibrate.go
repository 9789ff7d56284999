package shadow

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// The bounds of calibrations.
const (
	calibrationsMax     = 4                     // that run at once
	calibrationInterval = 50 * time.Millisecond // between two requests that one takes
	calibrationSave     = 10 * time.Second      // how long keeping its result may take
)

// calibrations are those that run, by route.
type calibrations struct {
	running atomic.Int32 // len(byRoute): what the live path looks at first

	mu      sync.Mutex
	closed  bool
	byRoute map[string]*calibration
}

// calibration is one that runs. Its fields are guarded by the mu of calibrations.
type calibration struct {
	route string
	n     int
	until time.Time
	out   *reports.Calibrating
	timer *time.Timer
	next  time.Time // when it takes another request, at the earliest
	taken int       // requests compared, failed, or on their way to it
	ended int       // of taken: compared or failed
	over  bool      // its state is final
}

// Calibrate begins to send safe requests of a route to legacy twice, until n
// are compared or it is until. It takes live requests as they come, one in 50 ms
// at most, whatever the stage; nothing goes into the route's counters. The errors
// are reports.ErrCalibrating, reports.ErrCalibrations and reports.ErrStopping.
func (d *Dispatcher) Calibrate(route string, n int, until time.Time, by string) error {
	s := &d.calibrations
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return reports.ErrStopping
	case s.byRoute[route] != nil:
		return reports.ErrCalibrating
	case len(s.byRoute) >= calibrationsMax:
		return reports.ErrCalibrations
	}
	if s.byRoute == nil {
		s.byRoute = make(map[string]*calibration)
	}
	now := time.Now().UTC().Round(0)
	c := &calibration{route: route, n: n, until: until, out: d.cfg.Reports.Calibrating(reports.Calibration{
		Route: route, N: n, Until: until.UTC().Round(0), Started: now, By: by,
	})}
	c.timer = time.AfterFunc(time.Until(until), func() { d.endCalibration(c, reports.CalibrationTimeIsUp) })
	s.byRoute[route] = c
	s.running.Store(int32(len(s.byRoute)))
	return nil
}

// Calibration is that of a route, while it runs.
func (d *Dispatcher) Calibration(route string) (reports.Calibration, bool) {
	s := &d.calibrations
	s.mu.Lock()
	c := s.byRoute[route]
	s.mu.Unlock()
	if c == nil {
		return reports.Calibration{}, false
	}
	return c.out.Now(), true
}

// StopCalibration ends the one of a route, and reports whether there was one.
// What it has found is kept.
func (d *Dispatcher) StopCalibration(route string) bool {
	s := &d.calibrations
	s.mu.Lock()
	c := s.byRoute[route]
	s.mu.Unlock()
	if c == nil {
		return false
	}
	d.endCalibration(c, reports.CalibrationStopped)
	return true
}

// endCalibration makes the state of c final, keeps its result, and then forgets
// it. The first to call it does.
func (d *Dispatcher) endCalibration(c *calibration, state reports.CalibrationState) {
	if !d.life.begin() {
		return // Run ends it
	}
	defer d.life.end()
	d.finishCalibration(c, state)
}

func (d *Dispatcher) finishCalibration(c *calibration, state reports.CalibrationState) {
	s := &d.calibrations
	s.mu.Lock()
	first := !c.over
	c.over = true
	s.mu.Unlock()
	if !first {
		return
	}
	c.timer.Stop()
	c.out.End(state, time.Now().UTC().Round(0))
	ctx, cancel := context.WithTimeout(context.Background(), calibrationSave)
	defer cancel()
	result := c.out.Now()
	if err := d.cfg.Reports.KeepCalibration(ctx, result); err != nil {
		d.log.Error("the result of a calibration is lost", "route", c.route, "error", err)
	}
	d.log.Info("calibration ended", "route", c.route, "state", string(state), "compared", result.Compared, "differing", result.Differing)
	s.mu.Lock()
	delete(s.byRoute, c.route)
	s.running.Store(int32(len(s.byRoute)))
	s.mu.Unlock()
}

// closeCalibrations ends those that run; no other begins.
func (d *Dispatcher) closeCalibrations() {
	s := &d.calibrations
	s.mu.Lock()
	s.closed = true
	left := maps.Clone(s.byRoute)
	s.mu.Unlock()
	for _, c := range left {
		d.finishCalibration(c, reports.CalibrationInterrupted)
	}
}

// Specimen is a live request that a calibration has taken. It has to be offered, or
// skipped.
type Specimen struct {
	d *Dispatcher
	c *calibration
}

// Specimen takes a request of a route for its calibration; nil when there is none,
// or when it has taken enough for now. The request has to be safe. It takes no
// lock while nothing is calibrated.
func (d *Dispatcher) Specimen(r *routes.Route) *Specimen {
	s := &d.calibrations
	if s.running.Load() == 0 {
		return nil
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byRoute[r.Name]
	if c == nil || c.over || c.taken >= c.n || now.Before(c.next) {
		return nil
	}
	c.taken++
	c.next = now.Add(calibrationInterval)
	return &Specimen{d: d, c: c}
}

// Skip gives it back: another request takes it.
func (p *Specimen) Skip(reason string) {
	p.c.out.Skipped(reason)
	p.giveBack()
}

func (p *Specimen) giveBack() {
	p.d.calibrations.mu.Lock()
	defer p.d.calibrations.mu.Unlock()
	p.c.taken--
}

// Offer hands over the request and what the live side has answered: where that
// is legacy, it is one of the two answers. It never blocks.
func (p *Specimen) Offer(req Request, live routes.Side, a Answer) {
	r := req.Route
	if !r.SafeFor(req.Method) || r.Legacy == nil || p.d.cfg.Latches.Latched(r.Name) {
		p.Skip(reports.SkipLatched)
		return
	}
	var first *answered
	if live == routes.Legacy && a.Skip == "" && !a.broken() && a.Exchange.Status != http.StatusNotModified {
		exchange := a.Exchange
		// The comparison with the other side has the same maps.
		exchange.Header, exchange.Trailer = answerHeader(maps.Clone(exchange.Header)), maps.Clone(exchange.Trailer)
		putTrailers(&exchange)
		first = &answered{backend: a.Backend, url: a.URL, exchange: exchange, latency: a.Latency}
	}
	deadline := time.Now().Add(r.Shadow.Timeout)
	p.d.queue.push(&job{
		backend: r.Legacy.Name,
		size:    int64(len(req.Body) + len(a.Exchange.Body)),
		run: func(ctx context.Context) {
			if stale(deadline, r.Shadow.Timeout) {
				p.Skip(reports.SkipStale)
				return
			}
			p.ask(ctx, &req, first, deadline)
		},
		drop: func() {
			p.c.out.Dropped()
			p.giveBack()
		},
		failed: func(string) {
			p.c.out.Failed()
			p.done()
		},
	})
}

// ask asks legacy once more, or twice when first is not there, and compares.
func (p *Specimen) ask(ctx context.Context, req *Request, first *answered, deadline time.Time) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if first == nil {
		a, skip := p.d.ask(ctx, req, routes.Legacy)
		if skip != "" {
			p.Skip(skip)
			return
		}
		first = &a
	}
	second, skip := p.d.ask(ctx, req, routes.Legacy)
	if skip != "" {
		p.Skip(skip)
		return
	}
	if first.wrote != "" || second.wrote != "" {
		// In its read-only transaction it did not answer as it does live.
		p.Skip(reports.SkipUnsupported)
		return
	}
	first.exchange.Request = req.asked()
	second.exchange.Request = first.exchange.Request
	result := p.d.compared(&first.exchange, &second.exchange, req.Route.Compare)
	p.c.out.Compared(calibrated(req, *first, second), result)
	p.done()
}

// calibrated is what two answers of legacy are redacted by.
func calibrated(req *Request, first, second answered) reports.Comparison {
	asked := req.asked()
	return reports.Comparison{
		ID: req.ID, At: req.At, Route: req.Route.Name,
		Request: reports.Request{Method: req.Method, Target: asked.Target, Host: req.Host, Header: req.Header, Body: req.Body, BodySize: int64(len(req.Body))},
		Legacy:  first.side(), New: second.side(),
		Secrets: secrets(req, &first, &second),
	}
}

// done counts it, and ends the calibration with its last.
func (p *Specimen) done() {
	s := &p.d.calibrations
	s.mu.Lock()
	p.c.ended++
	last := p.c.ended >= p.c.n
	s.mu.Unlock()
	if last {
		p.d.endCalibration(p.c, reports.CalibrationDone)
	}
}
