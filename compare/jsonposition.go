package compare

import (
	"fmt"
	"slices"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// Arrays of very many elements are compared by position, as they are walked:
// nothing is listed, and which elements stand for each other is not looked for.
// The Result says where.

// maxPaired is how many elements of an array are paired other than by position,
// and how many lines of a text: more only where they are a twelfth of both
// bodies, so that what pairing takes stays a multiple of these.
const maxPaired = 1 << 20

func maxPairedOf(bytes int) int { return max(maxPaired, bytes/12) }

// tooMany is what listing elements gives when they are more than are paired.
const tooMany = -4

// shownPlaces is how many places Result.ByPosition has.
const shownPlaces = 10

// byPosition has the arrays on top compared by position from now on.
func (w *walk) byPosition() {
	top := len(w.frames) - 1
	w.frames[top].byPosition = true
	at := w.exact(w.homeOf(top-1), w.frames[top-1].here)
	if len(w.positional) < shownPlaces && !slices.Contains(w.positional, at) {
		w.positional = append(w.positional, at)
	}
}

// nextPosition goes on behind an element, or from the beginning when there was none.
func (w *walk) nextPosition(f *frame) want {
	if w.i >= len(w.a) || w.j >= len(w.b) {
		return w.fail(jsontext.NotJSON)
	}
	switch a, b := w.a[w.i], w.b[w.j]; {
	case a == ',' && b == ',' && f.places > 0:
		w.visitElement(f.places, false, f.places)
		w.i, w.j = w.i+1, w.j+1
		return wantValue
	case a == ']' && b == ']':
		return w.leave(w.i+1, w.j+1)
	}
	return w.surplus(f)
}

// surplus goes to the end of arrays of which one is longer.
func (w *walk) surplus(f *frame) want {
	depth := len(w.frames) - 1
	a, b := restOf(w.a, w.i, depth, f.places), restOf(w.b, w.j, depth, f.places)
	if failed := min(a.end, b.end); failed < 0 {
		return w.fail(failed)
	}
	x := arrays{wholeA: span{f.startA, int32(a.end)}, wholeB: span{f.startB, int32(b.end)}}
	w.lengthFirst(&x, f, note{legacy: lengthText(a.length, a.alone), new: lengthText(b.length, b.alone)})
	f.places = int32(max(a.length, b.length))
	return w.leave(a.end, b.end)
}

// arrayRest is what an array goes on with.
type arrayRest struct {
	length int    // elements of the array, those before included
	alone  string // those that are shown
	end    int    // behind the array, or one below zero
}

// restOf reads the rest of an array behind some elements.
func restOf(s []byte, i, depth int, before int32) arrayRest {
	r := arrayRest{length: int(before)}
	for ; i < len(s) && s[i] != ']'; r.length++ {
		if r.length > 0 {
			if s[i] != ',' {
				return arrayRest{end: jsontext.NotJSON}
			}
			i = jsontext.Blank(s, i+1)
		}
		end := jsontext.ScanValue(s, i, depth)
		if end < 0 {
			return arrayRest{end: end}
		}
		if len(r.alone) < maxShown {
			r.alone += fmt.Sprintf(", [%d] %s", r.length, show(s[i:end]))
		}
		i = jsontext.Blank(s, end)
	}
	if i >= len(s) {
		return arrayRest{end: jsontext.NotJSON}
	}
	r.end = i + 1
	return r
}
