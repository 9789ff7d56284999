package compare

import "slices"

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
		name = appendUnescaped(nil, name)
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
// number, and the one that ignores it, -1 for none.
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
	ignored = w.ignoredAt(w.frames[f].ignored, at)
	if !inside && f > 0 {
		w.tracker.pop(at)
	}
	if len(w.at) > 1 {
		slices.Sort(w.at)
	}
	return w.at, ignored
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
	case kind == KindValue:
		e.kind, e.verdict = w.judge(f, applicable, a, b)
	}
	w.enter(e)
}

// event is one at the place where frame f is.
func (w *walk) event(f int, kind Kind) event {
	home := w.homeOf(f)
	return event{home: home, ordinal: w.frames[f].ordinal, here: w.frames[f].here, kind: kind}
}

func (w *walk) enter(e event) {
	if e.verdict.reason == counts {
		w.effects++
	}
	w.events = append(w.events, e)
}

// counting is how many events count.
func (w *walk) counting() int {
	n := 0
	for i := range w.events {
		if w.events[i].verdict.reason == counts {
			n++
		}
	}
	return n
}

// judge decides on two scalars of one type that differ.
func (w *walk) judge(f int, applicable []int32, a, b span) (Kind, verdict) {
	va, vb := w.a[a.from:a.to], w.b[b.from:b.to]
	if va[0] == 't' || va[0] == 'f' {
		return KindValue, verdict{}
	}
	bound, v := w.rules.timeBound(applicable)
	if l, n, ok := w.stamps(f, va, vb, v.reason == byRule); ok && l.apart(n.instant) <= bound {
		if l.style != n.style {
			return KindFormat, verdict{}
		}
		return KindValue, v
	}
	for _, r := range applicable {
		if t := w.rules.actions[r].tolerance; t != nil && withinTolerance(t, va, vb) {
			return KindValue, forgivenBy(r)
		}
	}
	for _, r := range applicable {
		if w.rules.actions[r].link > 0 {
			return KindValue, verdict{ifLinked, r}
		}
	}
	return KindValue, verdict{}
}

// withinTolerance takes numbers, and strings that hold nothing but a number.
func withinTolerance(t *tolerance, a, b []byte) bool {
	if a[0] == '"' {
		a, b = a[1:len(a)-1], b[1:len(b)-1]
		if scanNumber(a, 0) != len(a) || scanNumber(b, 0) != len(b) || len(a) == 0 || len(b) == 0 {
			return false
		}
	}
	return t.holds(a, b)
}

// stamps parses two scalars as timestamps. Numbers are epochs where the field
// has the name of one or a rule says that it is (ruled); dates without a time
// count only where a rule does.
func (w *walk) stamps(f int, a, b []byte, ruled bool) (l, n stamp, ok bool) {
	if a[0] != '"' {
		if l, ok = parseEpoch(a); !ok {
			return l, n, false
		}
		if n, ok = parseEpoch(b); ok {
			ok = ruled || isTimeName(w.fieldName(f))
		}
		return l, n, ok
	}
	if l, ok = stampOf(a, ruled); ok {
		n, ok = stampOf(b, ruled)
	}
	return l, n, ok
}

// stampOf parses a JSON string as a timestamp.
func stampOf(quoted []byte, dates bool) (stamp, bool) {
	s := quoted[1 : len(quoted)-1]
	var held [64]byte
	if len(s) > 3*len(held) {
		return stamp{}, false
	}
	if slices.Contains(s, '\\') {
		s = appendUnescaped(held[:0], s)
	}
	if dates {
		if t, ok := parseDate(s); ok {
			return t, true
		}
	}
	return parseStamp(s)
}

// fieldName is the name of the nearest member around the place of frame f,
// unescaped; nil at the root.
func (w *walk) fieldName(f int) []byte {
	for ; f > 0; f-- {
		if here := w.frames[f].here; !here.element() {
			return appendUnescaped(nil, w.name(here))
		}
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
			w.equal = append(w.equal, equalLink{link - 1, linkOf(w.a[a.from:a.to])})
		}
	}
}

// linkOf is the linkValue of a JSON string or number.
func linkOf(raw []byte) linkValue {
	if raw[0] == '"' {
		return linkText(unescaped(raw[1 : len(raw)-1]))
	}
	d := parseDecimal(raw)
	if !d.integer() {
		return linkValue{}
	}
	return linkValue{linkInteger, d.canonical()}
}

// enterEqual enters the equal values into the mappings.
func (w *walk) enterEqual(all *links) {
	for _, e := range w.equal {
		all.hold(e.link, e.value, e.value)
	}
}

// settleLinks decides on the events that hang on a mapping.
func (w *walk) settleLinks(settle func(*verdict, linkValue, linkValue)) {
	for i := range w.events {
		if e := &w.events[i]; e.verdict.reason == ifLinked {
			settle(&e.verdict, linkOf(w.a[e.a.from:e.a.to]), linkOf(w.b[e.b.from:e.b.to]))
		}
	}
}
