package compare

import (
	"strings"

	"github.com/quackproxy/quack/compare/internal/align"
	"github.com/quackproxy/quack/compare/internal/bytewise"
)

// kid is a child, with its place among those of its name.
type kid struct {
	id, name, index int32
	alone           bool // no side has another of the name
}

// kids numbers the children of two elements by name.
func (w *treeWalk) kids(l, n int32) (a, b []kid) {
	counts := map[int32][2]int32{}
	number := func(t *tree, id int32, side int) []kid {
		list := make([]kid, 0, t.nodes[id].kids)
		for c := t.nodes[id].first; c != 0; c = t.nodes[c].next {
			name := t.nodes[c].name
			k := counts[name]
			list = append(list, kid{id: c, name: name, index: k[side]})
			k[side]++
			counts[name] = k
		}
		return list
	}
	a, b = number(w.l, l, 0), number(w.n, n, 1)
	for _, side := range [][]kid{a, b} {
		for i := range side {
			k := counts[side[i].name]
			side[i].alone = max(k[0], k[1]) == 1
		}
	}
	return a, b
}

// children compares those of the two elements on top.
func (w *treeWalk) children(l, n int32) {
	top := len(w.frames) - 1
	a, b := w.kids(l, n)
	var pairs []align.Pair
	moved := false
	for _, c := range w.peerGroups(a, b) {
		var own []align.Pair
		if c.rule >= 0 {
			own = w.pairBag(c, l, n)
		} else {
			own = w.pairSequence(c)
			if in := align.IsMoved(own); in && w.options.loose {
				w.reordered(c)
			} else {
				moved = moved || in
			}
		}
		if c.all() {
			pairs = own
			break
		}
		for _, p := range own {
			pairs = append(pairs, c.whole(p))
		}
	}
	align.Sort(pairs)
	f := &w.frames[top]
	before := w.levels[f.level].places
	w.levels[f.level].places += int32(len(pairs))
	if moved {
		w.enter(top-1, f.ordinal, top, KindOrder, w.l.show(l), w.n.show(n), w.rulesIn(f.rules))
	}
	for k, p := range pairs {
		w.visit(a, b, p, before+int32(k))
	}
}

// reordered enters that the values of one name of a form stand in another order.
func (w *treeWalk) reordered(c *peers) {
	name := w.l.names.list[c.a[0].name]
	w.frames = append(w.frames, treeFrame{name: name, rules: w.childRules(name, -1)})
	top := len(w.frames) - 1
	values := func(t *tree, list []kid) string {
		var all []string
		for _, k := range list[:min(len(list), maxShown)] {
			all = append(all, w.show(t, k.id))
		}
		return strings.Join(all, ", ")
	}
	w.enter(top-1, c.inA[0], top, KindOrder, values(w.l, c.a), values(w.n, c.b), w.rulesIn(w.frames[top].rules))
	w.tracker.pop(w.frames[top].rules)
	w.frames = w.frames[:top]
}

// visit compares a child of both elements on top, or enters one that has no partner.
func (w *treeWalk) visit(a, b []kid, p align.Pair, ordinal int32) {
	top := len(w.frames) - 1
	var l, n kid
	if p.Legacy >= 0 {
		l = a[p.Legacy]
	}
	if p.New >= 0 {
		n = b[p.New]
	}
	here := l
	if p.Legacy < 0 {
		here = n
	}
	if p.Legacy >= 0 && p.New >= 0 && w.l.nodes[l.id].exact == w.n.nodes[n.id].exact && !w.linked() {
		return
	}
	frame, among := top, top
	if here.name != noName {
		name := w.l.names.list[here.name]
		w.frames = append(w.frames, treeFrame{
			name: name, index: here.index, several: !here.alone, ordinal: ordinal, rules: w.childRules(name, here.index),
		})
		frame++
	}
	rules := func() []int32 { return w.rulesIn(w.frames[frame].rules) }
	switch {
	case p.New < 0:
		w.enter(among, ordinal, frame, KindMissing, w.show(w.l, l.id), "", rules())
	case p.Legacy < 0:
		w.enter(among, ordinal, frame, KindAdded, "", w.show(w.n, n.id), rules())
	case here.name == noName:
		legacy, new := w.l.slice(w.l.nodes[l.id].text), w.n.slice(w.n.nodes[n.id].text)
		if legacy != new {
			w.enter(among, ordinal, frame, KindValue, legacy, new, rules())
		}
	default:
		w.elements(l.id, n.id)
	}
	if frame > top {
		w.tracker.pop(w.frames[frame].rules)
		w.frames = w.frames[:frame]
	}
}

