package proxy

import (
	"net/http"

	"github.com/quackproxy/quack/routes"
)

// refuse answers what no backend is asked for: CONNECT, which would make Quack
// a tunnel, TRACE, whose answer would show the client what Quack adds, targets
// that are no path, and what goes round in a circle.
func (l *life) refuse() bool {
	var ok bool
	l.target, ok = parseTarget(l.r.Method, l.r.RequestURI)
	switch {
	case l.r.Method == http.MethodConnect, l.r.Method == http.MethodTrace:
		l.problem(http.StatusNotImplemented, "method", l.r.Method+" is not served here.")
	case !ok:
		l.problem(http.StatusBadRequest, "target", "The request target is neither a path nor a URL.")
	case l.loops():
		l.problem(http.StatusLoopDetected, "loop", "The request has come through here too often.")
	default:
		return false
	}
	return true
}

// match finds the route and who answers.
func (l *life) match() {
	l.route, l.params = l.table.Match(l.r.Method, l.target.path)
	r := l.route
	l.named = r != l.table.Default()
	l.safe, l.idempotent = r.SafeFor(l.r.Method), r.IdempotentFor(l.r.Method)
	l.peer = peerOf(l.r)
	l.trusted = l.peer.IsValid() && within(l.peer, l.Trusted)
	l.client = l.clientOf()
	client, known := r.Client(l.r, l.params, l.client)
	if known && r.Sticky.Kind != "ip" {
		l.mark = client
	}
	l.side = r.LiveSide(client, known)
	if !known && r.Stage == routes.StageRamp {
		l.Counters.Unmarked(r.Name)
	}
	l.compared = r.Shadowed(client)
}

// refuseNested answers an unsafe request that a shadow call of ours has
// caused: a shadow must not come back as a live write.
func (l *life) refuseNested() bool {
	if l.safe || !l.Protocol.Nested(l.r.Header) {
		return false
	}
	l.compared, l.skipped = false, skipNested
	l.Counters.Skip(l.route.Name, skipNested)
	l.Log.Warn("refused a write that a shadow request caused", "route", l.route.Name, "request", l.id)
	l.problemTitled(http.StatusConflict, "nested-shadow", "Caused by a shadow request",
		"This request was sent on behalf of a shadow request, which must not change anything.")
	return true
}

// Why a request on a shadowed route was not compared; the names are those of
// package reports, which keeps the counts.
const (
	skipAborted     = "aborted"
	skipBodySize    = "body-size"
	skipBusy        = "busy"
	skipFallback    = "fallback"
	skipNested      = "nested"
	skipReadOnly    = "read-only"
	skipStream      = "stream"
	skipUnsupported = "unsupported"
	skipUpgrade     = "upgrade"
)
