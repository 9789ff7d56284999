package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quackproxy/quack/compare/internal/align"
	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// enterArray enters two arrays. They are compared element by element. When
// that finds two or more that differ, or arrays of another length, a better
// way to pair them is looked for; with enough it is not even walked to the end.
func (w *walk) enterArray() want {
	if !w.push(false) {
		return w.fail(jsontext.TooDeep)
	}
	if w.bags {
		if next, ok := w.arrange(); ok {
			return next
		}
	}
	w.advance(w.i + 1)
	w.sync()
	if w.alike() && w.a[w.i] == ']' {
		return w.leave(w.i+1, w.j+1)
	}
	if w.i < len(w.a) && w.a[w.i] == ']' || w.j < len(w.b) && w.b[w.j] == ']' {
		return w.realign()
	}
	w.visitElement(0, false, 0)
	return wantValue
}

// enoughDiffering is how many elements have to differ before the walk stops
// to look whether the arrays are out of step.
const enoughDiffering = 8

// moreElements goes on behind an element.
func (w *walk) moreElements(f *frame) want {
	if f.byPosition {
		return w.nextPosition(f)
	}
	if w.effects != f.settled {
		f.settled = w.effects
		f.differing++
	}
	if w.alike() {
		switch c := w.a[w.i]; {
		case c == ',' && f.differing < enoughDiffering:
			w.visitElement(f.places, false, f.places)
			w.advance(w.i + 1)
			return wantValue
		case c == ']' && f.differing < 2:
			return w.leave(w.i+1, w.j+1)
		}
	}
	return w.realign()
}

// visitElement moves the frame on top to an element.
func (w *walk) visitElement(index int32, ofNew bool, ordinal int32) {
	fr := &w.frames[len(w.frames)-1]
	fr.here, fr.ordinal = stride{from: index, to: -1, ofNew: ofNew}, ordinal
	fr.places++
}

// listElements lists the elements of an array, all of them valid, and gives
// the position behind it, or one below zero: tooMany when they are more than most.
func listElements(s []byte, i, depth, most int) ([]span, int) {
	var list []span
	i = jsontext.Blank(s, i+1)
	if i < len(s) && s[i] == ']' {
		return nil, i + 1
	}
	for {
		if len(list) == most {
			return list, tooMany
		}
		e := jsontext.ScanValue(s, i, depth)
		if e < 0 {
			return nil, e
		}
		list = append(list, span{int32(i), int32(e)})
		i = jsontext.Blank(s, e)
		switch {
		case i >= len(s) || s[i] != ',' && s[i] != ']':
			return nil, jsontext.NotJSON
		case s[i] == ']':
			return list, i + 1
		}
		i = jsontext.Blank(s, i+1)
	}
}

// arrays is the two arrays on top, whose elements are to be paired.
type arrays struct {
	a, b           []span
	wholeA, wholeB span // of the arrays themselves
}

// listArrays lists the elements of both arrays on top. It gives one below zero
// when it can not.
func (w *walk) listArrays() (x arrays, failed int) {
	top := len(w.frames) - 1
	f := &w.frames[top]
	if x.a, x.wholeA, failed = w.listArray(w.a, f.startA); failed == 0 {
		x.b, x.wholeB, failed = w.listArray(w.b, f.startB)
	}
	return x, failed
}

// listArray lists the elements of one of them.
func (w *walk) listArray(text []byte, start int32) (list []span, whole span, failed int) {
	list, end := listElements(text, int(start), len(w.frames)-1, maxPairedOf(len(w.a)+len(w.b)))
	switch {
	case end == tooMany:
		failed, end = tooMany, int(list[len(list)-1].to)
	case end < 0:
		return nil, whole, end
	}
	if w.lists -= end - int(start); w.lists < 0 {
		failed = tooLong
	}
	return list, span{start, int32(end)}, failed
}

