package shadow

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// pairing is the two exchanges of one request.
type pairing struct {
	req         *Request
	live        routes.Side // that answered the client; "" when neither did
	first       routes.Side // that ran first
	legacy, new answered
	again       []answered // of a write that was run again, rolled back: legacy's answer and new's
	recheck     bool       // a difference may be checked again before it counts
}

// pairOf pairs a live answer with the shadow's. The live call ran first.
func pairOf(req *Request, live routes.Side, a *Answer, shadow answered) pairing {
	p := pairing{req: req, live: live, first: live, recheck: req.Route.SafeFor(req.Method)}
	exchange := a.Exchange
	exchange.Header = answerHeader(exchange.Header)
	putTrailers(&exchange)
	client := answered{backend: a.Backend, url: a.URL, exchange: exchange, latency: a.Latency}
	if live == routes.Legacy {
		p.legacy, p.new = client, shadow
	} else {
		p.legacy, p.new = shadow, client
	}
	return p
}

// size is the bytes of bodies that the pairing keeps alive.
func (p *pairing) size() int64 {
	size := len(p.req.Body) + len(p.legacy.exchange.Body) + len(p.new.exchange.Body)
	for _, a := range p.again {
		size += len(a.exchange.Body)
	}
	return int64(size)
}

// asked is the request as the comparison sees it.
func (r *Request) asked() *compare.Request {
	return &compare.Request{Method: r.Method, Target: targetOf(r.Path, r.RawQuery, r.ForceQuery), Header: r.Header, Body: r.Body}
}

// compareLater lines p up to be compared.
func (d *Dispatcher) compareLater(p pairing) {
	d.queue.push(&job{
		size:   p.size(),
		run:    func(ctx context.Context) { d.conclude(p) },
		drop:   func() { d.drop(p.req.Route.Name) },
		failed: func(why string) { d.recordError(p, why) },
	})
}

// conclude compares a pairing, and records it unless it is to be re-checked.
// The differences of an unsafe request are final, unless it was run again
// before its live call: asking again now would be a write beside others. So is a write that a safe request attempted.
func (d *Dispatcher) conclude(p pairing) {
	result := d.compareFirst(&p)
	known := d.ids.apply(p.req.Route.Name, result)
	wrote := writes(p)
	switch {
	case result.Err != nil:
		d.record(p, reports.Comparison{Verdict: reports.Error, Err: result.Err.Error(), Forgiven: result.Forgiven,
			Differences: found(append(result.Differences, wrote...)), Unlisted: result.Truncated, ByPosition: result.ByPosition})
	case known.Match() && wrote == nil:
		d.concludeMatch(p, result)
	case p.again != nil:
		d.settle(d.onceMore(p, result))
	case wrote == nil && d.asksAgain(p, result) && d.recheckLater(&recheck{pairing: p, first: result}):
	default:
		known.Differences = append(known.Differences, wrote...)
		d.recordAsIs(p, known)
	}
}

// compareFirst compares the first answers of the two sides.
func (d *Dispatcher) compareFirst(p *pairing) compare.Result {
	p.legacy.exchange.Request = p.req.asked()
	p.new.exchange.Request = p.legacy.exchange.Request
	return d.comparedKnowing(&p.legacy.exchange, &p.new.exchange, p.req.Route.Compare, d.knownTo(p.req.Route))
}

// asksAgain reports whether a difference is to be re-checked. Where only ids
// differ that are known to be stored, one in a thousand is.
func (d *Dispatcher) asksAgain(p pairing, r compare.Result) bool {
	route := p.req.Route
	return p.recheck && route.Rechecked(p.req.ID) && (!r.Match() || route.InShare("generated ids", p.req.ID, idShare))
}

// concludeMatch records a match, once it is known where the ids in it come from
// that were forgiven as generated. When they can not be asked for again it
// stands, as unverified.
func (d *Dispatcher) concludeMatch(p pairing, r compare.Result) {
	if !p.recheck {
		d.recordMatch(p, r, false)
		return
	}
	look, open := d.ids.begin(p.req.Route, p.req.ID, r)
	if look != nil && p.req.Route.Rechecked(p.req.ID) && d.recheckLater(&recheck{pairing: p, first: r, look: look}) {
		return
	}
	d.ids.end(look)
	d.recordMatch(p, r, open)
}

