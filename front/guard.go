package front

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// guard stands between a connection and net/http's server for HTTP/1, which
// takes some requests that it should not. A request's head is passed on when
// it is whole and sound, then its body up to its end, then the next head. In
// the place of a head that is refused a request of the guard's own is passed
// on, so that the refusal is answered in its turn.
type guard struct {
	*conn
	buf  []byte // what was read is buf[r:w]
	r, w int
	ok   int // of it may be passed on
	head head

	state  guardState
	left   int64 // of a body with a length
	chunks chunks
	own    []byte // the request in the place of a refused one

	reading     atomic.Bool // somebody is in Read
	transparent atomic.Bool // hijacked: everything passes

	mu      sync.Mutex
	passed  int      // heads passed on
	opaque  int      // which of them was the last that can be judged; 0 is none
	refusal *refusal // of the head after the last one passed on
	served  int      // heads that came to the handler; its goroutine's
}

type guardState uint8

const (
	guardHead   guardState = iota // a head is next
	guardLength                   // within a body with a length
	guardChunks                   // within a chunked body
	guardOpaque                   // behind a request that may switch protocols
	guardEnd                      // nothing passes any more
)

// refusedTarget marks the guard's own request. No client's target has a
// fragment: that is refused.
const refusedTarget = "/#refused"

var refusedRequest = []byte("GET " + refusedTarget + " HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n")

// toGuard gives the connection to net/http, with what was read of it.
func (c *conn) toGuard(read []byte) {
	g := &guard{conn: c, buf: make([]byte, max(laneBuffer, len(read)))}
	g.w = copy(g.buf, read)
	g.head.reset()
	begin := idle
	if len(read) > 0 {
		begin = reading
	}
	if !c.proceed(begin) || !c.server.toStd.give(g) {
		c.stream.Close()
	}
}