// childRules pushes the rule states of a child of the element on top. A
// document's own child is one alone and has no index.
func (w *treeWalk) childRules(name string, index int32) set {
	if w.rules == nil || !w.rules.inBody {
		return set{}
	}
	f := &w.frames[len(w.frames)-1]
	if len(w.frames) == 1 && !w.options.loose {
		return w.tracker.member(f.rules, []byte(name))
	}
	return w.tracker.sibling(f.rules, name, index)
}

// peers is the children among which partners are looked for.
type peers struct {
	a, b     []kid
	inA, inB []int32 // where these stand among all children; nil when they are all
	rule     int32   // that makes them a multiset, -1 for none
}

// whole is a pair with the places among all children.
func (c *peers) whole(p align.Pair) align.Pair {
	if c.all() {
		return p
	}
	if p.Legacy >= 0 {
		p.Legacy = c.inA[p.Legacy]
	}
	if p.New >= 0 {
		p.New = c.inB[p.New]
	}
	return p
}

func (c *peers) all() bool { return c.inA == nil && c.inB == nil }

// peerGroups divides the children: those under a rule with unordered are apart by
// name, all of them together where the rule is for the element around them.
func (w *treeWalk) peerGroups(a, b []kid) []*peers {
	all := w.unorderedRule(w.frames[len(w.frames)-1].rules)
	if all >= 0 || !w.options.loose && (w.rules == nil || !w.rules.unordered) {
		return []*peers{{a: a, b: b, rule: all}}
	}
	byName := map[int32]*peers{}
	var list []*peers
	find := func(name int32) *peers {
		c, known := byName[name]
		if known {
			return c
		}
		rule := int32(-1)
		if w.rules != nil && w.rules.unordered && name != noName {
			at := w.childRules(w.l.names.list[name], -1)
			rule = w.unorderedRule(at)
			w.tracker.pop(at)
		}
		key := name
		if rule < 0 && !w.options.loose {
			key = -1
		}
		if c = byName[key]; c == nil || key != name && c.rule != rule {
			c = &peers{rule: rule}
			list = append(list, c)
		}
		byName[name], byName[key] = c, c
		return c
	}
	for i, k := range a {
		c := find(k.name)
		c.a, c.inA = append(c.a, k), append(c.inA, int32(i))
	}
	for j, k := range b {
		c := find(k.name)
		c.b, c.inB = append(c.b, k), append(c.inB, int32(j))
	}
	return list
}

// unorderedRule is the first rule in a set that has unordered, -1 for none.
func (w *treeWalk) unorderedRule(at set) int32 {
	for _, r := range w.rulesIn(at) {
		if w.rules.actions[r].unordered {
			return r
		}
	}
	return -1
}

// hashes are the soft hashes of children. One that is alone in its name on
// both sides is told by its name.
func (w *treeWalk) hashes(t *tree, list []kid, byName bool) []uint64 {
	sums := make([]uint64, len(list))
	for i, k := range list {
		switch {
		case byName && k.alone:
			sums[i] = bytewise.Mix(uint64(k.name), 14)
		case k.name == noName:
			sums[i] = t.nodes[k.id].soft
		default:
			at := w.childRules(t.names.list[k.name], k.index)
			sums[i] = w.hash(t, k.id, at)
			w.tracker.pop(at)
		}
	}
	return sums
}

// pairBag pairs the children of a peers as a multiset. If one of a name
// remains on each side, these two are taken for the same.
func (w *treeWalk) pairBag(c *peers, l, n int32) []align.Pair {
	pairs, restA, restB := align.Equal(w.hashes(w.l, c.a, false), w.hashes(w.n, c.b, false))
	if align.IsMoved(pairs) {
		top := len(w.frames) - 1
		f := finding{Difference: Difference{Kind: KindOrder}, verdict: forgivenBy(c.rule)}
		w.put(top-1, w.frames[top].ordinal, top, "", f, w.l.show(l), w.n.show(n))
	}
	if len(restA) == 1 && len(restB) == 1 && c.a[restA[0]].name == c.b[restB[0]].name {
		return append(pairs, align.Pair{Legacy: restA[0], New: restB[0]})
	}
	for _, i := range restA {
		pairs = append(pairs, align.Pair{Legacy: i, New: -1})
	}
	for _, j := range restB {
		pairs = append(pairs, align.Pair{Legacy: -1, New: j})
	}
	return pairs
}

