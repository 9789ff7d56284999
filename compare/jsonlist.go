package compare

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// place is a generalised place: all places of the answer with one path.
type place struct {
	path     string
	members  map[string]*place
	keys     *place // of a map: .*
	elements *place // of an array: [*]
	tallies  []tally
}

// tally is where the ledger counts the forgiven differences of a place.
type tally struct {
	kind    Kind
	verdict verdict
	entry   int // index in Result.Forgiven
}

// list enters all events, whose verdicts are settled, into the ledger.
func (w *walk) list(l *ledger) {
	w.weighHomes()
	root := &place{path: "$"}
	for i := range w.events {
		e := &w.events[i]
		p := w.placeOf(root, e.home, e.here)
		if e.verdict.reason != counts {
			w.forgive(l, p, e)
			continue
		}
		if l.room(ground{path: p.path, kind: e.kind}) {
			legacy, new := w.shown(e)
			h := &w.homes[e.home]
			l.result.Differences = append(l.result.Differences, Difference{
				Path: p.path, At: w.exact(e.home, e.here), Kind: e.kind, Legacy: legacy, New: new,
				Weight: min(1, float64(h.differing)/float64(max(1, h.places))),
			})
		}
	}
}

func (w *walk) forgive(l *ledger, p *place, e *event) {
	for i := range p.tallies {
		if t := &p.tallies[i]; t.kind == e.kind && t.verdict == e.verdict {
			l.result.Forgiven[t.entry].Count++
			l.drifted(t.entry, e)
			return
		}
	}
	entry, fresh := l.forgiven(ground{p.path, e.kind, e.verdict})
	p.tallies = append(p.tallies, tally{e.kind, e.verdict, entry})
	if fresh {
		f := &l.result.Forgiven[entry]
		f.At = w.exact(e.home, e.here)
		f.Legacy, f.New = w.shown(e)
	}
	l.drifted(entry, e)
}

// drifted counts how far apart the timestamps of a forgiven event are.
func (l *ledger) drifted(entry int, e *event) {
	if l.rules.ofTime(e.verdict) {
		l.result.Forgiven[entry].Drift.Add(e.drift)
	}
}

// shown is what an event shows of the two sides.
func (w *walk) shown(e *event) (legacy, new string) {
	if e.note > 0 {
		n := w.notes[e.note-1]
		return n.legacy, n.new
	}
	return show(w.a[e.a.from:e.a.to]), show(w.b[e.b.from:e.b.to])
}

// weighHomes counts, for each container, the places in it at or below which
// something counts. Events of one place follow each other.
func (w *walk) weighHomes() {
	for i := range w.events {
		e := &w.events[i]
		if e.verdict.reason != counts {
			continue
		}
		for home, ordinal := e.home, e.ordinal; home >= 0; {
			h := &w.homes[home]
			if h.marked == ordinal+1 {
				break
			}
			h.marked = ordinal + 1
			h.differing++
			home, ordinal = h.parent, h.ordinal
		}
	}
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
		return p.child(&p.elements, "[*]")
	case h.isMap:
		return p.child(&p.keys, ".*")
	}
	name := w.name(here)
	if here.escapes {
		name = appendUnescaped(nil, name)
	}
	child, ok := p.members[string(name)]
	if !ok {
		p.child(&child, nameSegment(string(name)))
		if p.members == nil {
			p.members = map[string]*place{}
		}
		p.members[string(name)] = child
	}
	return child
}

// child gives the place that slot holds, made when it holds none.
func (p *place) child(slot **place, segment string) *place {
	if *slot == nil {
		*slot = &place{path: joinPath(p.path, segment)}
	}
	return *slot
}

// exact is the exact path of what stands at here in a container.
func (w *walk) exact(home int32, here stride) string {
	h := &w.homes[home]
	switch {
	case h.parent < 0:
		return "$"
	case here.element():
		return joinPath(w.exact(h.parent, h.here), "["+strconv.Itoa(int(here.from))+"]")
	}
	return joinPath(w.exact(h.parent, h.here), nameSegment(unescaped(w.name(here))))
}

// joinPath appends a segment, or a last … when the path gets too long to show.
func joinPath(path, segment string) string {
	const more = "…"
	switch {
	case strings.HasSuffix(path, more) && len(path) > maxShown/2:
		return path
	case len(path)+len(segment)+len(more) > maxShown:
		return path + more
	}
	return path + segment
}

// nameSegment writes a member name as RFC 9535 does: .name where that is
// allowed, else the bracket form of its normalised paths. Very long names are cut.
func nameSegment(name string) string {
	short := name != "" && !isDigit(name[0]) && utf8.ValidString(name)
	for i := 0; i < len(name) && short; i++ {
		short = isNameByte(name[i]) || isDigit(name[i])
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
