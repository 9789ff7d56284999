package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// How large a body may be that is sent together with the head: one that is in
// memory, one that has to be read first.
const (
	maxInline   = 64 << 10
	maxReadOnce = 16 << 10
)

// maxKept is how many kept connections may fail under one request before a
// fresh one is taken.
const maxKept = 3

// exchange is one request and its answer over HTTP/1.1.
type exchange struct {
	instance   *Instance
	req        *http.Request
	wait       wait
	idempotent bool
	counted    bool                         // the instance counts it among its calls
	last       bool                         // the backend was told that the connection ends with the answer
	streamed   bool                         // the body is sent by an upload
	started    bool                         // something was read of the body
	early      func(int, http.Header) error // called with interim answers; may be nil
	sent       func()                       // called when the request was written; may be nil

	out    *outgoing // nil when it was sent
	conn   *conn
	upload *upload     // nil when the body went with the head
	unhook func() bool // of req's context

	response http.Response
	body     body
}

// run makes the call. On an error nothing of it is left.
func (x *exchange) run() (*http.Response, error) {
	ctx := x.req.Context()
	x.streamed = streams(x.req)
	x.out = outgoings.Get().(*outgoing)
	defer func() { x.out.release() }()
	// The server is to close first what is not kept: whoever does has to
	// remember the connection for a minute (RFC 9293 section 3.6.1).
	x.last = x.mayReuse() == 0 && len(x.req.Header["Upgrade"]) == 0
	if err := x.out.head(x.req, x.last); err != nil {
		closeBody(x.req)
		return nil, err
	}
	for kept := 0; ; kept++ {
		if ctx.Err() != nil {
			x.closeBody()
			return nil, context.Cause(ctx)
		}
		c, err := x.connection(kept < maxKept)
		if err != nil {
			x.closeBody()
			return nil, err
		}
		again, err := x.over(c)
		if err == nil {
			return x.answered()
		}
		if !again {
			x.closeBody()
			return nil, err
		}
	}
}

// closeBody closes the request's body, when nobody has begun to read it: who
// has, closes it.
func (x *exchange) closeBody() {
	if !x.started {
		x.started = true
		closeBody(x.req)
	}
}

// streams reports whether the request's body is sent on its own.
func streams(req *http.Request) bool {
	switch {
	case req.ContentLength == 0:
		return false
	case req.ContentLength < 0, listed(req.Header["Expect"], "100-continue"):
		return true
	case req.GetBody != nil:
		return req.ContentLength > maxInline
	}
	return req.ContentLength > maxReadOnce
}

// repeatable reports whether the body can be had again.
func (x *exchange) repeatable() bool { return !x.streamed || x.req.GetBody != nil }

// connection is a kept connection where the request may have one, else a new
// one.
func (x *exchange) connection(mayKept bool) (*conn, error) {
	i := x.instance
	if within := x.mayReuse(); mayKept && within > 0 {
		if c := i.idle.take(within, time.Now()); c != nil {
			return c, nil
		}
	}
	return i.dial(x.req.Context(), x.wait)
}

// mayReuse is how long ago a kept connection may have been used.
func (x *exchange) mayReuse() time.Duration {
	switch reuse := x.instance.options.Reuse; {
	case !x.instance.keeps():
		return 0
	case reuse == ReuseAlways, x.idempotent && x.repeatable():
		return idleTimeout
	case reuse == ReuseRecent && !x.streamed:
		return provenFresh
	}
	return 0
}

