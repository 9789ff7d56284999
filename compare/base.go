package compare

import (
	"slices"
	"strconv"
)

// base is where a body stands: alone in the answer, or as a part of another.
type base struct {
	path, at string // of its root: "$", or "$.photo" for a part
	// whole and wholeAt are the path of the body itself, where it can not be
	// taken apart: "body", or that of the part.
	whole, wholeAt string
	steps          []step // from the root of the answer
	depth          int    // parts around it
}

var rootBase = base{path: "$", at: "$", whole: "body", wholeAt: "body"}

// step is one step of a path: to a member, which may have an index among those
// of its name, or to an element.
type step struct {
	name  string
	index int32
	named bool
}

// member is the base of a part that has a name; index is its place among
// those of the name, -1 when it is the only one.
func (b *base) member(name string, index int32) base {
	path, at := joinName(b.path, name), joinName(b.at, name)
	steps := append(b.steps[:len(b.steps):len(b.steps)], step{name, max(index, 0), true})
	if index >= 0 {
		at = joinPath(at, "["+strconv.Itoa(int(index))+"]")
	}
	return base{path, at, path, at, steps, b.depth + 1}
}

// element is the base of a part that has a position.
func (b *base) element(index int32) base {
	path, at := joinPath(b.path, "[*]"), joinPath(b.at, "["+strconv.Itoa(int(index))+"]")
	steps := append(b.steps[:len(b.steps):len(b.steps)], step{"", index, false})
	return base{path, at, path, at, steps, b.depth + 1}
}

// joinPath appends a segment, or a last … when the path gets too long to show.
func joinPath(path, segment string) string {
	return string(cutPath(append([]byte(path), segment...), len(path)))
}

func joinName(path, name string) string {
	return string(cutPath(appendName([]byte(path), []byte(name)), len(path)))
}

// name is the last name on the way to the base.
func (b *base) name() string {
	for i := len(b.steps) - 1; i >= 0; i-- {
		if b.steps[i].named {
			return b.steps[i].name
		}
	}
	return ""
}

// startAt pushes the set for a base.
func (t *tracker) startAt(m *automaton, b *base) set {
	at := t.start(m)
	for _, s := range b.steps {
		if s.named {
			at = t.sibling(at, s.name, s.index)
		} else {
			at = t.element(at, s.index)
		}
	}
	return at
}

// rulesAt lists the rules whose path ends at a base, by number.
func (r *Rules) rulesAt(b *base) (applicable []int32) {
	if r == nil || !r.inBody || len(b.steps) == 0 {
		return nil
	}
	var t tracker
	t.rules(t.startAt(&r.paths, b), func(rule int32) { applicable = append(applicable, rule) })
	slices.Sort(applicable)
	return applicable
}

// start moves the root of a walk, before compare.
func (w *walk) start(at *base) {
	w.base = at
	if len(at.steps) > 0 && w.rules != nil && w.rules.inBody {
		w.frames[0].rules = w.tracker.startAt(&w.rules.paths, at)
	}
}

// startIn moves the root of a walk to where rules have come to these states.
func (w *walk) startIn(at *base, states []int32) {
	w.base = at
	if w.rules != nil && w.rules.inBody {
		w.tracker.stack = append(w.tracker.stack[:0], states...)
		w.frames[0].rules = set{0, int32(len(states))}
	}
}

// one is a single difference: of the content as a whole.
func (c *content) one(kind Kind, legacy, new string) *bodies {
	s := &findings{found: []finding{{Difference: Difference{
		Path: c.base.whole, At: c.base.wholeAt, Kind: kind, Weight: 1, Legacy: legacy, New: new,
	}}}}
	return &bodies{[]piece{s}}
}
