package proxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/quackproxy/quack/upstream"
)

// outgoing is a request with the target that it asks for.
type outgoing struct {
	*http.Request
	target string
}

// liveRequest is the request in the terms of the side that answers.
func (l *life) liveRequest(ctx context.Context) (outgoing, error) {
	t := l.target
	t.path = l.route.TargetFor(l.side, t.path, l.params)
	backend := l.route.Backend(l.side)
	c := content{header: l.liveHeader()}
	if l.upload != nil {
		c.body, c.length = l.upload, l.upload.length
		if whole, ok := l.wholeBody(); ok {
			c.body = bytes.NewReader(whole) // can be sent again, where the engine may
		}
		c.encode(backend.Compress)
	}
	req, err := upstream.NewRequest(ctx, l.r.Method, t.path, t.rawQuery, t.forceQuery, backend.HostFor(l.r.Host), c.header, c.body, c.length)
	if err != nil {
		return outgoing{}, fmt.Errorf("make the live request: %w", err)
	}
	if l.upload != nil && l.upload.length < 0 {
		req.Trailer = l.trailer()
	}
	return outgoing{req, t.String()}, nil
}

// content is a body with the header that describes it.
type content struct {
	header http.Header
	body   io.Reader
	length int64 // -1 is unknown
}

// wholeBody is the body when it has been read to its end and kept.
func (l *life) wholeBody() ([]byte, bool) {
	if l.upload == nil || !l.upload.whole() {
		return nil, false
	}
	body, refuse := l.upload.copy()
	return body, refuse == ""
}

// Up to which length a body is read before it is sent: then it can be sent
// again, and leaves with the head. What is not idempotent is sent again only
// when nothing of it has arrived.
const (
	smallBody       = 64 << 10
	smallUnsafeBody = 16 << 10
)

// readSmall reads a small body whose client waits for nothing in between, and
// reports whether it could be read. A stream has no length, and is not held up.
func (l *life) readSmall() bool {
	u, small := l.upload, int64(smallUnsafeBody)
	if l.idempotent {
		small = smallBody
	}
	if u.length <= 0 || u.length > small || u.whole() || len(l.header["Expect"]) > 0 || l.upgrade != "" {
		return true
	}
	if !l.copied() {
		u.keep(smallBody)
	}
	u.readAhead()
	return u.failed() == nil
}

// trailer is the trailer of the live call: the names that the client has
// announced, and, when the body has ended, the values.
func (l *life) trailer() http.Header {
	out := make(http.Header)
	for name, values := range l.r.Trailer {
		out[name] = values
	}
	cleanClientTrailer(out)
	l.upload.out = &out
	return out
}

// cleanClientTrailer removes in addition what says who the client is: there are
// servers that make one of header and trailer, and no proxy says it there.
func cleanClientTrailer(h http.Header) {
	cleanTrailer(h)
	dropFromClient(h, false)
}

// cleanTrailer removes what has no place in a trailer: hop-by-hop fields, what
// frames a message (RFC 9110 section 6.5.1), and Quack's marks.
func cleanTrailer(h http.Header) {
	upstream.RemoveHopByHop(h)
	dropMarks(h)
	delete(h, "Content-Length")
	delete(h, "Host")
}
