package front

import (
	"net"
	"net/http"
	"net/url"
	"runtime"
	"time"
)

// lane is the fast lane: the loop over the requests of one connection. All of
// it belongs to the connection's goroutine, which also runs the handlers.
type lane struct {
	*conn
	buf  []byte // what was read is buf[r:w]
	r, w int
	head head
	out  output
}

// laneBuffer is how much is read at once. A longer head has it grow, for the
// time of that request.
const laneBuffer = 4 << 10

// runLane serves requests until the connection ends or has to leave the lane.
// What was read of the first one is in a buffer that belongs to the lane now.
func (c *conn) runLane(read []byte) {
	l := &lane{conn: c, buf: read[:cap(read)], w: len(read)}
	if len(l.buf) < laneBuffer {
		l.buf = make([]byte, laneBuffer)
	}
	l.out.to, l.out.conn = c.stream, c
	l.out.tcp, _ = c.Conn.(*net.TCPConn)
	if c.tls != nil {
		l.out.tcp = nil
	}
	defer l.out.release()
	for {
		switch l.readHead() {
		case headPlain:
			x := l.request()
			if x == nil { // net/http refuses the target
				l.leaveLane()
				return
			}
			if !l.answerOne(x) {
				l.stream.Close()
				return
			}
		case headOther:
			l.leaveLane()
			return
		case headNone:
			l.stream.Close()
			return
		}
	}
}

// leaveLane gives the connection to net/http, with what was read of it.
func (l *lane) leaveLane() {
	l.server.handedOver.Add(1)
	l.toGuard(l.buf[l.r:l.w])
}

// found is what readHead found.
type found int

const (
	headNone  found = iota // the connection has ended
	headPlain              // a request for the lane
	headOther              // anything else
)

// readHead reads until a head is whole, or is none for the lane. The
// connection is busy then.
func (l *lane) readHead() found {
	l.head.reset()
	for {
		if l.r < l.w {
			done, no := l.head.feed(l.buf[l.r:l.w])
			switch {
			case no != nil:
				return l.leave(headOther)
			case done && l.plain():
				return l.leave(headPlain)
			case done:
				return l.leave(headOther)
			case l.w-l.r >= l.server.HeadBytes:
				return l.leave(headOther) // the guard says that it is too large
			}
			if l.phase() == idle && !l.proceed(reading) {
				return headNone
			}
		} else if l.pause(); l.stopped() {
			return headNone
		}
		switch {
		case l.fill():
		case l.r < l.w:
			return l.leave(headOther) // the guard says that its end is missing
		default:
			return headNone
		}
	}
}

// pause tidies up while nothing of a next request is there.
func (l *lane) pause() {
	l.r, l.w = 0, 0
	if len(l.buf) > laneBuffer {
		l.buf = make([]byte, laneBuffer)
	}
}

// leave ends the wait for a head.
func (l *lane) leave(f found) found {
	if !l.proceed(busy) {
		return headNone
	}
	return f
}

// fill reads more behind what is there.
func (l *lane) fill() bool {
	if l.w == len(l.buf) {
		if l.r > 0 {
			l.w = copy(l.buf, l.buf[l.r:l.w])
			l.r = 0
		} else {
			l.buf = append(l.buf, make([]byte, len(l.buf))...)
		}
	}
	n, err := l.stream.Read(l.buf[l.w:])
	l.w += n
	return n > 0 || err == nil
}

// plain reports whether the request is one for the lane. The head is sound.
func (l *lane) plain() bool {
	h := &l.head
	b := l.buf[l.r:l.w]
	if h.at > l.server.HeadBytes || h.minor != 1 || b[h.target] != '/' || h.expect || h.upgrade || h.opts.upgrade || h.opts.other {
		return false
	}
	if string(b[h.start:h.methodEnd]) == http.MethodConnect {
		return false
	}
	// What is there of a bad body is seen before anybody has got the head.
	var k chunks
	return !h.chunked || k.sound(b[h.at:]) == nil
}

// exchange is one request with its answer: all that lives as long as the
// handler may keep any of it. It is never used again.
type exchange struct {
	request *http.Request
	url     url.URL
	ctx     requestContext
	body    body
	answer  answer
}

// answerOne has the handler answer the request, and reports whether another
// may follow on the connection.
func (l *lane) answerOne(x *exchange) (again bool) {
	l.server.lane.Add(1)
	x.answer.begin(l, x.request, &x.body)
	l.current.Store(&x.ctx)
	if l.origin.ended.Load() {
		x.ctx.cancel()
	}
	complete := l.call(&x.answer, x.request)
	x.ctx.cancel()
	again = complete && x.answer.finish()
	x.answer.over.Store(true)
	again = l.endBody(&x.body, again, complete)
	l.current.Store(nil)
	if again && x.answer.deadlines {
		_ = l.stream.SetDeadline(time.Time{})
	}
	next := idle
	if l.r < l.w {
		next = reading
	}
	return again && l.proceed(next)
}

// call calls the handler. It is false when the handler has broken off.
func (l *lane) call(w *answer, r *http.Request) (complete bool) {
	defer func() {
		if complete {
			return
		}
		if fault := recover(); fault != nil && fault != http.ErrAbortHandler {
			stack := make([]byte, 64<<10)
			stack = stack[:runtime.Stack(stack, false)]
			l.server.Log.Error("panic in a handler", "peer", l.remoteText, "panic", fault, "stack", string(stack))
		}
	}()
	l.server.Handler.ServeHTTP(w, r)
	return true
}
