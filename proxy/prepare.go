package proxy

import (
	"net/http"
	"strings"

	"github.com/quackproxy/quack/upstream"
)

// prepare makes the header that goes on: the client's, without what concerns
// the connection and without marks of Quack's that are not Quack's. It takes the
// request's own map over: a server makes one for each request and does not look
// into it again, and a copy would be among the dearest steps of a request.
func (l *life) prepare() {
	h := l.r.Header
	if h == nil {
		h = make(http.Header)
		l.r.Header = h
	}
	l.upgrade = upgradeOf(h)
	trailers := hasToken(h["Te"], "trailers")
	upstream.RemoveHopByHop(h)
	dropOwnSession(h)
	if trailers {
		// Of one hop too, and true of this one: trailers are passed on.
		h["Te"] = []string{"trailers"}
	}
	if l.r.ContentLength == 0 {
		delete(h, "Expect") // nothing to wait for
	} else {
		l.upload = newUpload(l.r, l.copies)
		l.upload.limit = l.route.Limits.RequestBody
	}
	l.idle = newIdle(l)
	l.forward(h)
	l.via(h)
	l.traceContext(h)
	l.header = h
	if l.upgrade != "" {
		l.skip(skipUpgrade)
		return
	}
	l.prepareGRPC()
}

// upgradeOf is the protocol that the client asks to switch to, "" when none.
// h2c is not passed on: RFC 9113 has dropped that upgrade, and behind it
// requests would go past every rule of the proxy.
func upgradeOf(h http.Header) string {
	if !hasToken(h["Connection"], "upgrade") || hasToken(h["Upgrade"], "h2c") {
		return ""
	}
	return strings.Join(h["Upgrade"], ", ")
}

// hasToken reports whether a comma-separated list names the token, parameters
// aside, in any case.
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(name), token) {
				return true
			}
		}
	}
	return false
}

// liveHeader is the header of the live call: what goes on with Quack's marks.
// On the default route there are as few as can be.
func (l *life) liveHeader() http.Header {
	h := l.header
	if l.copied() || l.pending != nil || l.fill != nil {
		h = upstream.CloneHeader(h, 8) // the shadow and the cache know the request without marks
	}
	if l.upgrade != "" {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{l.upgrade}
	}
	if l.upload != nil && l.upload.whole() {
		delete(h, "Expect") // the client was told to go on, and did
	}
	if l.named {
		l.Protocol.MarkContext(h, l.id, "live", l.began, l.readOnly)
		return h
	}
	h["Quack-Request-Id"] = []string{l.id}
	if l.readOnly {
		h["Quack-Read-Only"] = []string{"1"}
	}
	return h
}