func (d *Dispatcher) recordMatch(p pairing, r compare.Result, unverified bool) {
	d.learnPairs(p.req.Route, r)
	d.record(p, reports.Comparison{Verdict: reports.Match, Forgiven: r.Forgiven, Unverified: unverified, ByPosition: r.ByPosition})
}

// compared compares two exchanges. A panic is an error of this comparison.
func (d *Dispatcher) compared(legacy, new *compare.Exchange, rules *compare.Rules) compare.Result {
	return d.comparedKnowing(legacy, new, rules, nil)
}

// comparedKnowing is compared with pairs of ids that are known.
func (d *Dispatcher) comparedKnowing(legacy, new *compare.Exchange, rules *compare.Rules, known compare.Known) (r compare.Result) {
	defer func() {
		if fault := recover(); fault != nil {
			d.log.Error("comparing panicked", "panic", fault, "stack", string(debug.Stack()))
			r = compare.Result{Err: fmt.Errorf("comparing panicked: %v", fault)}
		}
	}()
	return d.compare(legacy, new, rules, known)
}

// writes are the differences of the sides that attempted a write in a safe
// request; nil when none did. The place is the table, where it is known.
func writes(p pairing) []compare.Difference {
	var list []compare.Difference
	if path, text := attempt(p.legacy.wrote); path != "" {
		list = append(list, compare.Difference{Path: path, At: path, Kind: compare.KindWrites, Legacy: text, Weight: 1})
	}
	if path, text := attempt(p.new.wrote); path != "" {
		if len(list) > 0 && list[0].Path == path {
			list[0].New = text
		} else {
			list = append(list, compare.Difference{Path: path, At: path, Kind: compare.KindWrites, New: text, Weight: 1})
		}
	}
	return list
}

// attempt is the place and a description of a write that was refused; "" when
// there was none.
func attempt(wrote string) (path, text string) {
	if wrote == "" {
		return "", ""
	}
	state, rest, _ := strings.Cut(wrote, ":")
	verb, table, _ := strings.Cut(rest, ":")
	if path = "writes"; table != "" {
		path = "table:" + table
	}
	return path, cmp.Or(verb, "a write") + " refused in a read-only transaction (SQLSTATE " + state + ")"
}

// recordAsIs records a mismatch whose differences all count.
func (d *Dispatcher) recordAsIs(p pairing, r compare.Result) {
	d.record(p, reports.Comparison{Verdict: reports.Mismatch, Differences: found(r.Differences), Forgiven: r.Forgiven,
		Unlisted: r.Truncated, ByPosition: r.ByPosition})
}

func (d *Dispatcher) recordError(p pairing, why string) {
	d.record(p, reports.Comparison{Verdict: reports.Error, Err: why})
}

func found(differences []compare.Difference) []reports.Found {
	var list []reports.Found
	for _, x := range differences {
		list = append(list, reports.Found{Difference: x, Verdict: reports.Mismatch})
	}
	return list
}

// record fills in what c says of the request and its answers, and records it.
func (d *Dispatcher) record(p pairing, c reports.Comparison) {
	r := p.req
	c.ID, c.At, c.Route, c.Stage = r.ID, r.At, r.Route.Name, string(r.Route.Stage)
	c.Live, c.First = string(p.live), string(p.first)
	c.Request = reports.Request{
		Method: r.Method, Target: targetOf(r.Path, r.RawQuery, r.ForceQuery), Host: r.Host,
		Header: r.Header, Body: r.Body, BodySize: int64(len(r.Body)),
	}
	c.Legacy, c.New = p.legacy.side(), p.new.side()
	if c.Writes, c.WritesNote = levelOf(&p); c.WritesNote != "" {
		d.unreadWrites(&p, c.WritesNote)
	}
	c.Secrets = secrets(r, &p.legacy, &p.new)
	d.out.Record(c)
}

func (a answered) side() reports.Side {
	return reports.Side{Backend: a.backend, URL: a.url, Answer: a.exchange, Latency: a.latency}
}
