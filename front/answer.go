package front

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"
)

// answer is the http.ResponseWriter of the fast lane. It answers as net/http
// does; where net/http takes a copy of the header when WriteHeader is called,
// this writes it into the output buffer then, all but what frames the body.
type answer struct {
	lane    *lane
	request *http.Request
	body    *body
	header  http.Header

	status    int  // 0 until WriteHeader
	headDone  bool // the head is in the output, to its end
	chunking  bool
	close     bool // the connection is closed after this answer
	duplex    bool // the handler reads and writes at the same time
	deadlines bool // the handler has set some
	isHead    bool // of a HEAD request
	flags     headFlags
	length    int64 // declared; -1 is not
	written   int64
	early     []byte // body before the head is done
	trailers  []string

	over atomic.Bool // the handler has returned
}

// earlySize is how much of a body without a length is kept back: if it is no
// longer than that it gets its length, else it is chunked. As in net/http.
const earlySize = 2 << 10

var errOver = errors.New("the handler has returned")

func (a *answer) begin(l *lane, r *http.Request, b *body) {
	a.lane, a.request, a.body, a.length = l, r, b, -1
	a.isHead = r.Method == http.MethodHead
	a.close = r.Close
	l.out.acquire()
}

// Header is the header of the answer, and after that its trailer.
func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = make(http.Header)
	}
	return a.header
}

// SetHeader makes h the header of the answer, for handlers that have one made
// already; what was set before is gone. h is the answer's from then on.
func (a *answer) SetHeader(h http.Header) { a.header = h }

// WriteHeader begins the answer, or sends an interim one (1xx).
func (a *answer) WriteHeader(code int) {
	switch {
	case a.over.Load():
		return
	case a.status != 0:
		a.lane.server.Log.Debug("superfluous WriteHeader", "status", code)
		return
	case code < 100 || code > 999:
		panic("invalid WriteHeader code " + strconv.Itoa(code))
	case code < 200 && code != http.StatusSwitchingProtocols:
		a.interim(code)
		return
	}
	a.status = code
	if text := first(a.header["Content-Length"]); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err == nil && n >= 0 {
			a.length = n
		} else {
			a.lane.server.Log.Debug("invalid Content-Length of an answer", "value", text)
			delete(a.header, "Content-Length")
		}
	}
	a.startHead()
	if a.framed() {
		a.endHead(nil, false)
	}
}

// framed reports whether all that the head has to say is known already.
func (a *answer) framed() bool {
	if a.body.lane != nil && !a.duplex && !a.close {
		return false // what becomes of the rest of the body is yet to be seen
	}
	if !bodyAllowed(a.status) {
		return true
	}
	return a.length >= 0 && (a.flags.typed || a.flags.encoded || a.flags.coding != "")
}

// Write writes a piece of the body.
func (a *answer) Write(p []byte) (int, error) {
	if a.over.Load() {
		return 0, errOver
	}
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !bodyAllowed(a.status) {
		return 0, http.ErrBodyNotAllowed
	}
	a.written += int64(len(p))
	if a.length >= 0 && a.written > a.length {
		return 0, http.ErrContentLength
	}
	if !a.headDone {
		if len(a.early)+len(p) <= earlySize {
			a.early = append(a.early, p...)
			return len(p), nil
		}
		if err := a.begun(p); err != nil {
			return 0, err
		}
	}
	if err := a.emit(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString writes a piece of the body, without a copy: nothing here writes
// into what it is given.
func (a *answer) WriteString(s string) (int, error) {
	return a.Write(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// begun ends the head and sends what was kept back; more comes.
func (a *answer) begun(more []byte) error {
	sample := a.early
	if len(sample) < 512 && len(more) > 0 {
		sample = append(append(make([]byte, 0, 512), sample...), more[:min(len(more), 512-len(sample))]...)
	}
	a.endHead(sample, false)
	early := a.early
	a.early = nil
	return a.emit(early)
}

// emit writes a piece of the body in its framing. The last piece of a body of
// known length leaves at once.
func (a *answer) emit(p []byte) error {
	if a.isHead || len(p) == 0 {
		return nil
	}
	out := &a.lane.out
	if a.chunking {
		out.buf = append(strconv.AppendInt(out.buf, int64(len(p)), 16), '\r', '\n')
		return out.write(p, crlf)
	}
	if err := out.write(p, nil); err != nil {
		return err
	}
	if a.written == a.length {
		return out.flush()
	}
	return nil
}

var crlf = []byte("\r\n")

// Flush sends what there is.
func (a *answer) Flush() { _ = a.FlushError() }

// FlushError sends what there is.
func (a *answer) FlushError() error {
	if a.over.Load() {
		return errOver
	}
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if !a.headDone {
		if err := a.begun(nil); err != nil {
			return err
		}
	}
	return a.lane.out.flush()
}

// finish ends the answer when the handler has returned, and reports whether
// the connection is fit for another.
func (a *answer) finish() bool {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if !a.headDone {
		a.endHead(a.early, true)
		if a.emit(a.early) != nil {
			return false
		}
	}
	if a.chunking {
		a.endChunks()
	}
	err := a.lane.out.flush()
	a.lane.out.release()
	short := !a.isHead && a.length >= 0 && bodyAllowed(a.status) && a.written != a.length
	return err == nil && !a.close && !short
}

// EnableFullDuplex says that the handler answers while it reads the request.
func (a *answer) EnableFullDuplex() error {
	a.duplex = true
	return nil
}

// SetReadDeadline bounds reading the request's body.
func (a *answer) SetReadDeadline(t time.Time) error {
	if a.over.Load() {
		return errOver
	}
	a.deadlines = true
	return a.lane.stream.SetReadDeadline(t)
}

// SetWriteDeadline bounds writing the answer.
func (a *answer) SetWriteDeadline(t time.Time) error {
	if a.over.Load() {
		return errOver
	}
	a.deadlines = true
	return a.lane.stream.SetWriteDeadline(t)
}

// settleBody reads a short rest of the request's body before the answer is
// sent, or else has the connection closed: there are clients that read nothing
// before they have sent everything. Not where the handler knows what it does.
func (a *answer) settleBody() {
	b := a.body
	if b.lane == nil || a.duplex || a.close {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.err == io.EOF:
	case b.err != nil, b.closed, !a.drain():
		a.close = true
	default:
		b.closed = true
	}
}

// drain reads a short rest away, as long as an opening may take: the sweeper
// leaves a request that is answered alone. The caller has the body's mu.
func (a *answer) drain() bool {
	if !a.deadlines {
		_ = a.SetReadDeadline(time.Now().Add(a.lane.server.OpenTimeout))
	}
	return a.body.drain()
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
