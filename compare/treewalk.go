package compare

import (
	"slices"
	"strconv"

	"github.com/quackproxy/quack/compare/internal/align"
)

// treeWalk compares two trees. An element is a member of the element around
// it by its name, an attribute one by its name behind an @, and a text stands
// at the path of its element.
type treeWalk struct {
	findings
	pair    *pair
	rules   *Rules // the pair's
	base    *base
	l, n    *tree
	tracker tracker
	frames  []treeFrame
	data    []piece // walks of scripts that hold JSON
	options treeOptions

	// budget is how many nodes may still be hashed again under rules, and
	// cells how much work may go into pairing children.
	budget, cells int
}

// treeOptions say how a format differs from XML.
type treeOptions struct {
	loose bool // a form: the order of children counts among those of one name alone, and they are shown by their texts
	html  bool // texts of some elements are JSON
}

// treeFrame is a pair of elements that the walk is in.
type treeFrame struct {
	name     string
	index    int32  // among those of the name in its tree
	several  bool   // there are more of them
	path, at string // "" until they are asked for

	rules   set
	spaces  [2]int32 // the namespaces of both
	level   int32    // of its own places
	ordinal int32    // among those of the frame around it
}

// maxTreeCells is a little more than what pairing 20 times as many children as
// align takes by edits would need.
const maxTreeCells = 20 * align.MaxCells

// walkTrees compares two trees from their document nodes on. What walks of
// scripts have found stands behind the rest.
func (p *pair) walkTrees(l, n *tree, at *base, o treeOptions) *bodies {
	w := &treeWalk{pair: p, rules: p.rules, base: at, l: l.hashAll(), n: n.hashAll(), options: o}
	w.budget, w.cells = rereadsOf(len(l.nodes)+len(n.nodes)), maxTreeCells
	root := treeFrame{path: at.path, at: at.at}
	if p.rules != nil && p.rules.inBody {
		root.rules = w.tracker.startAt(&p.rules.paths, at)
	}
	w.levels = append(w.levels, level{parent: -1})
	w.frames = append(w.frames, root)
	w.children(0, 0)
	return &bodies{append([]piece{&w.findings}, w.data...)}
}

func (w *treeWalk) linked() bool { return w.rules != nil && w.rules.linked }

// elements compares two elements of one name, whose frame is on top.
func (w *treeWalk) elements(l, n int32) {
	if w.l.nodes[l].exact == w.n.nodes[n].exact && !w.linked() {
		return
	}
	top := len(w.frames) - 1
	f := &w.frames[top]
	applicable := w.rulesIn(f.rules)
	for _, r := range applicable {
		if w.rules.actions[r].ignore {
			w.enter(top-1, f.ordinal, top, KindValue, w.show(w.l, l), w.show(w.n, n), applicable)
			return
		}
	}
	f.level = int32(len(w.levels))
	w.levels = append(w.levels, level{parent: w.frames[top-1].level, ordinal: f.ordinal})
	w.compareSpaces(l, n)
	places := w.compareAttributes(l, n)
	textL, onlyL := w.l.only(l)
	textN, onlyN := w.n.only(n)
	if onlyL && onlyN {
		w.levels[w.frames[top].level].places = places
		w.texts(l, n, textL, textN, applicable)
		return
	}
	w.levels[w.frames[top].level].places = places
	w.children(l, n)
}

// compareSpaces compares the namespaces of two elements, unless those around
// them differ in the same way.
func (w *treeWalk) compareSpaces(l, n int32) {
	spaceL, spaceN := w.l.nodes[l].space, w.n.nodes[n].space
	f := &w.frames[len(w.frames)-1]
	f.spaces = [2]int32{spaceL, spaceN}
	if spaceL == spaceN || len(w.frames) > 1 && w.frames[len(w.frames)-2].spaces == f.spaces {
		return
	}
	name := f.name
	w.enter(len(w.frames)-2, f.ordinal, len(w.frames)-1, KindType,
		"{"+w.l.names.list[spaceL]+"}"+name, "{"+w.n.names.list[spaceN]+"}"+name, w.rulesIn(f.rules))
}

// texts compares the texts of two elements that have nothing else in them.
func (w *treeWalk) texts(l, n int32, legacy, new string, applicable []int32) {
	top := len(w.frames) - 1
	f := &w.frames[top]
	if w.options.html && (legacy != new || w.linked()) && isData(w.l, l) && isData(w.n, n) && w.compareData(legacy, new) {
		return
	}
	if legacy == new {
		w.agree(applicable, legacy)
		return
	}
	w.enter(top-1, f.ordinal, top, KindValue, legacy, new, applicable)
}

// show is a node for a person.
func (w *treeWalk) show(t *tree, id int32) string {
	if text, only := t.only(id); only && w.options.loose {
		return text
	}
	return t.show(id)
}

