package compare

import (
	"sync"
	"time"

	"github.com/quackproxy/quack/compare/internal/align"
	"github.com/quackproxy/quack/compare/internal/bytewise"
	"github.com/quackproxy/quack/compare/internal/decimal"
	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// walk compares two JSON texts side by side, in place: nothing is decoded, and
// nothing is built for places that agree. It goes through legacy's text token
// by token; as long as both texts run alike, new's is only compared in bulk.
// Where members or elements do not stand in the same order, it lists those of
// that one container and pairs them.
//
// A difference is an event. Its path is spelled out only when all is known
// (walk.list), because whether an object is a map shows at its end, and
// whether a mapping holds shows at the end of the answer.
type walk struct {
	a, b  []byte // legacy, new
	rules *Rules
	base  *base // where the texts stand in the answer

	i, j   int  // where the walk is in a and in b
	run    span // a[run] is equal to b[run+shift]
	shift  int
	failed int  // jsontext.NotJSON, jsontext.TooDeep or tooLong
	linked bool // some rule with same is for the body
	bags   bool // some rule is unordered, or says by what elements are paired

	ids   *idSets                       // nil where ids that look made up are not forgiven
	apart func(legacy, new []byte) bool // of ids; nil as well then
	loose bool                          // hashes leave such ids out

	frames  []frame  // the containers around the place, the document first
	strokes []stroke // the containers within the one on top in which the walk is gliding
	in      reach    // how far it has come in the innermost of these
	plain   bool     // it never glides: what gliding does must not show (used by tests)
	tracker tracker  // how far the rules' paths have come, for resolved frames
	at      []int32  // scratch: rules whose path ends at a place

	events  []event
	effects int32       // events that count, as far as is known
	homes   []home      // containers with events
	notes   []note      // what events show when it is not a value as written
	equal   []equalSpan // equal values under rules with same

	// Events and homes are condensed when there are condenseAt, and not before
	// there are condenseFrom (0: always, used by tests).
	condenseAt, condenseFrom int
	folds                    []fold              // what events stand for besides themselves
	left                     int32               // events that count and are not kept
	open                     int32               // events that hang on a mapping
	amend                    func(event) verdict // has the last word on each event; nil for none

	positional []string // arrays that were compared by position, as in Result.ByPosition

	places  []place // generalised, for list
	spelled []byte  // scratch: a path

	// budget is how many bytes may still be read again to pair the elements of
	// arrays, so that arrays within arrays can not make that exponential.
	// Without any left, they are paired by index.
	budget int
	// lists is how many bytes may still be read to list members and elements.
	// Without any left, the walk fails: the bodies are too different at each
	// of too many levels.
	lists int
	// steps is how many cells of tables may still be filled to pair elements.
	steps int
}

// stride is one step down: to a member, to an element, or to the root.
type stride struct {
	from, to int32 // of the name in its text, without quotes; an element's index and -1
	ofNew    bool  // the name stands in new's text
	escapes  bool  // the name has escapes
}

func (s stride) element() bool { return s.to < 0 }

// frame is a container that the walk is in, and which of its places it is at.
type frame struct {
	here    stride
	ordinal int32 // counts places, so that siblings can be told apart
	object  bool

	startA, startB int32 // of the container
	places         int32 // members or elements, those of both sides counted once
	dataLike       int32 // of these, names that look like data

	// Of arrays:
	before     mark  // when the walk came in
	settled    int32 // walk.effects at the end of the last element
	differing  int32 // elements with differences that count
	byPosition bool  // they are too many to be paired otherwise

	home     int32 // index in walk.homes, -1 while there are no events
	resolved bool  // ignored and rules are known
	ignored  int32 // rule that ignores all of the container, -1 for none
	rules    set
}

// home is a container that has events.
type home struct {
	parent  int32 // -1 for the document
	here    stride
	ordinal int32 // its own, in the parent
	places  int32
	isMap   bool
	counted bool // it is among those of its parent that differ

	differing int32  // children with differences that count
	marked    int32  // ordinal of the last of them, plus one
	place     *place // used by list
}

// span is a value as written, by its place in its text; empty when absent.
type span struct{ from, to int32 }

// event is a difference at a place in a container.
type event struct {
	home    int32
	ordinal int32
	here    stride
	kind    Kind
	verdict verdict
	a, b    span
	note    int32         // index in walk.notes plus one
	folded  int32         // index in walk.folds plus one
	drift   time.Duration // of timestamps that are forgiven
}

// note is what an event shows and, when its values were rewritten, what of them
// is mapped.
type note struct {
	legacy, new string
	link        [2]linkValue
}

// equalSpan is a value in legacy's text that is equal on both sides.
type equalSpan struct {
	link int32
	at   span
}

// equalLink is the same for bodies that are not walked as JSON.
type equalLink struct {
	link  int32
	value linkValue
}

// Multiples of the size of both texts that bound walk.lists and walk.steps.
const (
	relisting    = 128
	cellsPerByte = 4
)

// rereadsOf bounds walk.budget, and how many nodes may be hashed again under
// rules: 16 times what there is of both texts, of large ones fewer.
func rereadsOf(size int) int { return 16*min(size, 4<<20) + max(0, size-4<<20) }

// perPairing is what pairing two arrays takes from walk.budget beside their
// size, and pairings how many small ones may be paired in any case.
const (
	perPairing = 256
	pairings   = 1 << 13
)

var walks = sync.Pool{New: func() any { return new(walk) }}

// newWalk makes a walk of two texts that are all of the answer, unless start
// says otherwise. It is reused after free.
func newWalk(legacy, new []byte, rules *Rules) *walk {
	w := walks.Get().(*walk)
	w.a, w.b, w.rules, w.base = legacy, new, rules, &rootBase
	w.budget = pairings*perPairing + rereadsOf(len(legacy)+len(new))
	w.lists = relisting * (len(legacy) + len(new))
	w.steps = align.MaxCells + cellsPerByte*(len(legacy)+len(new))
	w.condenseAt, w.condenseFrom = keptEvents, keptEvents
	w.frames = append(w.frames, frame{home: -1, ignored: -1, resolved: true, places: 1, here: stride{to: -1}})
	if rules != nil && rules.inBody {
		w.linked, w.bags = rules.linked, rules.unordered
		w.frames[0].rules = w.tracker.start(&rules.paths)
	}
	return w
}

// free gives the walk's memory to later ones, unless it is unusually much.
func (w *walk) free() {
	const most = 1 << 14
	if cap(w.events) > most || cap(w.homes) > most || cap(w.tracker.seen) > most {
		return
	}
	clear(w.homes)
	clear(w.notes)
	clear(w.places)
	*w = walk{
		frames: w.frames[:0], strokes: w.strokes[:0], events: w.events[:0], homes: w.homes[:0], notes: w.notes[:0], equal: w.equal[:0],
		at: w.at[:0], places: w.places[:0], spelled: w.spelled[:0], tracker: tracker{stack: w.tracker.stack[:0]},
	}
	walks.Put(w)
}

// tooLong is what walk.failed is, beside jsontext.NotJSON and jsontext.TooDeep, when walk.lists
// is spent.
const tooLong = -3

// compare walks both texts. It gives jsontext.NotJSON, jsontext.TooDeep or tooLong when they can
// not be compared.
func (w *walk) compare() int {
	if !w.value() {
		return w.failed
	}
	if jsontext.Blank(w.a, w.i) != len(w.a) || jsontext.Blank(w.b, w.j) != len(w.b) {
		return jsontext.NotJSON
	}
	if h := w.frames[0].home; h >= 0 {
		w.homes[h].places = 1
	}
	return 0
}

// fail ends the walk.
func (w *walk) fail(why int) want {
	w.failed = why
	return broken
}

// want is what the walk looks for next.
type want uint8

const (
	wantValue  want = iota
	wantMember      // or the end of an empty object
	wantMore        // a comma or the end of a container
	broken          // walk.failed says why
)

// value compares the values that begin at i and j, and leaves i and j behind
// them. It is false when that can not be done.
func (w *walk) value() bool {
	outer := len(w.frames)
	for next := wantValue; ; {
		if next == wantMore && len(w.frames) == outer {
			return true
		}
		w.sync()
		if len(w.frames) > outer && w.mayGlide(next) {
			next = w.glide(next)
			w.sync()
		}
		switch next {
		case wantValue:
			next = w.startValue()
		case wantMember:
			next = w.startMember()
		case wantMore:
			next = w.more()
		case broken:
			return false
		}
	}
}

// longestRun bounds how far sync looks ahead, for walks that jump about.
const longestRun = 4 << 10

// sync skips white space on both sides. Behind it, the texts are alike at i
// and j (and up to run.to) if and only if i < run.to.
func (w *walk) sync() {
	i := jsontext.Blank(w.a, w.i)
	w.i = i
	if i < int(w.run.to) {
		w.j = i + w.shift
		return
	}
	w.j = jsontext.Blank(w.b, w.j)
	w.shift = w.j - i
	w.run = span{int32(i), int32(i + bytewise.CommonPrefix(w.a[i:min(len(w.a), i+longestRun)], w.b[w.j:]))}
}

// jump moves to other places of the texts.
func (w *walk) jump(i, j int32) {
	w.i, w.j = int(i), int(j)
	if int(j)-int(i) != w.shift || i < w.run.from {
		w.run = span{}
	}
}

// alike reports whether both texts go on with the same character.
func (w *walk) alike() bool { return w.i < int(w.run.to) }

// alikeTo reports whether both texts go on alike up to e in legacy's.
func (w *walk) alikeTo(e int) bool {
	if e <= int(w.run.to) {
		return true
	}
	f := e + w.shift
	if f > len(w.b) || string(w.a[w.i:e]) != string(w.b[w.j:f]) {
		return false
	}
	w.run.to = int32(e)
	return true
}

// advance moves both sides on to e in a, which both texts have in common.
func (w *walk) advance(e int) {
	w.i, w.j = e, e+w.shift
}

// startValue compares two scalars, or enters two containers.
func (w *walk) startValue() want {
	if !w.alike() {
		return w.unlike()
	}
	i := w.i
	switch w.a[i] {
	case '"':
		e, _ := jsontext.ScanString(w.a, i)
		if e < 0 {
			return w.fail(e)
		}
		if !w.alikeTo(e) {
			return w.text(e)
		}
		w.advance(e)
	case '{':
		return w.enterObject()
	case '[':
		return w.enterArray()
	case 't', 'f', 'n':
		e := jsontext.ScanValue(w.a, i, 0)
		if e < 0 || !w.alikeTo(e) {
			return w.fail(jsontext.NotJSON) // one first letter, one literal
		}
		w.advance(e)
		return wantMore
	default:
		e := jsontext.ScanNumber(w.a, i)
		if e < 0 || e >= int(w.run.to) { // what follows decides where the other one ends
			return w.number()
		}
		w.advance(e)
	}
	if w.linked {
		w.agree(span{int32(i), int32(w.i)})
	}
	return wantMore
}

// text compares two strings that are not spelled alike; legacy's ends at e.
func (w *walk) text(e int) want {
	f, escapes := jsontext.ScanString(w.b, w.j)
	if f < 0 {
		return w.fail(f)
	}
	a, b := span{int32(w.i), int32(e)}, span{int32(w.j), int32(f)}
	w.i, w.j = e, f
	va, vb := w.a[a.from+1:a.to-1], w.b[b.from+1:b.to-1]
	if string(va) != string(vb) && !((escapes || jsontext.HasEscapes(va)) && jsontext.EqualStrings(va, vb)) {
		w.differ(KindValue, a, b)
	} else if w.linked {
		w.agree(a)
	}
	return wantMore
}

// number compares two numbers, or finds that there are none.
func (w *walk) number() want {
	e, f := jsontext.ScanNumber(w.a, w.i), jsontext.ScanNumber(w.b, w.j)
	if e < 0 || f < 0 {
		return w.fail(jsontext.NotJSON)
	}
	a, b := span{int32(w.i), int32(e)}, span{int32(w.j), int32(f)}
	w.i, w.j = e, f
	va, vb := w.a[a.from:e], w.b[b.from:f]
	alike := string(va) == string(vb)
	if !alike && !decimal.Equal(va, vb) {
		w.differ(KindValue, a, b)
		return wantMore
	}
	if !alike && w.rules.asWritten() {
		w.differ(KindFormat, a, b)
	}
	if w.linked {
		w.agree(a)
	}
	return wantMore
}

// unlike compares two values that begin with other characters.
func (w *walk) unlike() want {
	if w.i >= len(w.a) || w.j >= len(w.b) {
		return w.fail(jsontext.NotJSON)
	}
	typeA, typeB := typeOf(w.a[w.i]), typeOf(w.b[w.j])
	if typeA == '0' && typeB == '0' {
		return w.number()
	}
	depth := len(w.frames) - 1
	e, f := jsontext.ScanValue(w.a, w.i, depth), jsontext.ScanValue(w.b, w.j, depth)
	if e < 0 || f < 0 {
		return w.fail(min(e, f))
	}
	kind := KindType
	if typeA == typeB {
		kind = KindValue // true and false
	}
	a, b := span{int32(w.i), int32(e)}, span{int32(w.j), int32(f)}
	w.i, w.j = e, f
	w.differ(kind, a, b)
	return wantMore
}

// typeOf stands for the type of a value, by its first character.
func typeOf(c byte) byte {
	switch c {
	case '"', '{', '[', 'n':
		return c
	case 't', 'f':
		return 't'
	}
	return '0'
}

// more goes on behind a value: to the next one in the container, or out of it.
func (w *walk) more() want {
	f := &w.frames[len(w.frames)-1]
	if f.object {
		return w.moreMembers(f)
	}
	return w.moreElements(f)
}