// bytes is the size of both arrays as written.
func (x *arrays) bytes() int {
	return int(x.wholeA.to - x.wholeA.from + x.wholeB.to - x.wholeB.from)
}

// realign pairs the elements of two arrays that differ: the same elements in
// another order are one difference; else they are paired with the fewest
// edits. Until now they have been walked by index.
func (w *walk) realign() want {
	f := &w.frames[len(w.frames)-1]
	if !f.byPosition && w.budget < 0 {
		w.byPosition()
	}
	if f.byPosition {
		return w.nextPosition(f)
	}
	x, failed := w.listArrays()
	if failed == tooMany {
		w.byPosition()
		return w.nextPosition(f)
	}
	if failed < 0 {
		return w.fail(failed)
	}
	pairs, reordered := w.pairing(&x)
	if done := int(f.places) >= min(len(x.a), len(x.b)); done && (align.IsByIndex(pairs) || !w.spend(x.bytes())) {
		return w.keep(&x, f)
	}
	w.rollback()
	f.places = 0
	if reordered {
		w.container(KindOrder, &x, verdict{}, note{})
	}
	return w.pairs(&x, pairs)
}

// pairing pairs the elements of two arrays. Those that are ignored are not
// worth the work, and when the budget is spent they are paired by index.
func (w *walk) pairing(x *arrays) (pairs []align.Pair, reordered bool) {
	if _, ignored := w.rulesAt(len(w.frames) - 2); ignored >= 0 || !w.spend(x.bytes()+perPairing) {
		return align.ByIndex(len(x.a), len(x.b)), false
	}
	front, back := align.Trim(len(x.a), len(x.b), func(i, j int) bool {
		return string(w.a[x.a[i].from:x.a[i].to]) == string(w.b[x.b[j].from:x.b[j].to])
	})
	endA, endB := len(x.a)-back, len(x.b)-back
	ha, hb := w.hashElements(w.a, x.a, front, endA), w.hashElements(w.b, x.b, front, endB)
	if pairs, reordered = align.Reorder(ha, hb); !reordered && w.loosen(ha, hb, x, front) {
		pairs, reordered = align.Reorder(ha, hb)
	}
	if !reordered {
		pairs = align.EditsWithin(ha, hb, &w.steps)
		if align.Unclear(pairs, ha, hb) {
			if l, ok := w.likenessOf(&arrays{a: x.a[front:endA], b: x.b[front:endB]}, ha, hb); ok {
				pairs, reordered = l.ordered(pairs)
			}
		}
	}
	return align.Embed(front, back, endA-front, endB-front, pairs), reordered
}

// keep leaves two arrays with what walking them by index has found.
func (w *walk) keep(x *arrays, f *frame) want {
	f.places = int32(max(len(x.a), len(x.b)))
	if len(x.a) != len(x.b) {
		w.lengthFirst(x, f, w.lengths(x, align.ByIndex(len(x.a), len(x.b))))
	}
	return w.leave(int(x.wholeA.to), int(x.wholeB.to))
}

// lengthFirst enters a difference in length before all that was found in the arrays.
func (w *walk) lengthFirst(x *arrays, f *frame, shown note) {
	w.container(KindLength, x, verdict{}, shown)
	last := len(w.events) - 1
	e := w.events[last]
	w.events = slices.Insert(w.events[:last], int(f.before.events), e)
}

// spend takes from the budget.
func (w *walk) spend(bytes int) bool {
	w.budget -= bytes
	return w.budget >= 0
}

