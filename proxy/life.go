package proxy

import (
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/quackproxy/quack/cache"
	"github.com/quackproxy/quack/internal/problem"
	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/shadow"
)

// life is one request from its first byte to the end of its answer. All of it
// belongs to the handler's goroutine; upload guards itself.
type life struct {
	*proxy
	w     http.ResponseWriter
	r     *http.Request
	began time.Time
	id    string

	// What is asked, set by refuse and match.
	table      *routes.Table // in force from start to end
	target     target
	peer       netip.Addr // invalid when not known
	trusted    bool       // the peer's X-Forwarded-* are believed
	client     string     // the client's address; "" when not known
	mark       string     // what the route recognises the client by; "" when that is the address, or missing
	route      *routes.Route
	params     routes.Params
	named      bool // not the default route
	safe       bool
	idempotent bool
	side       routes.Side      // that answers the client
	compared   bool             // is still to be compared
	specimen   *shadow.Specimen // of a calibration that has taken the request; nil when none has
	skipped    string           // why it is not any more; "" when it never was to be

	// What goes on to the backend, set by prepare.
	header  http.Header // without Quack's marks
	upgrade string      // protocol that the client wants to switch to
	trace   string      // trace id
	traced  *traced     // nil without tracing
	upload  *upload     // nil without a body
	idle    *idle       // nil when bodies may stand still
	grpc    bool        // compared if it turns out to be a unary call

	// What has to be ended.
	pass     readonly.Pass
	readOnly bool // passed a closed gate
	fill     *cache.Fill
	pending  *shadow.Pending // the shadow ran first
	waited   bool            // the client was kept waiting for a shadow
	fellBack bool            // legacy answers in place of new

	// What came back.
	call     liveCall
	answer   keeper
	encoder  encoder // of the answer's body; nil sends it as it is
	status   int     // sent to the client; 0 is none yet
	sent     int64   // bytes of body written to the client
	switched int64   // bytes that the client has sent after switching protocols
	gone     bool    // the client did not take its answer
	aborted  bool    // the client's connection has to be closed: its answer broke off
}

func (p *proxy) begin(w http.ResponseWriter, r *http.Request) *life {
	l := &life{proxy: p, w: w, r: r, began: time.Now(), table: p.Table(), side: routes.Legacy}
	l.id = newID(l.began)
	l.route = l.table.Default()
	l.answer.copies = p.copies
	l.beginTrace()
	if p.UnderWay != nil {
		p.UnderWay.Add(1)
	}
	return l
}

// end is deferred: it runs however the life ends. Whatever was begun is ended,
// the answer is counted, and the connection closed if the answer broke off.
func (l *life) end() {
	fault := recover()
	if fault != nil && fault != http.ErrAbortHandler {
		l.Log.Error("panic on the live path", "request", l.id, "panic", fault, "stack", string(debug.Stack()))
		l.aborted = l.status != 0
		if l.status == 0 {
			l.problem(http.StatusInternalServerError, "internal", "")
		}
	}
	if l.idle.end() {
		l.aborted = true // the connection has deadlines that are over
	}
	l.fill.Close(l.left())
	l.settle()
	l.skipSpecimen(skipAborted)
	l.countAsked()
	if l.upload != nil {
		l.upload.end()
	}
	l.releaseEncoder()
	l.answer.end()
	l.pass.Leave()
	took := time.Since(l.began)
	l.Counters.Served(l.route.Name, string(l.route.Stage), string(l.side), l.countedStatus(), took)
	if l.UnderWay != nil {
		l.UnderWay.Add(-1)
	}
	l.endTrace()
	l.logAccess(took)
	if l.aborted || fault == http.ErrAbortHandler {
		panic(http.ErrAbortHandler)
	}
}

// left reports whether the client has gone before the end of its answer.
func (l *life) left() bool { return l.gone || l.r.Context().Err() != nil }

// statusClientGone is counted for a request whose client went before there was
// an answer; nginx's number for it.
const statusClientGone = 499

func (l *life) countedStatus() int {
	if l.status == 0 {
		return statusClientGone
	}
	return l.status
}

// skip takes the request out of the comparison and counts why.
func (l *life) skip(reason string) {
	l.skipSpecimen(reason)
	if !l.compared {
		return
	}
	l.compared, l.skipped = false, reason
	l.Counters.Skip(l.route.Name, reason)
}

// problem answers the client in Quack's own name.
func (l *life) problem(status int, kind, detail string) {
	l.problemTitled(status, kind, "", detail)
}

func (l *life) problemTitled(status int, kind, title, detail string) {
	l.status = status
	l.expose()
	l.closeAfterPart()
	problem.Write(counted{l.w, &l.sent}, l.r, problem.Details{
		Type: problem.TypeBase + kind, Title: title, Status: status, Detail: detail,
		Extra: map[string]any{"request_id": l.id},
	})
}

// expose names the side and the request to the client, where the route asks
// for it.
func (l *life) expose() {
	if !l.route.Expose {
		return
	}
	h := l.w.Header()
	h.Set("Quack-Served-By", string(l.side))
	h.Set("Quack-Request-Id", l.id)
}

// closeAfterPart has the connection closed after the answer when the request's
// body has not been read to its end: where it ends is not sure to be found.
func (l *life) closeAfterPart() {
	if l.upload != nil && !l.upload.whole() {
		l.w.Header().Set("Connection", "close")
	}
}
