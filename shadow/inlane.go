package shadow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

// Lanes opens transactions on the sessions that instances have for their
// databases (package txshadow/pgwire, plugged in by cmd).
type Lanes interface {
	// Open opens the transaction of a shadow on the lane that listens at an
	// address: what its instance sends until the end is part of it. ErrLaneBusy
	// when another shadow is under way there. With readOnly it can not write.
	Open(ctx context.Context, listen string, s LaneShadow) (LaneOpen, error)
}

// LaneShadow is the shadow that a lane is opened for.
type LaneShadow struct {
	ID       string        // Quack-Request-Id
	Trace    string        // trace-id of its traceparent, 32 hex digits
	Budget   time.Duration // until the transaction is ended by the lane itself
	ReadOnly bool
}

// LaneOpen is a transaction that is open on a lane.
type LaneOpen interface {
	// Close rolls back and says what was undone, and how many statements came.
	// The error says that the rollback could not be confirmed; it is
	// ErrLaneUnreachable where there is no database to ask.
	Close(ctx context.Context) (ack Ack, statements int, err error)
}

// ErrLaneUnreachable says that the database that had a lane's session is gone, with
// all of its sessions: it has crashed, or another one has taken its place.
var ErrLaneUnreachable = errors.New("the lane's database is gone, or is another one now")

// ErrLaneBusy says that a lane is taken by another shadow.
var ErrLaneBusy = errors.New("the lane is taken by another shadow")

// laneClose is how long the end of a lane's transaction is waited for.
const laneClose = 2 * time.Second

// prover is the backend whose instances prove that b rolls back, and run its
// shadow writes: b's own, but for lanes.
func prover(b *routes.Backend) *routes.Backend {
	if b.Rollback == routes.RollbackLanes {
		return b.ForLanes()
	}
	return b
}

// laneOf is where the wire proxy listens for an instance.
func laneOf(b *routes.Backend, i *upstream.Instance) string {
	for _, l := range b.Lanes {
		if sameHost(l.URL, i.URL) {
			return l.Listen
		}
	}
	return ""
}

// runInLane makes one shadow call to an instance whose database session is
// rolled back from outside, once the whole answer is there.
func (p *Pending) runInLane(ctx context.Context, s step, last bool) (a answered, skip string, end ending) {
	d, r := p.d, p.req.Route
	within, cancel := context.WithTimeout(ctx, r.Shadow.Budget)
	defer cancel()
	lane, err := d.cfg.Lanes.Open(within, laneOf(s.backend, s.instance), LaneShadow{ID: p.req.ID, Trace: p.req.Trace, Budget: r.Shadow.Budget})
	switch {
	case errors.Is(err, ErrLaneBusy):
		return answered{}, reports.SkipBusy, endedWell
	case err != nil:
		d.unconfirmed(&p.req, s, fmt.Sprintf("open the lane: %v", err))
		return answered{}, reports.SkipUnconfirmed, endedFaulty
	}
	a, failure := p.askInLane(within, s)
	j := d.closeLane(lane, &a)
	if j.skip == "" && failure != nil {
		if end = endingOf(failure); within.Err() != nil {
			return answered{}, reports.SkipBudget, end
		}
		d.unconfirmed(&p.req, s, failure.Error())
		return answered{}, skipOf(failure), end
	}
	if j.leak != "" || j.fault {
		d.proofs.doubt(s.backend.Name, s.instance, j.leak+j.detail)
	}
	if j.skip != "" {
		return answered{}, d.heed(j, &p.req, s.backend.Name), endedWell
	}
	if !p.inTime(last) {
		return answered{}, reports.SkipBudget, endedWell
	}
	return a, "", endedWell
}

// askInLane makes the call and reads its whole answer.
func (p *Pending) askInLane(ctx context.Context, s step) (answered, error) {
	a := answered{backend: s.backend.Name}
	reply, err := p.d.send(ctx, call{req: &p.req, side: s.side, instance: s.instance, mode: ModeRollback})
	if err != nil {
		return a, err
	}
	a.url, a.asked = reply.url, reply.asked
	a.exchange, a.latency, err = reply.read(ctx, p.req.Route.Shadow.MaxBody)
	return a, err
}

// closeLane rolls back and judges what came of it. The answer gets the
// footprint.
func (d *Dispatcher) closeLane(lane LaneOpen, a *answered) judgement {
	ctx, cancel := context.WithTimeout(context.Background(), laneClose)
	defer cancel()
	ack, statements, err := lane.Close(ctx)
	switch {
	case errors.Is(err, ErrLaneUnreachable):
		return judgement{skip: reports.SkipUnconfirmed, fault: true, detail: err.Error()}
	case err != nil:
		return leakOf(fmt.Sprintf("the rollback of a lane was not confirmed: %v", err))
	case ack.Reason != "":
		return judgeReason(ack.Reason, false)
	case statements == 0 && 200 <= a.exchange.Status && a.exchange.Status < 300:
		// It may have no need of its database, or another way to it.
		return judgement{skip: reports.SkipUnsupported, fault: true, word: "no-statement", detail: "answered with success, and no statement came through its lane"}
	}
	a.exchange.Footprint = ack.Footprint
	d.inserted.add(ack.Footprint)
	return judgement{}
}

// inLane asks an instance for something that it has to read from its database,
// to see whether it uses its lane for that.
func (p *proofs) inLane(ctx context.Context, b *routes.Backend, i *upstream.Instance) hello {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	lane, err := p.cfg.Lanes.Open(ctx, laneOf(b, i), LaneShadow{ID: newID(), Budget: helloTimeout, ReadOnly: true})
	if errors.Is(err, ErrLaneBusy) {
		return hello{kind: helloReady} // it is at work there
	}
	if err != nil {
		return hello{kind: helloSilent, detail: fmt.Sprintf("open its lane: %v", err)}
	}
	h := make(http.Header)
	p.cfg.Protocol.MarkNested(h, newID())
	resp, asked := askProof(ctx, b, i, h)
	closing, stop := context.WithTimeout(context.WithoutCancel(ctx), laneClose)
	defer stop()
	_, statements, err := lane.Close(closing)
	switch {
	case asked != nil:
		return hello{kind: helloSilent, detail: fmt.Sprintf("no answer to GET %s: %v", b.Proof, asked)}
	case err != nil:
		return hello{kind: helloRefused, detail: fmt.Sprintf("the rollback of its lane was not confirmed: %v", err)}
	case statements == 0:
		return hello{kind: helloRefused, detail: fmt.Sprintf("GET %s was answered with %d, and no statement came through its lane: its database is to be %s", b.Proof, resp.StatusCode, laneOf(b, i))}
	}
	return hello{kind: helloReady}
}

// askProof asks for a backend's proof with the fields of h, and returns the
// head of the answer.
func askProof(ctx context.Context, b *routes.Backend, i *upstream.Instance, h http.Header) (*http.Response, error) {
	path, query, asks := strings.Cut(b.Proof, "?")
	req, err := upstream.NewRequest(ctx, http.MethodGet, path, query, asks && query == "", i.URL.Host, h, nil, 0)
	if err != nil {
		return nil, err
	}
	resp, err := i.RoundTrip(req, false)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // a body that breaks off changes nothing
	return resp, nil
}