// Read passes on what is sound.
func (g *guard) Read(p []byte) (int, error) {
	g.reading.Store(true)
	defer g.reading.Store(false)
	for {
		switch {
		case g.ok > 0:
			return g.pass(p), nil
		case len(g.own) > 0:
			n := copy(p, g.own)
			g.own = g.own[n:]
			return n, nil
		case g.transparent.Load():
			return g.readAny(p)
		}
		n, err := g.step(p)
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// pass passes on what was found to be sound.
func (g *guard) pass(p []byte) int {
	n := copy(p, g.buf[g.r:g.r+g.ok])
	g.r += n
	g.ok -= n
	return n
}

// step reads on, into p where that is known to be sound.
func (g *guard) step(p []byte) (int, error) {
	switch g.state {
	case guardHead:
		return 0, g.readHead()
	case guardLength:
		return g.readLength(p)
	case guardChunks:
		return g.readChunks(p)
	case guardOpaque:
		return g.readAny(p)
	default:
		return 0, io.EOF
	}
}

// readHead waits until a head is whole and judges it.
func (g *guard) readHead() error {
	for {
		if g.r < g.w {
			// A request that comes while another is answered waits its turn.
			if g.phase() == idle && !g.proceed(reading) {
				return net.ErrClosed
			}
			done, no := g.head.feed(g.buf[g.r:g.w])
			switch {
			case no != nil:
				return g.refuse(no)
			case done && g.head.at <= g.server.HeadBytes:
				return g.accept()
			case g.w-g.r >= g.server.HeadBytes:
				return g.refuse(tooLarge)
			}
		}
		if err := g.fill(); err == io.EOF && g.r < g.w {
			return g.refuse(badEnd)
		} else if err != nil {
			return err
		}
	}
}

// fill reads more behind what is there.
func (g *guard) fill() error {
	switch {
	case g.r == g.w:
		g.r, g.w = 0, 0
	case g.w == len(g.buf) && g.r > 0:
		g.w = copy(g.buf, g.buf[g.r:g.w])
		g.r = 0
	case g.w == len(g.buf):
		g.buf = append(g.buf, make([]byte, len(g.buf))...)
	}
	n, err := g.stream.Read(g.buf[g.w:])
	if g.w += n; n > 0 {
		return nil
	}
	return err
}

// accept lets a head pass and notes what follows it.
func (g *guard) accept() error {
	h := &g.head
	if h.chunked {
		var k chunks
		if no := k.sound(g.buf[g.r+h.at : g.w]); no != nil {
			return g.refuse(no)
		}
	}
	switches := h.upgrade && h.opts.upgrade || bytes.HasPrefix(g.buf[g.r+h.start:g.w], []byte(http.MethodConnect+" "))
	g.proceed(busy)
	g.mu.Lock()
	g.passed++
	if switches {
		g.opaque = g.passed
	}
	g.mu.Unlock()
	g.r += h.start // net/http does not know the empty line before it
	g.ok = h.at - h.start
	switch {
	case h.chunked:
		g.state, g.chunks = guardChunks, chunks{}
	case h.length > 0:
		g.state, g.left = guardLength, h.length
	default:
		g.bodyEnded()
	}
	g.head.reset()
	return nil
}

// bodyEnded decides what comes after a message.
func (g *guard) bodyEnded() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state = guardHead
	if g.opaque > 0 {
		g.state = guardOpaque
	}
}

// refuse has the refusal answered and lets nothing more pass.
func (g *guard) refuse(no *refusal) error {
	g.server.refused(no, g.remoteText)
	g.proceed(busy)
	g.mu.Lock()
	g.refusal = no
	g.mu.Unlock()
	g.own, g.state = refusedRequest, guardEnd
	return nil
}

// readLength passes on a body with a length.
func (g *guard) readLength(p []byte) (n int, err error) {
	if g.r < g.w {
		g.ok = int(min(int64(g.w-g.r), g.left))
		g.left -= int64(g.ok)
	} else {
		n, err = g.stream.Read(p[:min(int64(len(p)), g.left)])
		g.left -= int64(n)
	}
	if g.left == 0 {
		g.bodyEnded()
	}
	return n, err
}

// readChunks passes on a chunked body as far as it is sound. What follows it
// in the same piece is kept.
func (g *guard) readChunks(p []byte) (n int, err error) {
	if g.r == g.w {
		if err := g.fill(); err != nil {
			return 0, err
		}
	}
	b := g.buf[g.r:g.w]
	sound := 0
	for sound < len(b) && !g.chunks.done() {
		_, m, no := g.chunks.next(b[sound:])
		sound += m
		if no != nil {
			g.server.refused(no, g.remoteText)
			g.state = guardEnd
			return 0, no
		}
	}
	g.ok = sound
	if g.chunks.done() {
		g.bodyEnded()
	}
	return 0, nil
}

// readAny passes on whatever comes.
func (g *guard) readAny(p []byte) (int, error) {
	if g.r < g.w {
		n := copy(p, g.buf[g.r:g.w])
		g.r += n
		return n, nil
	}
	return g.stream.Read(p)
}

// called is what the handler has to know of the request that it is called for.
func (g *guard) called() (no *refusal, last bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.served++
	return g.refusal, g.opaque == g.served
}

// stateChanged is told by net/http how the connection fares.
func (g *guard) stateChanged(state http.ConnState) {
	switch state {
	case http.StateIdle:
		g.idle()
	case http.StateHijacked:
		g.transparent.Store(true)
		g.hijack()
	}
}

// idle is called between requests; nobody is in Read then.
func (g *guard) idle() {
	g.mu.Lock()
	if g.opaque > 0 { // and was not hijacked
		g.state, g.r, g.w, g.ok = guardEnd, 0, 0, 0
	}
	g.mu.Unlock()
	switch {
	case g.ok > 0 || len(g.own) > 0: // the next request is there
	case g.r < g.w:
		g.proceed(reading)
	default:
		g.proceed(idle)
	}
}

// Write writes an answer.
func (g *guard) Write(p []byte) (int, error) { return g.stream.Write(p) }

// CloseWrite ends our side.
func (g *guard) CloseWrite() error { return closeWrite(g.stream) }

// SetDeadline and its like are for what HTTP is spoken over.
func (g *guard) SetDeadline(t time.Time) error { return g.stream.SetDeadline(t) }

// SetReadDeadline bounds Read.
func (g *guard) SetReadDeadline(t time.Time) error { return g.stream.SetReadDeadline(t) }

// SetWriteDeadline bounds Write.
func (g *guard) SetWriteDeadline(t time.Time) error { return g.stream.SetWriteDeadline(t) }

// Close closes the connection. While a head is arriving it does not: net/http
// takes the connection for an idle one then, when it stops keeping any alive,
// but the request is to be answered.
func (g *guard) Close() error {
	if g.reading.Load() && g.phase() == reading {
		return nil
	}
	g.mu.Lock()
	refused := g.refusal != nil
	g.mu.Unlock()
	if refused {
		lingerOn(g.stream)
	}
	return g.stream.Close()
}
