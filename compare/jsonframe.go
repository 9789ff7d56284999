package compare

import "github.com/quackproxy/quack/compare/internal/jsontext"

// push enters a container that begins at i and j. It is false when that would
// be too deep.
func (w *walk) push(object bool) bool {
	if len(w.frames) > jsontext.MaxDepth {
		return false
	}
	w.frames = append(w.frames, frame{
		object: object, startA: int32(w.i), startB: int32(w.j), home: -1, ignored: -1,
		before: w.mark(), settled: w.effects,
	})
	if w.linked {
		w.resolve(len(w.frames) - 1)
	}
	return true
}

// leave goes out of the container on top, to behind it.
func (w *walk) leave(i, j int) want {
	top := len(w.frames) - 1
	f := &w.frames[top]
	if f.home >= 0 {
		h := &w.homes[f.home]
		h.places = f.places
		h.isMap = f.object && (f.places > maxNames || 2*f.dataLike >= f.places)
	}
	if f.resolved && top > 1 { // the outermost has the document's set
		w.tracker.pop(f.rules)
	}
	w.frames = w.frames[:top]
	if f.home >= 0 {
		w.countHome(f.home)
	}
	w.jump(int32(i), int32(j))
	w.condense()
	return wantMore
}

// homeOf is the home of a frame, made with those around it when it is the first event's.
func (w *walk) homeOf(f int) int32 {
	if w.frames[f].home < 0 {
		h := home{parent: -1}
		if f > 0 {
			h.parent = w.homeOf(f - 1)
			h.here, h.ordinal = w.frames[f-1].here, w.frames[f-1].ordinal
		}
		w.frames[f].home = int32(len(w.homes))
		w.homes = append(w.homes, h)
	}
	return w.frames[f].home
}

// mark is a state of the events to which the walk can go back.
type mark struct{ events, effects, equal, notes, left, open, positional int32 }

func (w *walk) mark() mark {
	return mark{int32(len(w.events)), w.effects, int32(len(w.equal)), int32(len(w.notes)), w.left, w.open, int32(len(w.positional))}
}

// rollback takes back what was found in the container on top.
func (w *walk) rollback() {
	f := &w.frames[len(w.frames)-1]
	m := f.before
	w.events, w.effects = w.events[:m.events], m.effects
	w.equal, w.notes = w.equal[:m.equal], w.notes[:m.notes]
	w.left, w.open = m.left, m.open
	w.positional = w.positional[:m.positional]
	if f.home >= 0 {
		w.homes[f.home].differing, w.homes[f.home].marked = 0, 0
	}
}

// differs counts a place in the container that differs. All that is found at
// one place follows each other.
func (h *home) differs(ordinal int32) {
	if h.marked != ordinal+1 {
		h.marked = ordinal + 1
		h.differing++
	}
}

// countHome counts a container that is left among those that differ.
func (w *walk) countHome(home int32) {
	h := &w.homes[home]
	if h.parent < 0 {
		return
	}
	p := &w.homes[h.parent]
	if h.differing > 0 {
		p.differs(h.ordinal)
	}
	h.counted = p.marked == h.ordinal+1
}

// countLate counts a place that turns out to differ when the walk is over.
func (w *walk) countLate(e *event) {
	h := &w.homes[e.home]
	h.differing++
	for !h.counted && h.parent >= 0 {
		h.counted = true
		h = &w.homes[h.parent]
		h.differing++
	}
}
