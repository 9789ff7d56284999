package compare

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// Exchanges compares the answers of the two sides. Neither is changed, and
// nothing of them is kept but what the Result shows. Answers that are equal
// byte by byte cost no allocation.
func Exchanges(legacy, new *Exchange, rules *Rules) Result {
	return exchanges(legacy, new, rules, nil)
}

func exchanges(legacy, new *Exchange, rules *Rules, known Known) Result {
	if legacy == nil || new == nil {
		return Result{Err: errors.New("compare: there are not two answers")}
	}
	p := pair{legacy: legacy, new: new, rules: rules, known: known}
	if err := p.incomplete(); err != nil {
		return Result{Err: err}
	}
	if p.equal() {
		return Result{}
	}
	// A copy: p has no need of the heap where the answers are equal.
	return (&pair{legacy: legacy, new: new, rules: rules, known: known}).compare()
}

// pair is the two answers of one comparison.
type pair struct {
	legacy, new *Exchange
	rules       *Rules
	ids         *idSets // nil where ids that look made up are not forgiven
	listing     listing // of the parts of the bodies
	known       Known
	learnt      []Pair
}

func (p *pair) incomplete() error {
	var err error
	if p.legacy.Incomplete != "" {
		err = fmt.Errorf("legacy's answer broke off: %s", p.legacy.Incomplete)
	}
	if p.new.Incomplete != "" {
		err = errors.Join(err, fmt.Errorf("new's answer broke off: %s", p.new.Incomplete))
	}
	return err
}

// equal reports whether nothing at all differs.
func (p *pair) equal() bool {
	l, n := p.legacy, p.new
	return l.Status == n.Status && p.sameBytes() && sameSection(l.Header, n.Header) &&
		sameSection(l.Trailer, n.Trailer) && p.sameWritten()
}

// whole reports whether all of a body is there to be compared.
func whole(e *Exchange) bool { return e.Size == int64(len(e.Body)) }

// sameBytes reports whether the bodies are equal as received.
func (p *pair) sameBytes() bool {
	l, n := p.legacy, p.new
	if l.Size != n.Size {
		return false
	}
	if whole(l) && whole(n) {
		return bytes.Equal(l.Body, n.Body)
	}
	return digest(l) == digest(n)
}

// recoded reports whether the bodies are content-encoded differently.
func (p *pair) recoded() bool {
	return !slices.Equal(p.legacy.Header["Content-Encoding"], p.new.Header["Content-Encoding"])
}

// compare goes through the parts of the answers, settles what hangs on several
// of them, and lists what it found in the order of the answer.
func (p *pair) compare() Result {
	if !p.rules.off(Generated) {
		p.ids = newIDSets(p.legacy, p.new)
	}
	head := p.compareFields("header", p.legacy.Header, p.new.Header)
	tail := p.compareFields("trailer", p.legacy.Trailer, p.new.Trailer)
	written := p.compareWrites()
	body, err := p.bodies(head, tail)
	p.settleLinks(head.found, body, tail.found, written)
	p.settleGenerated(head.found, body, tail.found, written)
	match := err == nil && body.matches()
	for i := range head.found {
		p.settle(&head.found[i], match)
	}
	if p.unlike() {
		followStatus(head.found)
		followStatus(tail.found)
	}
	weigh(head.found, head.places)
	weigh(tail.found, tail.places)

	l := &ledger{rules: p.rules}
	l.addAll(p.compareStatus())
	l.addAll(head.found)
	body.list(l)
	l.addAll(tail.found)
	l.addAll(p.compareFootprints())
	written.list(l)
	l.result.Err, l.result.Pairs = err, p.learnt
	body.free()
	written.free()
	return l.result
}

func (p *pair) compareStatus() []finding {
	if p.legacy.Status == p.new.Status {
		return nil
	}
	return []finding{{Difference: Difference{
		Path: "status", At: "status", Kind: KindStatus, Weight: 1,
		Legacy: fmt.Sprint(p.legacy.Status), New: fmt.Sprint(p.new.Status),
	}}}
}

func hasLinks(found []finding) bool {
	return slices.ContainsFunc(found, func(f finding) bool { return f.verdict.reason == ifLinked })
}

// settleLinks decides on all values under rules with same, over the whole answer.
func (p *pair) settleLinks(head []finding, body *bodies, tail []finding, written *bodies) {
	if p.rules == nil || len(p.rules.links) == 0 {
		return
	}
	all := newLinks(p.rules.links, p.known)
	each := func(settle func(*verdict, linkValue, linkValue)) {
		settleLinked(head, settle)
		body.settleLinks(settle)
		settleLinked(tail, settle)
		written.settleLinks(settle)
	}
	link := func(v *verdict) int32 { return p.rules.actions[v.rule].link - 1 }
	each(func(v *verdict, legacy, new linkValue) { all.ask(link(v), legacy, new) })
	body.enterEqual(all)
	written.enterEqual(all)
	each(func(v *verdict, legacy, new linkValue) {
		if all.hold(link(v), legacy, new) {
			*v = forgivenBy(v.rule)
		} else {
			*v = verdict{}
		}
	})
	p.learnt = all.learnt
}

func settleLinked(found []finding, settle func(*verdict, linkValue, linkValue)) {
	for i := range found {
		if f := &found[i]; f.verdict.reason == ifLinked {
			settle(&f.verdict, f.link[0], f.link[1])
		}
	}
}
