package shadow

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
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
	if !d.stillApart(backend) {
		d.missing(req, backend, "the backend has been changed in routes.yaml since the request was made")
		return answered{}, reports.SkipNoProof
	}
	c := call{req: req, side: side}
	if c.instance = d.pick(backend, func(i *upstream.Instance) bool { return hasURL(backend, i.URL) }); c.instance == nil {
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
		d.missing(req, backend, err.Error())
	}
	return a, skip
}

// stillApart reports whether a backend is, in the table in force, what it was
// in the one that a request goes by. Connections are found by its name: a write
// that has waited while the name was given to a server on the live database
// would be made there a second time.
func (d *Dispatcher) stillApart(was *routes.Backend) bool {
	for _, b := range d.cfg.Table().Backends() {
		if b.Name == was.Name {
			return b.Database == was.Database && b.Rollback == was.Rollback && slices.EqualFunc(b.URLs, was.URLs, sameHost)
		}
	}
	return false
}

func hasURL(b *routes.Backend, u *url.URL) bool {
	return slices.ContainsFunc(b.URLs, func(o *url.URL) bool { return sameHost(o, u) })
}

func sameHost(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// missing says that a write may not have been made on the copy.
func (d *Dispatcher) missing(req *Request, b *routes.Backend, why string) {
	if n, notable := d.tally.add("kept", req.Route.Name); notable {
		d.log.Warn("a write may be missing from the shadow side's copy", "route", req.Route.Name, "backend", b.Name,
			"request", req.ID, "why", why, "count", n)
	}
}
