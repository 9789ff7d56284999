package shadow

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/tracing"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

// call is one shadow call: a request in the terms of one side, to one instance.
type call struct {
	req      *Request
	side     routes.Side
	instance *upstream.Instance
	mode     Mode          // "" sends no Quack-Shadow
	budget   time.Duration // that the adapter is given
	gid      string        // with ModePrepare: of the transaction
	safe     bool
}

// reply is the head of the answer to a call; read, or leave, must be called.
type reply struct {
	resp    *http.Response
	url     string       // as sent, but for what was learnt
	started time.Time    // of the call
	sent    atomic.Int64 // nanoseconds after started at which the request was fully written; 0 when not known
	asked   []string     // as in answered
	head    head
	span    trace.Span // nil when there is none, and when it has ended
}

// answered is the whole answer of one side.
type answered struct {
	backend  string
	url      string
	exchange compare.Exchange
	latency  time.Duration
	wrote    string   // as in judgement
	unread   string   // why the rows that it wrote are not known, where they were to be had
	asked    []string // secrets that the side was asked with, and the client does not have
}

// send makes the call and returns the head of its answer.
func (d *Dispatcher) send(ctx context.Context, c call) (*reply, error) {
	r := &reply{started: time.Now()}
	req, err := d.request(ctx, c)
	if err != nil {
		return nil, err
	}
	// Only what is safe may be sent again when a kept connection has gone: a
	// second copy of a write would not know of the first one's acknowledgement.
	r.url = c.instance.URL.Scheme + "://" + c.instance.URL.Host + req.target
	r.asked = req.secrets
	if d.beginSpan(c, r); r.span != nil {
		req.Header["Traceparent"] = []string{tracing.Traceparent(r.span.SpanContext())}
	}
	r.resp, err = c.instance.Do(req.Request, upstream.Call{Idempotent: c.safe, Sent: r.wasSent})
	if err != nil {
		r.endSpan(err)
		return nil, fmt.Errorf("shadow call: %w", err)
	}
	r.head.status = r.resp.StatusCode
	if c.mode != "" && !c.laned() {
		r.head.prefer = c.prefers()
		r.head.ack, r.head.ackErr = d.acknowledged(c, r.resp.Header)
	}
	return r, nil
}

// acknowledged reads what an answer's head says of the rollback.
func (d *Dispatcher) acknowledged(c call, h http.Header) (Ack, error) {
	if c.prefers() {
		return preferenceApplied(h)
	}
	return d.cfg.Protocol.Acknowledged(h, c.req.ID)
}

// prefers reports whether the call asks for a rollback by Prefer.
func (c call) prefers() bool {
	return c.mode == ModeRollback && c.req.Route.Backend(c.side).Rollback == routes.RollbackPrefer
}

// laned reports whether the call is rolled back by the lane of its instance.
func (c call) laned() bool {
	return c.mode == ModeRollback && c.req.Route.Backend(c.side).Rollback == routes.RollbackLanes
}

// wasSent notes that the request has been written.
func (r *reply) wasSent() { r.sent.Store(int64(time.Since(r.started))) }

// errNotSent is the error of a call that is not the backend's fault.
var errNotSent = errors.New("not sent")

// outgoing is a request with the target to show for it.
type outgoing struct {
	*http.Request
	target  string
	secrets []string // that were put in
}

// roomForMarks is how many fields request adds to a header.
const roomForMarks = 8

// request is what c sends: the client's request in the side's terms, marked. Its
// target is without what was learnt, which may be secret and is shown.
func (d *Dispatcher) request(ctx context.Context, c call) (outgoing, error) {
	req := c.req
	h := upstream.CloneHeader(req.Header, roomForMarks)
	stripConditions(h)
	w := words(req, h)
	learnt := d.reword(w, c.side)
	path := req.Route.TargetFor(c.side, w.path, w.params)
	target := targetOf(path, w.rawQuery, req.ForceQuery)
	h["Traceparent"] = []string{traceparent(req.Trace)}
	d.cfg.Protocol.MarkContext(h, req.ID, "shadow", req.At, req.ReadOnly)
	switch {
	case c.prefers():
		preferRollback(h)
		d.cfg.Protocol.MarkNested(h, req.ID)
	case c.mode == "", c.laned():
		// Whatever this request causes is a shadow's too.
		d.cfg.Protocol.MarkNested(h, req.ID)
	case c.mode == ModePrepare:
		d.cfg.Protocol.MarkPrepare(h, req.ID, c.gid, c.budget, req.Method, target, w.body)
	default:
		d.cfg.Protocol.MarkShadow(h, req.ID, c.mode, c.budget, req.Method, target, w.body)
	}
	var body io.Reader
	if len(w.body) > 0 {
		body = bytes.NewReader(w.body)
	}
	shown := targetOf(req.Route.TargetFor(c.side, req.Path, req.Params), req.RawQuery, req.ForceQuery)
	out, err := upstream.NewRequest(ctx, req.Method, path, w.rawQuery, req.ForceQuery, req.Route.Backend(c.side).HostFor(req.Host), h, body, int64(len(w.body)))
	if err != nil {
		return outgoing{}, fmt.Errorf("make shadow request %s %q: %w: %w", req.Method, shown, errNotSent, err)
	}
	return outgoing{out, shown, learnt}, nil
}

