package compare

import (
	"cmp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/quackproxy/quack/compare/internal/bytewise"
	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// place is a generalised place: all places of the answer with one path.
type place struct {
	path     string // "" until it is asked for
	parent   *place
	segment  segmentKind
	name     []byte   // of a member, unescaped
	members  []*place // the first of them, at most shortList
	byName   map[string]*place
	keys     *place // of a map: .*
	elements *place // of an array: [*]
	tally    tally  // the first
	tallies  []tally
}

// segmentKind is how a place stands in its parent.
type segmentKind uint8

const (
	aMember segmentKind = iota
	aKey
	anElement
)

// tally is where the ledger counts the forgiven differences of a place.
type tally struct {
	kind    Kind
	verdict verdict
	entry   int // index in Result.Forgiven, or as condenser has it
}

// list enters all events, whose verdicts are settled, into the ledger.
func (w *walk) list(l *ledger) {
	l.result.Truncated += int(w.left)
	l.byPosition(w.positional)
	root, others := &place{path: w.base.path}, &place{path: OtherPlaces}
	for i := range w.events {
		e := &w.events[i]
		p := others
		if e.home >= 0 {
			p = w.placeOf(root, e.home, e.here)
		}
		if e.verdict.reason != counts {
			w.forgive(l, p, e)
			continue
		}
		path, kind := w.path(p), cmp.Or(l.as, e.kind)
		if l.room(ground{path: path, kind: kind}) {
			legacy, new := w.shown(e)
			h := &w.homes[e.home]
			l.result.Differences = append(l.result.Differences, Difference{
				Path: path, At: w.exact(e.home, e.here), Kind: kind, Legacy: legacy, New: new,
				Weight: cmp.Or(l.weight, min(1, float64(h.differing)/float64(max(1, h.places)))),
			})
		}
	}
}

func (w *walk) forgive(l *ledger, p *place, e *event) {
	if t := p.tallyOf(e); t != nil {
		l.result.Forgiven[t.entry].Count++
		w.drifted(l, t.entry, e)
		return
	}
	entry, fresh := l.forgiven(ground{w.path(p), cmp.Or(l.as, e.kind), e.verdict})
	p.count(tally{e.kind, e.verdict, entry})
	if fresh {
		f := &l.result.Forgiven[entry]
		f.At = w.exact(e.home, e.here)
		f.Legacy, f.New = w.shown(e)
	}
	w.drifted(l, entry, e)
}

// drifted counts how far apart the timestamps of a forgiven event are, and what
// the event stands for besides.
func (w *walk) drifted(l *ledger, entry int, e *event) {
	f := &l.result.Forgiven[entry]
	if l.rules.ofTime(e.verdict) {
		f.Drift.Add(e.drift)
	}
	if e.folded > 0 {
		f.Count += w.folds[e.folded-1].more
		f.Drift.Merge(w.folds[e.folded-1].drift)
	}
}

// tallyOf is where events like this one are counted, nil before the first.
func (p *place) tallyOf(e *event) *tally {
	if p.tally.is(e) {
		return &p.tally
	}
	for i := range p.tallies {
		if p.tallies[i].is(e) {
			return &p.tallies[i]
		}
	}
	return nil
}

func (t *tally) is(e *event) bool { return t.kind == e.kind && t.verdict == e.verdict }

func (p *place) count(t tally) *tally {
	if p.tally.kind == "" {
		p.tally = t
		return &p.tally
	}
	p.tallies = append(p.tallies, t)
	return &p.tallies[len(p.tallies)-1]
}

// shown is what an event shows of the two sides.
func (w *walk) shown(e *event) (legacy, new string) {
	if e.note > 0 {
		n := w.notes[e.note-1]
		return n.legacy, n.new
	}
	return show(w.a[e.a.from:e.a.to]), show(w.b[e.b.from:e.b.to])
}

// placeOf is the generalised place of what stands at here in a container.
func (w *walk) placeOf(root *place, home int32, here stride) *place {
	h := &w.homes[home]
	if h.parent < 0 {
		return root
	}
	if h.place == nil {
		h.place = w.placeOf(root, h.parent, h.here)
	}
	p := h.place
	switch {
	case here.element():
		return w.child(&p.elements, p, anElement, nil)
	case h.isMap:
		return w.child(&p.keys, p, aKey, nil)
	}
	name := w.name(here)
	if here.escapes {
		name = jsontext.AppendUnescaped(nil, name)
	}
	return w.member(p, name)
}

// member is the place of a member.
func (w *walk) member(p *place, name []byte) *place {
	for _, m := range p.members {
		if string(m.name) == string(name) {
			return m
		}
	}
	if len(p.members) < shortList {
		var m *place
		p.members = append(p.members, w.child(&m, p, aMember, name))
		return m
	}
	m := p.byName[string(name)]
	if m == nil {
		if p.byName == nil {
			p.byName = map[string]*place{}
		}
		p.byName[string(name)] = w.child(&m, p, aMember, name)
	}
	return m
}

// child gives the place that slot holds, made when it holds none.
func (w *walk) child(slot **place, parent *place, segment segmentKind, name []byte) *place {
	if *slot == nil {
		if len(w.places) == cap(w.places) {
			w.places = make([]place, 0, 32) // those before it are still pointed at
		}
		w.places = append(w.places, place{parent: parent, segment: segment, name: name})
		*slot = &w.places[len(w.places)-1]
	}
	return *slot
}

// path is the path of a place.
func (w *walk) path(p *place) string {
	if p.path == "" {
		w.spelled = p.appendPath(w.spelled[:0])
		p.path = string(w.spelled)
	}
	return p.path
}

func (p *place) appendPath(to []byte) []byte {
	if p.path != "" {
		return append(to, p.path...)
	}
	to = p.parent.appendPath(to)
	outer := len(to)
	switch p.segment {
	case anElement:
		to = append(to, "[*]"...)
	case aKey:
		to = append(to, ".*"...)
	default:
		to = appendName(to, p.name)
	}
	return cutPath(to, outer)
}

// exact is the exact path of what stands at here in a container.
func (w *walk) exact(home int32, here stride) string {
	w.spelled = w.appendExact(w.spelled[:0], home, here)
	return string(w.spelled)
}

func (w *walk) appendExact(to []byte, home int32, here stride) []byte {
	h := &w.homes[home]
	if h.parent < 0 {
		return append(to, w.base.at...)
	}
	to = w.appendExact(to, h.parent, h.here)
	outer := len(to)
	if here.element() {
		to = append(strconv.AppendInt(append(to, '['), int64(here.from), 10), ']')
		return cutPath(to, outer)
	}
	name := w.name(here)
	if here.escapes {
		name = jsontext.AppendUnescaped(nil, name)
	}
	return cutPath(appendName(to, name), outer)
}

// cutPath puts a last … for a segment, which begins at outer, that makes the
// path too long to show.
func cutPath(path []byte, outer int) []byte {
	const more = "…"
	switch {
	case outer > maxShown/2 && strings.HasSuffix(string(path[outer-len(more):outer]), more):
		return path[:outer]
	case len(path)+len(more) > maxShown:
		return append(path[:outer], more...)
	}
	return path
}

// appendName appends a member name as a segment.
func appendName(to, name []byte) []byte {
	short := len(name) > 0 && len(name) <= maxNameLength && !bytewise.IsDigit(name[0])
	for i := 0; i < len(name) && short; i++ {
		short = name[i] < utf8.RuneSelf && (isNameByte(name[i]) || bytewise.IsDigit(name[i]))
	}
	if short {
		return append(append(to, '.'), name...)
	}
	return append(to, NameSegment(string(name))...)
}

// NameSegment writes a member name as RFC 9535 does: .name where that is
// allowed, else the bracket form of its normalised paths. Very long names are cut.
func NameSegment(name string) string {
	short := name != "" && !bytewise.IsDigit(name[0]) && utf8.ValidString(name)
	for i := 0; i < len(name) && short; i++ {
		short = isNameByte(name[i]) || bytewise.IsDigit(name[i])
	}
	if short && len(name) <= maxNameLength {
		return "." + name
	}
	var b strings.Builder
	b.WriteString("['")
	for n, r := range []rune(name[:min(len(name), 4*maxNameLength+utf8.UTFMax)]) {
		switch {
		case n >= maxNameLength:
			return b.String() + "…']"
		case r == '\'' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < ' ':
			b.WriteString(controlEscape(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + "']"
}

// controlEscape is the escape of a control character (RFC 9535 section 2.7).
func controlEscape(r rune) string {
	if i := strings.IndexRune("\b\t\n\f\r", r); i >= 0 {
		return `\` + "btnfr"[i:i+1]
	}
	return `\u00` + string("0123456789abcdef"[r>>4]) + string("0123456789abcdef"[r&15])
}