// bag compares two arrays as multisets, as a rule says. Elements that are
// equal, but for what is forgiven within them, are paired. If one on each side
// remains, these two are taken for the same element with another value; of
// several those that have a key or most of what they hold in common.
func (w *walk) bag(x *arrays, rule int32) want {
	if !w.spend(x.bytes()) {
		return w.pairs(x, align.ByIndex(len(x.a), len(x.b)))
	}
	ha, hb := w.hashElements(w.a, x.a, 0, len(x.a)), w.hashElements(w.b, x.b, 0, len(x.b))
	pairs, restA, restB := align.Equal(ha, hb)
	if len(restA) > 0 && len(restB) > 0 && w.loosen(ha, hb, x, 0) {
		pairs, restA, restB = align.Equal(ha, hb)
	}
	pairs = align.Complete(append(pairs, w.rest(x, ha, hb, restA, restB)...), len(x.a), len(x.b))
	if align.IsMoved(pairs) {
		w.container(KindOrder, x, forgivenBy(rule), note{})
	}
	return w.pairs(x, pairs)
}

// rest pairs what remains of two multisets.
func (w *walk) rest(x *arrays, ha, hb []uint64, restA, restB []int32) []align.Pair {
	switch {
	case len(restA) == 0 || len(restB) == 0:
		return nil
	case len(restA) == 1 && len(restB) == 1:
		return []align.Pair{{Legacy: restA[0], New: restB[0]}}
	}
	l, ok := w.likenessOf(&arrays{a: align.Pick(x.a, restA), b: align.Pick(x.b, restB)}, align.Pick(ha, restA), align.Pick(hb, restB))
	if !ok {
		return nil
	}
	pairs := l.unordered()
	for k, p := range pairs {
		pairs[k] = align.Pair{Legacy: restA[p.Legacy], New: restB[p.New]}
	}
	return pairs
}

// container enters a difference of the two arrays on top themselves.
func (w *walk) container(kind Kind, x *arrays, v verdict, shown note) {
	f := len(w.frames) - 2
	e := w.event(f, kind)
	e.a, e.b, e.verdict = x.wholeA, x.wholeB, v
	if v.reason == counts {
		e.verdict = w.ignoredAs(f, kind)
	}
	if shown != (note{}) {
		w.notes = append(w.notes, shown)
		e.note = int32(len(w.notes))
	}
	w.enter(e)
}

// pairs compares the elements of two arrays as paired and leaves the arrays.
// Elements without a partner are named by the difference in length, or are
// differences themselves when the lengths are equal.
func (w *walk) pairs(x *arrays, pairs []align.Pair) want {
	uneven := len(x.a) != len(x.b)
	if uneven {
		w.container(KindLength, x, verdict{}, w.lengths(x, pairs))
	}
	for n, p := range pairs {
		w.visitElement(p.Index(), p.Legacy < 0, int32(n))
		switch {
		case p.Legacy >= 0 && p.New >= 0:
			if w.jump(x.a[p.Legacy].from, x.b[p.New].from); !w.value() {
				return broken
			}
		case uneven:
		case p.New < 0:
			w.differ(KindMissing, x.a[p.Legacy], span{})
		default:
			w.differ(KindAdded, span{}, x.b[p.New])
		}
	}
	return w.leave(int(x.wholeA.to), int(x.wholeB.to))
}

// lengths shows both lengths and the elements that have no partner.
func (w *walk) lengths(x *arrays, pairs []align.Pair) note {
	var alone [2]strings.Builder
	for _, p := range pairs {
		switch {
		case p.New < 0 && alone[0].Len() < maxShown:
			fmt.Fprintf(&alone[0], ", [%d] %s", p.Legacy, show(w.a[x.a[p.Legacy].from:x.a[p.Legacy].to]))
		case p.Legacy < 0 && alone[1].Len() < maxShown:
			fmt.Fprintf(&alone[1], ", [%d] %s", p.New, show(w.b[x.b[p.New].from:x.b[p.New].to]))
		}
	}
	return note{legacy: lengthText(len(x.a), alone[0].String()), new: lengthText(len(x.b), alone[1].String())}
}

func lengthText(n int, alone string) string {
	s := fmt.Sprintf("%d elements", n)
	if n == 1 {
		s = "1 element"
	}
	if alone != "" {
		s += ", only here: " + strings.TrimPrefix(alone, ", ")
	}
	return show(s)
}
