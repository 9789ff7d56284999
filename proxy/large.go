package proxy

import (
	"net/http"
)

// refuseLarge answers a request that is larger than its route allows, before
// anything is done for it. A body without a length is measured as it passes.
func (l *life) refuseLarge() bool {
	limits := l.route.Limits
	target := int64(len(l.r.RequestURI))
	size := target + int64(len(l.r.Method)+len(l.r.Host))
	for name, values := range l.r.Header {
		for _, v := range values {
			size += int64(len(name) + len(v) + len(": \r\n"))
		}
	}
	switch {
	case target > limits.RequestHeader:
		l.refused(http.StatusRequestURITooLong, "target-size", "The request target is longer than is allowed here.")
	case size > limits.RequestHeader:
		l.refused(http.StatusRequestHeaderFieldsTooLarge, "header-size", "The request's header is larger than is allowed here.")
	case limits.RequestBody > 0 && l.r.ContentLength > limits.RequestBody:
		l.bodyTooLarge()
	default:
		return false
	}
	return true
}

// refused answers a request that is not compared either.
func (l *life) refused(status int, kind, detail string) {
	if l.r.ContentLength != 0 && l.upload == nil {
		l.w.Header().Set("Connection", "close") // the body may be on its way already
	}
	l.skip(skipAborted)
	l.problem(status, kind, detail)
}

func (l *life) bodyTooLarge() {
	l.refused(http.StatusRequestEntityTooLarge, "body-size", "The request's body is larger than is allowed here.")
}