// agree notes an equal value under rules with same.
func (w *treeWalk) agree(applicable []int32, text string) {
	if !w.linked() || len(w.equal) >= maxMapped {
		return
	}
	for _, r := range applicable {
		if link := w.rules.actions[r].link; link > 0 {
			w.equal = append(w.equal, equalLink{link - 1, linkText(text)})
		}
	}
}

// compareAttributes compares those of the elements on top, and gives how many
// there are.
func (w *treeWalk) compareAttributes(l, n int32) (places int32) {
	a, b := w.l.attributes(&w.l.nodes[l]), w.n.attributes(&w.n.nodes[n])
	for i, j := 0, 0; i < len(a) || j < len(b); places++ {
		order := 0
		switch {
		case j == len(b):
			order = -1
		case i == len(a):
			order = 1
		default:
			order = w.l.byName(a[i], b[j])
		}
		switch {
		case order < 0:
			w.attribute(places, KindMissing, a[i], attrPair{l, n, w.l.slice(a[i].value), "", false})
			i++
		case order > 0:
			w.attribute(places, KindAdded, b[j], attrPair{l, n, "", w.n.slice(b[j].value), false})
			j++
		default:
			w.attribute(places, KindValue, a[i], attrPair{l, n, w.l.slice(a[i].value), w.n.slice(b[j].value), a[i].token && b[j].token})
			i, j = i+1, j+1
		}
	}
	return places
}

// attrPair is an attribute of two elements.
type attrPair struct {
	l, n        int32 // the elements
	legacy, new string
	token       bool // it is one on both sides
}

func (w *treeWalk) attribute(ordinal int32, kind Kind, a attribute, p attrPair) {
	if kind == KindValue && p.legacy == p.new && !w.linked() {
		return
	}
	top := len(w.frames) - 1
	name := w.l.names.list[a.name]
	at := w.tracker.member(w.frames[top].rules, []byte("@"+name))
	applicable := w.rulesIn(at)
	w.tracker.pop(at)
	if kind == KindValue && p.legacy == p.new {
		w.agree(applicable, p.legacy)
		return
	}
	f := finding{Difference: Difference{Kind: kind}}
	if p.token && !w.rules.off(Volatile) {
		f.verdict.reason = byToken
	} else {
		f.judge(w.rules, applicable, name, p.legacy, p.new)
	}
	if w.options.html && (name == "value" || name == "content") {
		// The name beside it says what it is, and to those who redact
		// evidence that it is a secret.
		p.legacy, p.new = w.l.tag(p.l, name), w.n.tag(p.n, name)
	}
	w.put(top, ordinal, top, "@"+name, f, p.legacy, p.new)
}

// rulesIn lists the rules of a set, by number. Among them are those of the
// elements around the place that ignore differences of one kind.
func (w *treeWalk) rulesIn(at set) (list []int32) {
	if !at.empty() {
		w.tracker.rules(at, func(r int32) { list = append(list, r) })
	}
	if w.rules != nil && w.rules.partial {
		list = w.partialAround(list)
	}
	slices.Sort(list)
	return list
}

// partialAround adds the rules of all open elements that ignore differences of
// one kind, at and below their places.
func (w *treeWalk) partialAround(list []int32) []int32 {
	for i := range w.frames {
		w.tracker.rules(w.frames[i].rules, func(r int32) {
			if w.rules.actions[r].partial != "" && !slices.Contains(list, r) {
				list = append(list, r)
			}
		})
	}
	return list
}

// enter judges a difference of elements or texts and enters it: see put.
func (w *treeWalk) enter(among int, ordinal int32, frame int, kind Kind, legacy, new string, applicable []int32) {
	f := finding{Difference: Difference{Kind: kind}}
	f.judge(w.rules, applicable, w.frames[frame].name, legacy, new)
	w.put(among, ordinal, frame, "", f, legacy, new)
}

// put enters a difference at the place of a frame, or at its attribute. It is
// one of the places of another frame, in which it has the ordinal.
func (w *treeWalk) put(among int, ordinal int32, frame int, attr string, f finding, legacy, new string) {
	f.level, f.ordinal = w.frames[max(among, 0)].level, ordinal
	f.Path = w.path(frame)
	if attr != "" {
		f.Path = joinPath(f.Path, NameSegment(attr))
	}
	if !w.keep(&f) {
		return
	}
	f.At = w.exact(frame)
	if attr != "" {
		f.At = joinPath(f.At, NameSegment(attr))
	}
	f.Legacy, f.New = show(legacy), show(new)
	w.found = append(w.found, f)
}

// path is the generalised path of a frame.
func (w *treeWalk) path(frame int) string {
	f := &w.frames[frame]
	if f.path == "" {
		f.path = joinPath(w.path(frame-1), NameSegment(f.name))
	}
	return f.path
}

// exact is the exact path of a frame.
func (w *treeWalk) exact(frame int) string {
	f := &w.frames[frame]
	if f.at == "" {
		f.at = joinPath(w.exact(frame-1), NameSegment(f.name))
		if f.several {
			f.at = joinPath(f.at, "["+strconv.Itoa(int(f.index))+"]")
		}
	}
	return f.at
}
