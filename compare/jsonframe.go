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
	w.jump(int32(i), int32(j))
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
type mark struct{ events, effects, equal, notes int32 }

func (w *walk) mark() mark {
	return mark{int32(len(w.events)), w.effects, int32(len(w.equal)), int32(len(w.notes))}
}

func (w *walk) rollback(m mark) {
	w.events, w.effects = w.events[:m.events], m.effects
	w.equal, w.notes = w.equal[:m.equal], w.notes[:m.notes]
}