func targetOf(path, rawQuery string, forceQuery bool) string {
	if rawQuery == "" && !forceQuery {
		return path
	}
	return path + "?" + rawQuery
}

// stripConditions removes what makes an answer depend on what the client has
// already: the sides' validators differ, so one would answer 304 or a part
// where the other sends the whole. Range itself stays, both sides are to
// answer it alike. If-Match and If-Unmodified-Since stay: they guard a write,
// and a write that they refuse is an answer to compare. Expect is between the
// client and Quack.
func stripConditions(h http.Header) {
	for _, name := range []string{"If-None-Match", "If-Modified-Since", "If-Range", "Expect"} {
		delete(h, name)
	}
}

// traceparent is a W3C trace context, version 00, with a new span id and the
// sampled flag: traces of shadows are worth keeping.
func traceparent(traceID string) string {
	var b [24]byte
	rand.Read(b[:])
	if len(traceID) != 32 {
		traceID = hex.EncodeToString(b[8:])
	}
	return "00-" + traceID + "-" + hex.EncodeToString(b[:8]) + "-01"
}

// read reads the rest of the answer, and returns the time from the request
// fully sent to the answer's end. Of the body it keeps max bytes at most, and
// the digest of what is longer. The error is the context's, when it ended
// before the answer did; an answer that broke off otherwise is Incomplete.
func (r *reply) read(ctx context.Context, max int64) (compare.Exchange, time.Duration, error) {
	var err error
	defer func() { r.leave(err) }()
	ex := compare.Exchange{Status: r.resp.StatusCode}
	err = readBody(&ex, r.resp.Body, r.resp.ContentLength, max)
	latency := time.Since(r.started) - time.Duration(r.sent.Load())
	if err != nil {
		if ctx.Err() != nil {
			return ex, latency, fmt.Errorf("read the shadow's answer: %w", context.Cause(ctx))
		}
		ex.Incomplete = "the answer broke off: " + err.Error()
	}
	ex.Header = answerHeader(r.resp.Header)
	if len(r.resp.Trailer) > 0 {
		ex.Trailer = answerHeader(r.resp.Trailer)
	}
	putTrailers(&ex)
	ex.Footprint, ex.Effects = r.head.ack.Footprint, r.head.ack.Effects
	return ex, latency, nil
}

// leave ends the call, whose answer may not have been read to its end; err is
// why not.
func (r *reply) leave(err error) {
	r.resp.Body.Close()
	r.endSpan(err)
}

func readBody(ex *compare.Exchange, body io.Reader, length, max int64) error {
	var kept bytes.Buffer
	if length > 0 {
		kept.Grow(int(min(length, max)) + bytes.MinRead)
	}
	n, err := io.Copy(&kept, io.LimitReader(body, max))
	ex.Size = n
	if err != nil {
		ex.Body = kept.Bytes()
		return err
	}
	var one [1]byte
	if m, err := io.ReadFull(body, one[:]); m == 0 {
		ex.Body = kept.Bytes()
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	sum := sha256.New()
	sum.Write(kept.Bytes())
	sum.Write(one[:])
	rest, err := io.Copy(sum, body)
	ex.Size += 1 + rest
	sum.Sum(ex.Digest[:0])
	return err
}

// answerHeader makes of an answer's header what is compared: without hop-by-hop
// fields, and without the Quack-* fields, which only one side has.
func answerHeader(h http.Header) http.Header {
	upstream.RemoveHopByHop(h)
	for name := range h {
		if strings.HasPrefix(name, "Quack-") {
			delete(h, name)
		}
	}
	return h
}
