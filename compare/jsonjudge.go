package compare

import (
	"slices"

	"github.com/quackproxy/quack/compare/internal/decimal"
	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// resolve works out how far the rules' paths have come at a frame. It is put
// off until something at or below it differs.
func (w *walk) resolve(f int) {
	fr := &w.frames[f]
	if fr.resolved {
		return
	}
	w.resolve(f - 1)
	fr.resolved = true
	if w.rules == nil {
		return
	}
	fr.rules = w.below(f - 1)
	fr.ignored = w.ignoredAt(w.frames[f-1].ignored, fr.rules)
}

// below pushes the rule states of the place where frame f is. The frame is resolved.
func (w *walk) below(f int) set {
	fr := &w.frames[f]
	if f == 0 {
		return fr.rules // the root's own
	}
	return w.stride(fr.rules, fr.here)
}

// stride pushes the rule states one step down.
func (w *walk) stride(from set, s stride) set {
	if s.element() {
		return w.tracker.element(from, s.from)
	}
	name := w.name(s)
	if s.escapes && !from.empty() {
		name = jsontext.AppendUnescaped(nil, name)
	}
	return w.tracker.member(from, name)
}

// name is the member name of a stride, as written.
func (w *walk) name(s stride) []byte {
	if s.ofNew {
		return w.b[s.from:s.to]
	}
	return w.a[s.from:s.to]
}

// ignoredAt is the rule that ignores a place: that of the container, else the
// first whose path ends there.
func (w *walk) ignoredAt(outer int32, at set) int32 {
	if outer >= 0 || at.empty() {
		return outer
	}
	first := int32(-1)
	w.tracker.rules(at, func(r int32) {
		if w.rules.actions[r].ignore && (first < 0 || r < first) {
			first = r
		}
	})
	return first
}

// rulesAt lists the rules whose path ends at the place where frame f is, by
// number, and the one that ignores it, -1 for none. Among them are those around
// the place that ignore differences of one kind.
func (w *walk) rulesAt(f int) (applicable []int32, ignored int32) {
	if w.rules == nil {
		return nil, -1
	}
	w.resolve(f)
	var at set
	inside := f+1 < len(w.frames) && w.frames[f+1].resolved
	if inside {
		at = w.frames[f+1].rules
	} else {
		at = w.below(f)
	}
	w.at = w.at[:0]
	w.tracker.rules(at, func(r int32) { w.at = append(w.at, r) })
	if w.rules.partial {
		w.partialAbove(f)
	}
	ignored = w.ignoredAt(w.frames[f].ignored, at)
	if !inside && f > 0 {
		w.tracker.pop(at)
	}
	if len(w.at) > 1 {
		slices.Sort(w.at)
	}
	return w.at, ignored
}

// partialAbove adds the rules of the containers around the place in frame f
// that ignore differences of one kind, at and below their places.
func (w *walk) partialAbove(f int) {
	for k := 1; k <= f; k++ {
		w.tracker.rules(w.frames[k].rules, func(r int32) {
			if w.rules.actions[r].partial != "" && !slices.Contains(w.at, r) {
				w.at = append(w.at, r)
			}
		})
	}
}

// differ enters a difference at the place of the frame on top.
func (w *walk) differ(kind Kind, a, b span) {
	f := len(w.frames) - 1
	applicable, ignored := w.rulesAt(f)
	e := w.event(f, kind)
	e.a, e.b = a, b
	switch {
	case ignored >= 0:
		e.verdict = forgivenBy(ignored)
	case kind == KindValue || len(applicable) > 0:
		w.judge(&e, f, applicable)
	}
	w.enter(e)
	w.condense()
}

// ignoredAs is the verdict on a difference of this kind between the containers
// at the place of frame f: of them, no more than that they are ignored can be said.
func (w *walk) ignoredAs(f int, kind Kind) verdict {
	applicable, ignored := w.rulesAt(f)
	if ignored >= 0 {
		return forgivenBy(ignored)
	}
	for _, r := range applicable {
		if w.rules.actions[r].partial == kind {
			return forgivenBy(r)
		}
	}
	return verdict{}
}

// event is one at the place where frame f is.
func (w *walk) event(f int, kind Kind) event {
	home := w.homeOf(f)
	return event{home: home, ordinal: w.frames[f].ordinal, here: w.frames[f].here, kind: kind}
}

func (w *walk) enter(e event) {
	if e.verdict.reason == ifLinked || e.verdict.reason == ifGenerated {
		if w.open++; int(w.open) > w.maxOpen() {
			e.verdict = verdict{}
		}
	}
	if e.verdict.reason == counts {
		w.effects++
	}
	if w.amend != nil {
		e.verdict = w.amend(e)
	}
	if e.verdict.reason == counts {
		w.homes[e.home].differs(e.ordinal)
	}
	w.events = append(w.events, e)
}

// maxOpen bounds the events that wait for what a mapping says. Those beyond it
// count.
func (w *walk) maxOpen() int { return max(1<<18, (len(w.a)+len(w.b))/64) }

// counting is how many events count.
func (w *walk) counting() int {
	n := int(w.left)
	for i := range w.events {
		if w.events[i].verdict.reason == counts {
			n++
		}
	}
	return n
}

// judge decides on an event at the place of frame f.
func (w *walk) judge(e *event, f int, applicable []int32) {
	j := judge{
		rules: w.rules, applicable: applicable, kind: e.kind, apart: w.apart,
		legacy: jsonScalar(w.a[e.a.from:e.a.to]), new: jsonScalar(w.b[e.b.from:e.b.to]),
	}
	if j.legacy.class == isNumber || j.legacy.class == isString {
		j.name = w.fieldName(f)
	}
	j.decide()
	e.kind, e.verdict, e.drift = j.kind, j.verdict, j.drift
	if reason := e.verdict.reason; j.rewritten && (reason == ifLinked || reason == ifGenerated) {
		w.notes = append(w.notes, note{
			legacy: show(w.a[e.a.from:e.a.to]), new: show(w.b[e.b.from:e.b.to]), link: [2]linkValue{j.legacy.link(), j.new.link()},
		})
		e.note = int32(len(w.notes))
	}
}

// fieldName is the name of the nearest member around the place of frame f,
// unescaped; at the root that of the body's own place, nil when it has none.
func (w *walk) fieldName(f int) []byte {
	for ; f > 0; f-- {
		switch here := w.frames[f].here; {
		case here.element():
		case here.escapes:
			return jsontext.AppendUnescaped(nil, w.name(here))
		default:
			return w.name(here)
		}
	}
	if name := w.base.name(); name != "" {
		return []byte(name)
	}
	return nil
}

// agree notes a value that is equal on both sides, where a rule with same is for it.
func (w *walk) agree(a span) {
	f := len(w.frames) - 1
	if w.frames[f].rules.empty() {
		return
	}
	applicable, _ := w.rulesAt(f)
	for _, r := range applicable {
		if link := w.rules.actions[r].link; link > 0 {
			w.equal = append(w.equal, equalSpan{link - 1, a})
		}
	}
}

// linkOf is the linkValue of a JSON string, number, true or false.
func linkOf(raw []byte) linkValue {
	switch raw[0] {
	case '"':
		return linkText(jsontext.Unescaped(raw[1 : len(raw)-1]))
	case 't', 'f':
		return linkValue{}
	}
	d := decimal.Parse(raw)
	if !d.Integer() {
		return linkValue{}
	}
	return linkValue{linkInteger, d.Canonical()}
}

// enterEqual enters the equal values into the mappings.
func (w *walk) enterEqual(all *links) {
	if !all.asked() {
		return
	}
	for _, e := range w.equal {
		all.enterEqual(e.link, linkOf(w.a[e.at.from:e.at.to]))
	}
}

// settleLinks decides on the events that hang on a mapping.
func (w *walk) settleLinks(settle func(*verdict, linkValue, linkValue)) {
	for i := range w.events {
		e := &w.events[i]
		if e.verdict.reason != ifLinked {
			continue
		}
		if e.note > 0 { // rewritten before they were mapped
			link := w.notes[e.note-1].link
			settle(&e.verdict, link[0], link[1])
		} else {
			settle(&e.verdict, linkOf(w.a[e.a.from:e.a.to]), linkOf(w.b[e.b.from:e.b.to]))
		}
		if e.verdict.reason == counts {
			w.countLate(e)
		}
	}
}
