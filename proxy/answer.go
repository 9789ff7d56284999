package proxy

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/quackproxy/quack/upstream"
)

// passAnswer passes the backend's answer on to the client as it comes.
func (l *life) passAnswer(res *http.Response) {
	if res.StatusCode < 200 {
		// net/http reads such numbers, and would not write them.
		l.note(upstream.Faulty)
		l.problem(http.StatusBadGateway, "backend-answer", "The server behind this one gave an answer that is none.")
		return
	}
	instance := l.call.instance // note forgets it
	upstream.RemoveHopByHop(res.Header)
	dropMarks(res.Header)
	l.fill.Head(res.StatusCode, res.Header)
	if l.pending == nil && eventStream(res) {
		l.skip(skipStream) // its end says nothing, if it has one
	}
	l.answer.on, l.answer.max, l.answer.length = l.copied(), l.route.Shadow.MaxBody, res.ContentLength
	if l.grpc && l.copied() {
		l.answer.follow(res.Header)
	}

	l.passHead(res)
	err := l.passBody(res)
	l.call.ended = time.Now()
	switch {
	case err == nil:
		l.note(upstream.OutcomeOf(res.StatusCode))
		l.passTrailer(res)
		l.call.complete = true
		l.completeFill(res)
	case l.gone:
		l.note(upstream.OutcomeOf(res.StatusCode))
		l.aborted = true
	default:
		l.Log.Warn("live answer broke off", "route", l.route.Name, "request", l.id, "url", instance.URL.String(), "error", err)
		l.note(upstream.Faulty)
		l.aborted = true
	}
}

func eventStream(res *http.Response) bool {
	return strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream")
}

// headerSetter is a http.ResponseWriter that takes a header that is made
// already.
type headerSetter interface{ SetHeader(http.Header) }

// answerHeader is the header of the answer to the client, with what the backend
// sent: that map itself, where the server takes one and nobody else looks at it.
func (l *life) answerHeader(res *http.Response) http.Header {
	if s, ok := l.w.(headerSetter); ok && !l.copied() && l.pending == nil && l.fill == nil {
		s.SetHeader(res.Header)
		return res.Header
	}
	h := l.w.Header()
	maps.Copy(h, res.Header)
	return h
}

func (l *life) passHead(res *http.Response) {
	h := l.answerHeader(res)
	l.compress(res.StatusCode, h, res.Trailer, res.ContentLength)
	noSniffing(h)
	dropMarks(res.Trailer)
	if len(res.Trailer) > 0 {
		h["Trailer"] = []string{strings.Join(slices.Sorted(maps.Keys(res.Trailer)), ", ")}
	}
	if res.ContentLength < 0 && l.r.Method != http.MethodHead && l.r.ProtoMajor == 1 {
		// Else the server gives a short body a length that the backend did not give.
		h["Transfer-Encoding"] = chunked
	}
	l.expose()
	l.closeAfterPart()
	l.status = res.StatusCode
	l.w.WriteHeader(res.StatusCode)
}

var chunked = []string{"chunked"}

// flushHeadOver is the length from which an answer's head goes ahead of it.
const flushHeadOver = 64 << 10

// passBody passes the body on, each piece when it comes. The error is nil when
// the body was whole and the client took it; l.gone says that the client did
// not.
func (l *life) passBody(res *http.Response) error {
	if l.r.Method == http.MethodHead || res.Body == http.NoBody {
		return nil
	}
	left := res.ContentLength
	// HTTP/2 has no other way to keep the server from giving the body a length.
	if left < 0 && l.r.ProtoMajor > 1 || (left < 0 || left > flushHeadOver) && !ready(res.Body) {
		if err := l.flush(); err != nil {
			return l.clientGone(err)
		}
	}
	buf := buffers.Get().(*buffer)
	defer buffers.Put(buf)
	for {
		n, err := res.Body.Read(buf[:])
		if n > 0 {
			l.keepAnswer(buf[:n])
			l.fill.Write(buf[:n])
			if _, err := l.write(buf[:n]); err != nil {
				return l.clientGone(err)
			}
			l.idle.moved()
			left -= int64(n)
		}
		switch {
		case errors.Is(err, io.EOF):
			if err := l.finish(); err != nil {
				return l.clientGone(err)
			}
			return nil
		case err != nil:
			if l.clientLeft() {
				return l.clientGone(err) // the call was ended because of it
			}
			return err
		case left != 0 && !ready(res.Body): // more is to come, who knows when
			if err := l.flush(); err != nil {
				return l.clientGone(err)
			}
		}
	}
}

// ready reports whether there is more of a body, or its end, that can be read
// without waiting: then it need not be flushed before.
func ready(body io.Reader) bool {
	b, ok := body.(interface {
		Buffered() int
		Whole() bool
	})
	return ok && (b.Buffered() > 0 || b.Whole())
}

func (l *life) clientGone(err error) error {
	l.gone = true
	return err
}

// passTrailer passes the trailer on; fields that were not announced need the
// server's way of saying so.
func (l *life) passTrailer(res *http.Response) {
	if len(res.Trailer) == 0 {
		return
	}
	cleanTrailer(res.Trailer)
	h := l.w.Header()
	announced := h["Trailer"]
	for name, values := range res.Trailer {
		if hasToken(announced, name) {
			h[name] = values
			continue
		}
		h[http.TrailerPrefix+name] = values
	}
}

// completeFill gives the whole answer to the cache, which keeps no trailers.
func (l *life) completeFill(res *http.Response) {
	if len(res.Trailer) == 0 {
		l.fill.Complete()
	}
}
