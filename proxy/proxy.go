// Package proxy is the live path: it takes a client's request through the
// table, the gate, the cache and the live call, and hands the exchange to the
// shadow. Start with [New]; the result is an http.Handler.
//
// It promises that a client gets the same bytes with shadowing on and off, and
// that nothing of a shadow is ever waited for, save the budget of a route that
// asks for its shadow before the live call. To a backend a request looks as
// the client sent it, save hop-by-hop fields, X-Forwarded-*, Via and Quack's
// own.
package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/quackproxy/quack/cache"
	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/shadow"
	"github.com/quackproxy/quack/upstream"
)

// Config is the manual.
//
// The server that the handler runs in should have DisableGeneralOptionsHandler
// set, else "OPTIONS *" does not get here. Protocol upgrades end when the
// server's base context does; http.Server.Shutdown knows nothing of them.
type Config struct {
	Table   func() *routes.Table                    // in force
	Backend func(*routes.Backend) *upstream.Backend // for live calls
	Gate    *readonly.Gate
	Cache   *cache.Cache
	Shadow  Shadow
	// Calibrate takes a safe request for a calibration of its route, nil when
	// there is none (shadow.Dispatcher.Specimen); not set: nothing is calibrated.
	Calibrate func(*routes.Route) *shadow.Specimen
	// Protocol writes the context headers and recognises nested requests.
	Protocol shadow.Protocol
	Counters Counters
	Trusted  []netip.Prefix // proxies whose X-Forwarded-* are believed; default none
	// CopyBytes bounds the copies of bodies of all requests under way that are
	// kept for comparing; default 128 MiB. Over it answers are compared by
	// their digest, and requests with a body are skipped as busy.
	CopyBytes int64
	// Via is what Quack is called in the Via field of requests (RFC 9110
	// section 7.6.3); default "quack". "-" leaves the field out: nginx as a
	// backend does not compress for requests that have it, unless gzip_proxied
	// says so.
	Via string
	Log *slog.Logger // default: nothing is logged

	Tracer   trace.Tracer  // of the spans of requests and live calls; nil makes none
	Access   *AccessLog    // nil writes none
	UnderWay *atomic.Int64 // counts the requests under way; nil does not
}

// Shadow is what the live path needs of shadow.Dispatcher.
type Shadow interface {
	Offer(req shadow.Request, live routes.Side, a shadow.Answer)
	Before(ctx context.Context, req shadow.Request, live routes.Side) *shadow.Pending
}

// Counters is what the live path needs of reports.Reports. No method blocks.
type Counters interface {
	Served(route, stage, side string, status int, latency time.Duration)
	Skip(route, reason string)
	Unmarked(route string)
	// Fallback counts a request that legacy answered in place of new, for the
	// reason why: unreachable, lost, breaker or no-instance.
	Fallback(route, why string)
	// Asked counts what a request was like that a backend has answered with
	// status: asked has its header and, if it was copied, its whole body; bodied
	// says that there was one. Nothing of it is kept.
	Asked(route string, status int, asked compare.Request, bodied bool)
}

// proxy is the handler. It has no state of its own but budgets and whom it
// has warned of.
type proxy struct {
	Config
	copies    *budget
	encoders  *budget // of answers that are compressed
	strangers strangers
	via11     string // what stands in Via for a request over HTTP/1.1
}

// New makes the live path.
func New(c Config) http.Handler {
	if c.CopyBytes == 0 {
		c.CopyBytes = 128 << 20
	}
	if c.Via == "" {
		c.Via = "quack"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &proxy{Config: c, copies: newBudget(c.CopyBytes), encoders: newBudget(encoderBytes), via11: viaHop(1, 1, c.Via)}
}

// ServeHTTP is a request's life. A step that answers the client itself reports
// true, and the life ends there.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l := p.begin(w, r)
	defer l.end()
	if l.refuse() {
		return
	}
	l.match()
	if l.refuseLarge() {
		return
	}
	l.prepare()
	if l.refuseNested() || l.passGate() || l.answerFromCache() {
		return
	}
	l.takeSpecimen()
	if l.shadowFirst() {
		return
	}
	l.callLive()
	l.offer()
}