// over makes the exchange over c. again is that it failed in a way in which it
// may be made again over another connection.
func (x *exchange) over(c *conn) (again bool, err error) {
	if !x.streamed && !x.started && x.req.ContentLength > 0 {
		err := x.readBody()
		if now := time.Now(); err != nil || c.kept && now.Sub(c.since) > x.mayReuse() {
			if c.kept {
				now = c.since // it was not used
			}
			x.instance.idle.put(x.instance, c, now)
			return err == nil, err
		}
	}
	x.conn, x.upload = c, nil
	c.r, c.w = 0, 0 // an idle connection has nothing in its buffer
	x.hook()
	before := c.wire.written.Load()
	stale, err := x.send()
	if c.kept {
		x.instance.idle.found(!stale && err == nil, c)
	}
	if err == nil && !stale {
		if err = x.readAnswer(); err == nil {
			return false, nil
		}
	}
	if x.unhook() && c.kept {
		again = stale || c.w == 0 && x.mayRepeat(err, before)
	}
	switch {
	case stale && c.kept:
		err = errStale
	case stale:
		err = dialError{errClosedAtOnce}
	}
	err = x.explain(err)
	c.abort()
	if x.upload != nil {
		x.upload.stop()
	}
	return again, err
}

// errStale is that a kept connection was not alive. The caller sees it only
// when the request's context ends just then, which says so itself.
var errStale = errors.New("the kept connection was not alive")

// errClosedAtOnce is that a new connection was closed, or something came over
// it, before anything was sent: the server ended with its queue of connections
// not taken yet, or it does not speak HTTP.
var errClosedAtOnce = errors.New("the connection was closed as soon as it had been made, or something came unasked")

// mayRepeat reports whether the request can be sent again after err, before a
// byte of the answer came, over a connection that was kept. before is how much
// had been written there before.
func (x *exchange) mayRepeat(err error, before int64) bool {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), x.upload != nil && x.req.GetBody == nil:
		return false
	case x.idempotent:
		return true
	case x.upload != nil:
		return false // it may be writing still
	}
	w := x.conn.wire
	return w.written.Load() == before || errors.Is(err, io.EOF) && w.unreceived(before)
}

// readBody reads a small body behind the head, once for all connections.
func (x *exchange) readBody() error {
	x.started = true
	defer closeBody(x.req)
	head, n := len(x.out.bytes), int(x.req.ContentLength)
	for cap(x.out.bytes) < head+n {
		x.out.bytes = append(x.out.bytes[:cap(x.out.bytes)], 0)
	}
	x.out.bytes = x.out.bytes[:head+n]
	if _, err := io.ReadFull(x.req.Body, x.out.bytes[head:]); err != nil {
		if ctx := x.req.Context(); ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("read the body: %w", unexpected(err))
	}
	return nil
}

// afterFuncer is a context with a cheaper way than context.AfterFunc.
type afterFuncer interface {
	AfterFunc(func()) (stop func() bool)
}

// hook makes the end of the request's context end what goes on over conn.
func (x *exchange) hook() {
	ctx := x.req.Context()
	switch a, ok := ctx.(afterFuncer); {
	case ok: // first: such a context has a channel only where it is asked for one
		x.unhook = a.AfterFunc(x.conn.cut)
	case ctx.Done() == nil:
		x.unhook = notHooked
	default:
		x.unhook = context.AfterFunc(ctx, x.conn.cut)
	}
}

func notHooked() bool { return true }

// send writes the request, or begins to, and may read the first bytes of the
// answer. stale is that a kept connection was not alive, and nothing was sent.
func (x *exchange) send() (stale bool, err error) {
	c := x.conn
	c.bound(x.wait, !x.streamed)
	if !x.streamed && c.plain() {
		c.room()
		n, stale, err := c.wire.converse(x.out.bytes, c.buf[c.w:], x.sent)
		c.w += n
		return stale, err
	}
	if c.kept && !c.wire.quiet() {
		return true, nil
	}
	if _, err := c.Write(x.out.bytes); err != nil {
		return false, x.refused(err)
	}
	if x.streamed {
		return false, x.beginUpload()
	}
	if x.sent != nil {
		x.sent()
	}
	return false, nil
}

// refused is talk.refused where that does not serve.
func (x *exchange) refused(err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) && x.conn.fill() == nil {
		return nil
	}
	return fmt.Errorf("send the request: %w", err)
}

