package shadow

import (
	"context"

	"github.com/quackproxy/quack/compare"
)

// A write is re-checked before its live call, or not at all. After it the
// request finds its own rows: legacy would answer otherwise than the first time
// for that alone, in each field that the write changes, and so excuse new
// everywhere. Before it both runs start from the same state, but for what other
// clients write, and everything that holds for a shadow before live holds here:
// proof, signature, budget, acknowledgement, and a live call that waits.

// mayRunAgain reports whether the route wants both sides run again where they
// differ.
func (p *Pending) mayRunAgain(steps []step) bool {
	r := p.req.Route
	return r.Shadow.Recheck.Writes && len(steps) == 2 && r.Rechecked(p.req.ID)
}

// runAgain runs both sides once more where they differ, if the live call still
// waits. Where that gives no answer the differences stand as they are.
func (p *Pending) runAgain(ctx context.Context, steps []step, both *pairing) {
	d := p.d
	result := d.compareFirst(both)
	if result.Err != nil || d.ids.apply(p.req.Route.Name, result).Match() ||
		d.cfg.Latches.Latched(p.req.Route.Name) || !p.extend(waitFor(steps, &p.req)) {
		return
	}
	if answers, skip := p.runAll(ctx, steps, true); skip == "" {
		both.again = answers
	}
}

// onceMore is the re-check of a write that has been run again.
func (d *Dispatcher) onceMore(p pairing, first compare.Result) *recheck {
	r := &recheck{pairing: p, first: first, asked: 1}
	if t, ok := d.tryOf(&p, &p.again[0].exchange, &p.again[1].exchange); ok {
		t.write = true
		r.tries = []try{t}
	}
	return r
}

// excuses reports whether legacy's differing from itself at the place of x
// excuses new there. Of a write, only another value where legacy answered with
// the same status does: what it does not write at times is a finding.
func (t *try) excuses(x compare.Difference) bool {
	if !t.write {
		return movedAt(t.ownLegacy, x)
	}
	if !isValue(x) {
		return false
	}
	moved := false
	for _, o := range t.ownLegacy.Differences {
		if o.Kind == compare.KindStatus {
			return false
		}
		moved = moved || o.Kind == x.Kind && isValue(o) && samePlace(t.ownLegacy, o, x)
	}
	return moved
}

// isValue reports whether a difference is that of two values: in an answer, or in
// a column of a row that both sides wrote.
func isValue(x compare.Difference) bool {
	return x.Kind == compare.KindValue || x.Kind == compare.KindWrites && x.Legacy != "" && x.New != ""
}
