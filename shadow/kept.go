package shadow

import (
	"context"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// kept reports whether the shadow of req to a side is a write that stays there.
func kept(req *Request, side routes.Side) bool {
	return !req.Route.SafeFor(req.Method) && req.Route.KeepsWrites(side)
}

// askKept makes the shadow call of an unsafe request to a side whose database
// is its own, where it stays: at most once, whatever becomes of it. It carries
// the marks by which what it causes is refused as a live write.
func (d *Dispatcher) askKept(ctx context.Context, req *Request, side routes.Side) (answered, string) {
	backend := req.Route.Backend(side)
	if !kept(req, side) || backend.Rollback != routes.RollbackNone {
		// Such routes are refused at load: an adapter lets no write of a shadow stay.
		return answered{}, reports.SkipNoProof
	}
	c := call{req: req, side: side}
	if c.instance = d.pick(backend, nil); c.instance == nil {
		return answered{}, reports.SkipUnreachable
	}
	turn, ok := d.breakers.of(backend.Name, false).enter(time.Now())
	if !ok {
		return answered{}, reports.SkipBreaker
	}
	end := endedUnknown
	defer func() { d.leave(turn, end, backend.Name) }()
	a, skip, err := d.askInstance(ctx, c, backend.Name)
	if end = endingOf(err); err != nil {
		if n, notable := d.tally.add("kept", req.Route.Name); notable {
			d.log.Warn("a write may be missing from the shadow side's copy", "route", req.Route.Name, "backend", backend.Name,
				"request", req.ID, "why", err.Error(), "count", n)
		}
	}
	return a, skip
}
