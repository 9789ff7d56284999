package front

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// body is the body of a request in the fast lane. Somebody may still read it
// from a goroutine of their own when the handler has returned; mu keeps them
// off the connection then.
type body struct {
	mu      sync.Mutex
	lane    *lane // nil without a body, and at its end
	request *http.Request
	chunked bool
	left    int64  // to come, by Content-Length
	chunks  chunks // to come, chunked
	err     error  // how reading has ended; io.EOF is well
	closed  bool
}

// maxRest is how much of a body that the handler has not read is read to keep
// the connection, as in net/http.
const maxRest = 256 << 10

// Read reads on; at the end of a chunked body the request has its trailer.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.err != nil:
		return 0, b.err
	case len(p) == 0:
		return 0, nil
	}
	return b.read(p)
}

// Close lets nobody read on. A short rest is read away.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed && b.err == nil {
		b.drain()
	}
	b.closed = true
	return nil
}

// Buffered is how many bytes can be read without waiting for the client: all
// of the body if it is as many as its Content-Length. 0 for a chunked body.
func (b *body) Buffered() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.chunked || b.lane == nil {
		return 0
	}
	return int(min(int64(b.lane.w-b.lane.r), b.left))
}

// read reads on. The caller has mu, and err is nil.
func (b *body) read(p []byte) (n int, err error) {
	if b.chunked {
		n, err = b.readChunks(p)
	} else {
		n, err = b.lane.take(p[:min(int64(len(p)), b.left)])
		if b.left -= int64(n); b.left == 0 {
			err = io.EOF
		} else if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil {
		b.err = err
		if err == io.EOF {
			b.lane.whole.Store(true)
		}
	}
	return n, err
}

// take reads what is buffered, or else what comes.
func (l *lane) take(p []byte) (int, error) {
	if l.r == l.w {
		if len(p) >= len(l.buf) {
			n, err := l.stream.Read(p)
			if n > 0 {
				err = nil
			}
			return n, err
		}
		if err := l.refill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.buf[l.r:l.w])
	l.r += n
	return n, nil
}

// refill reads into the empty buffer.
func (l *lane) refill() error {
	n, err := l.stream.Read(l.buf)
	l.r, l.w = 0, n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// readChunks fills p with the data that is there, and waits only for the
// first.
func (b *body) readChunks(p []byte) (n int, err error) {
	l := b.lane
	for n < len(p) {
		if l.r == l.w {
			if n > 0 {
				return n, nil
			}
			if err := l.refill(); err != nil {
				if err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				return 0, err
			}
		}
		data, m, no := b.chunks.next(l.buf[l.r:min(l.w, l.r+len(p)-n)])
		n += copy(p[n:], data)
		l.r += m
		if no != nil {
			l.server.refused(no, l.remoteText)
			return n, no
		}
		if b.chunks.done() {
			b.passTrailer()
			return n, io.EOF
		}
	}
	return n, nil
}

// passTrailer gives the request its trailer, as net/http does: also the fields
// that were not announced.
func (b *body) passTrailer() {
	if len(b.chunks.trailer) <= 2 {
		return
	}
	raw := string(b.chunks.trailer)
	if b.request.Trailer == nil {
		b.request.Trailer = make(http.Header)
	}
	fields := make(http.Header)
	for at := 0; at < len(raw)-2; {
		end := at
		for raw[end] != '\n' {
			end++
		}
		f, _ := splitField([]byte(raw[at:end-1]), at) // checked when it came
		name := f.canonicalName(raw)
		fields[name] = append(fields[name], raw[f.value:f.valueEnd])
		at = end + 1
	}
	for name, values := range fields {
		b.request.Trailer[name] = values
	}
}

// drain reads a short rest away. It is false when the connection can not be
// used for another request. The caller has mu.
func (b *body) drain() bool {
	if !b.chunked && b.left > maxRest {
		return false
	}
	var scratch [2 << 10]byte
	for total := 0; b.err == nil; {
		n, _ := b.read(scratch[:])
		if total += n; total > maxRest {
			return false
		}
	}
	return b.err == io.EOF
}

// linger is how long the rest of a body that nobody wants is read before the
// connection is closed, so that the client gets to the answer before its own
// bytes bounce.
const linger = 500 * time.Millisecond

// longAgo wakes who waits for the client.
var longAgo = time.Unix(1, 0)

// endBody takes the body off the connection. A short rest is read, so that the
// next request can be; with a longer one the connection has to be closed.
func (l *lane) endBody(b *body, again, answered bool) bool {
	if b.lane == nil {
		return again
	}
	woken := !b.mu.TryLock()
	if woken {
		_ = l.stream.SetReadDeadline(longAgo)
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	b.closed = true
	if woken {
		_ = l.stream.SetReadDeadline(time.Time{})
	}
	again = again && (b.err == io.EOF || b.err == nil && l.proceed(reading) && b.drain())
	if !again && answered && b.err != io.EOF {
		lingerOn(l.stream)
	}
	b.lane = nil
	return again
}

// lingerOn ends our side and reads on for a moment.
func lingerOn(c net.Conn) {
	if closeWrite(c) != nil {
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(linger))
	scratch := make([]byte, laneBuffer)
	for total := 0; total < 4*maxRest; {
		n, err := c.Read(scratch)
		if total += n; err != nil {
			return
		}
	}
}