// pairSequence pairs the children of a peers with the fewest edits, only those
// of one name with each other.
func (w *treeWalk) pairSequence(c *peers) []align.Pair {
	front, back := align.Trim(len(c.a), len(c.b), func(i, j int) bool {
		return w.l.nodes[c.a[i].id].exact == w.n.nodes[c.b[j].id].exact
	})
	a, b := c.a[front:len(c.a)-back], c.b[front:len(c.b)-back]
	return align.Embed(front, back, len(a), len(b), w.pairMiddle(a, b))
}

func (w *treeWalk) pairMiddle(a, b []kid) []align.Pair {
	if len(a) == 0 || len(b) == 0 {
		return align.ByIndex(len(a), len(b))
	}
	if len(a) == 1 && len(b) == 1 && a[0].name == b[0].name {
		return []align.Pair{{Legacy: 0, New: 0}}
	}
	ha, hb := w.hashes(w.l, a, true), w.hashes(w.n, b, true)
	if pairs, reordered := align.Reorder(ha, hb); reordered {
		return pairs
	}
	w.cells -= min(len(a)*len(b), align.MaxCells)
	var pairs []align.Pair
	if w.cells >= 0 {
		pairs = align.Edits(ha, hb)
	} else {
		pairs = align.ByIndex(len(a), len(b))
	}
	return pairNames(a, b, pairs, func(p align.Pair) bool { return ha[p.Legacy] == hb[p.New] })
}

// pairNames keeps the pairs that are equal, and pairs the others between them
// anew, the first of a name with the first of that name. Of those that remain,
// the ones that are alone in their name are partners wherever they stand.
func pairNames(a, b []kid, pairs []align.Pair, equal func(align.Pair) bool) []align.Pair {
	out := make([]align.Pair, 0, max(len(a), len(b)))
	var rest []align.Pair
	var gapA, gapB []int32
	flush := func() {
		out, rest = nextOfName(a, b, gapA, gapB, out, rest)
		gapA, gapB = gapA[:0], gapB[:0]
	}
	for _, p := range pairs {
		if p.Legacy >= 0 && p.New >= 0 && equal(p) {
			flush()
			out = append(out, p)
			continue
		}
		if p.Legacy >= 0 {
			gapA = append(gapA, p.Legacy)
		}
		if p.New >= 0 {
			gapB = append(gapB, p.New)
		}
	}
	flush()
	gapA, gapB = gapA[:0], gapB[:0]
	for _, p := range rest {
		switch {
		case p.New < 0 && a[p.Legacy].alone:
			gapA = append(gapA, p.Legacy)
		case p.Legacy < 0 && b[p.New].alone:
			gapB = append(gapB, p.New)
		default:
			out = append(out, p)
		}
	}
	out, rest = nextOfName(a, b, gapA, gapB, out, nil)
	out = append(out, rest...)
	align.Sort(out)
	return out
}

// nextOfName pairs children, the first of each name with the first of that
// name; those without a partner go to rest.
func nextOfName(a, b []kid, listA, listB []int32, out, rest []align.Pair) (paired, alone []align.Pair) {
	if len(listA) == 0 && len(listB) == 0 {
		return out, rest
	}
	named := func(kids []kid, list []int32) []uint64 {
		names := make([]uint64, len(list))
		for k, i := range list {
			names[k] = uint64(kids[i].name)
		}
		return names
	}
	pairs, restA, restB := align.Equal(named(a, listA), named(b, listB))
	for _, p := range pairs {
		out = append(out, align.Pair{Legacy: listA[p.Legacy], New: listB[p.New]})
	}
	for _, k := range restA {
		rest = append(rest, align.Pair{Legacy: listA[k], New: -1})
	}
	for _, k := range restB {
		rest = append(rest, align.Pair{Legacy: -1, New: listB[k]})
	}
	return out, rest
}