func (x *exchange) beginUpload() error {
	body := x.req.Body
	if x.started { // by an attempt before this one
		var err error
		if body, err = x.req.GetBody(); err != nil {
			return fmt.Errorf("get the body again: %w", err)
		}
	}
	x.started = true
	u := &upload{
		conn: x.conn, body: body, length: x.req.ContentLength, trailer: x.req.Trailer,
		limit: x.wait.limit, wrote: x.sent, done: make(chan struct{}),
	}
	if listed(x.req.Header["Expect"], "100-continue") {
		u.proceed = make(chan bool, 1)
	}
	x.upload = u
	x.instance.helpers.start(u.run)
	return nil
}

// readAnswer reads the answer's head, and passes interim answers on.
func (x *exchange) readAnswer() error {
	budget := x.instance.options.MaxHeaderBytes
	for {
		head, err := x.conn.readHead(budget)
		if err != nil {
			return err
		}
		x.response = http.Response{Request: x.req}
		if err := parseAnswer(head, &x.response); err != nil {
			return err
		}
		code := x.response.StatusCode
		if code < 100 || code >= 200 || code == http.StatusSwitchingProtocols {
			x.upload.answer(false)
			break
		}
		if code == http.StatusContinue {
			x.upload.answer(true)
		}
		if budget, err = x.interim(budget - int64(len(head))); err != nil {
			return err
		}
	}
	var err error
	x.body.framing, err = frame(&x.response, x.req.Method)
	return err
}

// interim passes an interim answer on, and gives the budget for what comes: who
// looks at interim answers has to limit them.
func (x *exchange) interim(budget int64) (int64, error) {
	if x.early == nil {
		return budget, nil
	}
	return x.instance.options.MaxHeaderBytes, x.early(x.response.StatusCode, x.response.Header)
}

// answered is the answer whose head was read, with its body.
func (x *exchange) answered() (*http.Response, error) {
	res := &x.response
	if over, ok := x.conn.Conn.(connectionStater); ok {
		state := over.ConnectionState()
		res.TLS = &state
	}
	switch {
	case switches(res):
		x.conn.unbound()
		x.unhook()
		res.Body = &switched{x: x}
	case x.body.framing == noBody:
		x.headDone(true)
		res.Body = http.NoBody
		x.end(true)
	default:
		x.body.x, x.body.left = x, max(res.ContentLength, 0)
		x.headDone(x.body.Whole())
		res.Body = &x.body
	}
	return res, nil
}

// headDone ends the time limit for the head. all is that nothing more is to be
// read or written for this call.
func (x *exchange) headDone(all bool) {
	if all && x.upload == nil && x.conn.plain() {
		x.conn.leave()
		return
	}
	x.conn.unbound()
}

// end ends the call. whole is that the answer was read to its end.
func (x *exchange) end(whole bool) {
	c := x.conn
	keep := x.unhook() && whole && !x.last && !x.response.Close && x.response.StatusCode >= 200 &&
		(x.upload == nil || x.upload.sent()) && c.drained()
	switch {
	case keep:
		x.instance.idle.put(x.instance, c, time.Now())
	case whole && x.upload == nil:
		c.hangUp()
	default:
		if c.abort(); x.upload != nil {
			x.upload.stop()
		}
	}
	if x.counted {
		x.instance.leave()
	}
}

// explain is err in terms of why it came about.
func (x *exchange) explain(err error) error {
	switch ctx := x.req.Context(); {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case x.upload != nil && x.upload.failed.Load():
		<-x.upload.done // it has aborted the connection and returns
		return x.upload.err
	case errors.Is(err, os.ErrDeadlineExceeded) && x.wait.limit > 0:
		return ErrHeadTimeout
	case err == io.EOF:
		return fmt.Errorf("closed before an answer: %w", io.ErrUnexpectedEOF)
	}
	return err
}
