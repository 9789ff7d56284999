package shadow

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

// ask makes a safe shadow call to one side, and returns the whole answer, or
// the reason why there is none. An instance that has proved that it rolls back
// is preferred, and runs it in a read-only transaction; where there is none the
// request goes plain, since what is safe needs no proof to be sent. A method
// that is unsafe by RFC 9110 does not go plain to a backend with an adapter:
// only the route says that it is safe, and the adapter would refuse it as a
// write that a shadow has caused.
func (d *Dispatcher) ask(ctx context.Context, req *Request, side routes.Side) (answered, string) {
	backend := req.Route.Backend(side)
	c := call{req: req, side: side, safe: true}
	adapter := backend.Rollback == routes.RollbackHeader
	if adapter {
		c.instance = d.pickProved(backend)
	}
	if c.instance != nil {
		c.mode, c.budget = ModeReadOnly, remaining(ctx)
	} else if adapter && !safeMethod(req.Method) {
		return answered{}, reports.SkipNoProof
	} else if c.instance = d.pick(backend, nil); c.instance == nil {
		return answered{}, reports.SkipUnreachable
	}
	if ctx.Err() != nil {
		return answered{}, reports.SkipTimeout
	}
	turn, ok := d.breakers.of(backend.Name, true).enter(time.Now())
	if !ok {
		return answered{}, reports.SkipBreaker
	}
	end := endedUnknown
	defer func() { d.leave(turn, end, backend.Name) }()

	a, skip, err := d.askInstance(ctx, c, backend.Name)
	end = endingOf(err)
	if err != nil {
		d.log.Debug("no answer to a shadow call", "route", req.Route.Name, "backend", backend.Name, "request", req.ID, "error", err.Error())
		if skip == reports.SkipUnreachable && end == endedFaulty {
			d.proofs.doubt(backend.Name, c.instance, err.Error())
		}
	}
	return a, skip
}

func safeMethod(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// askInstance makes the call and reads and judges its answer; err says that
// there was none.
func (d *Dispatcher) askInstance(ctx context.Context, c call, backend string) (a answered, skip string, err error) {
	r, err := d.send(ctx, c)
	if err != nil {
		return a, skipOf(err), err
	}
	a = answered{backend: backend, url: r.url, asked: r.asked}
	a.exchange, a.latency, err = r.read(ctx, c.req.Route.Shadow.MaxBody)
	if err != nil {
		return a, skipOf(err), err
	}
	if c.mode == "" {
		return a, "", nil
	}
	j := judgeSafe(r.head)
	if r.head.ackErr != nil {
		d.proofs.doubt(backend, c.instance, "an answer without a valid acknowledgement")
	}
	a.wrote = j.wrote
	return a, d.heed(j, c.req, backend), nil
}

// leave ends a call's turn, and says so when a pause begins.
func (d *Dispatcher) leave(t turn, e ending, backend string) {
	if pause := t.leave(e, time.Now()); pause > 0 {
		d.log.Warn("shadow calls to a backend paused: it does not answer", "backend", backend, "for", pause.String())
	}
}

// skipOf is the skip reason of a call that got no answer.
func skipOf(err error) string {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return reports.SkipTimeout
	}
	return reports.SkipUnreachable
}

// endingOf is how a call ended that got err in place of an answer. Only Quack
// itself, stopping, cancels a shadow call.
func endingOf(err error) ending {
	switch {
	case err == nil:
		return endedWell
	case errors.Is(err, context.Canceled), errors.Is(err, errNotSent):
		return endedUnknown
	}
	return endedFaulty
}

// remaining is the time until ctx's deadline.
func remaining(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(time.Until(deadline), 0)
}

// pick chooses an instance of b among those that keep accepts; nil when there
// is none.
func (d *Dispatcher) pick(b *routes.Backend, keep func(*upstream.Instance) bool) *upstream.Instance {
	conns := d.cfg.Backend(b)
	if conns == nil {
		return nil
	}
	return conns.Pick(keep)
}
