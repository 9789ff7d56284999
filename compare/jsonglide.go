package compare

import (
	"github.com/quackproxy/quack/compare/internal/bytewise"
	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// The walk spends most of its time on what is spelled alike on both sides.
// Gliding goes through that as fast as it can: all of it is checked to be
// JSON, but of a container on the way only what is needed when a difference
// turns up within it is kept, in a stroke rather than a frame. Whatever is out
// of the ordinary is left to the walk: differences, names with escapes, what
// is not valid.

// reach says how far gliding has come in a container.
type reach struct {
	from, to int32 // the name of the member it is at; below zero before the first
	places   int32
	dataLike int32
	closing  byte // what ends the container
}

// stroke is a container in which gliding is: where it begins, and how far
// gliding has come in the one around it.
type stroke struct {
	around reach
	start  int32
}

// shortestGlide is how many bytes have to be alike for gliding to be worth its start.
const shortestGlide = 24

// mayGlide reports whether the walk may glide from where it is.
func (w *walk) mayGlide(next want) bool {
	return (next == wantMember || next == wantValue) && int(w.run.to)-w.i >= shortestGlide && !w.plain &&
		(!w.linked || w.frames[len(w.frames)-1].rules.empty())
}

// glide goes on from a member or a value in the container on top, at most to
// the end of that container, and gives what is wanted next.
func (w *walk) glide(next want) want {
	f := &w.frames[len(w.frames)-1]
	w.strokes = w.strokes[:0]
	w.in = reach{from: -1, places: f.places, dataLike: f.dataLike, closing: ']'}
	if f.object {
		w.in.closing = '}'
	}
	for {
		var short bool
		if next, short = w.glideRun(next); !short || !w.extend() {
			return w.land(next)
		}
	}
}

// extend looks further ahead where the run ended with nothing but the limit on
// how far sync looks.
func (w *walk) extend() bool {
	e := int(w.run.to)
	n := bytewise.CommonPrefix(w.a[e:min(len(w.a), e+max(longestRun, e-w.i))], w.b[e+w.shift:])
	w.run.to += int32(n)
	return n > 0
}

// land makes frames of the strokes, so that the walk can go on from there.
func (w *walk) land(next want) want {
	i := w.i
	for k := range w.strokes {
		s := &w.strokes[k]
		w.stand(&s.around)
		w.advance(int(s.start))
		w.push(w.a[s.start] == '{')
		if w.bags && w.a[s.start] == '[' {
			if next, ok := w.arrange(); ok {
				return next
			}
		}
	}
	w.stand(&w.in)
	w.advance(i)
	return next
}

// stand moves the frame on top to where gliding came in it.
func (w *walk) stand(in *reach) {
	f := &w.frames[len(w.frames)-1]
	f.places, f.dataLike = in.places, in.dataLike
	switch {
	case !f.object:
		f.here, f.ordinal = stride{from: in.places - 1, to: -1}, in.places-1
	case in.from >= 0:
		f.here, f.ordinal = stride{from: in.from, to: in.to}, in.places-1
	}
}

// glideRun glides to the end of the run at most, and says whether it fell
// short of more only because of that.
func (w *walk) glideRun(next want) (stop want, short bool) {
	a := w.a[:w.run.to]
	i, in := w.i, w.in
	for {
		end := jsontext.Unusual
		switch next {
		case wantMember:
			if end = in.member(a, i); end >= 0 {
				next = wantValue
			}
		case wantValue:
			if end = jsontext.ScanPlain(a, i); end >= 0 {
				next = wantMore
			} else if end == jsontext.Container && len(w.frames)+len(w.strokes) <= jsontext.MaxDepth {
				end, next = w.begin(a, i, &in)
			}
		case wantMore:
			switch c := a[i]; {
			case c == ',':
				end, next = i+1, in.enter()
			case len(w.strokes) > 0 && c == in.closing:
				in = w.strokes[len(w.strokes)-1].around
				w.strokes = w.strokes[:len(w.strokes)-1]
				end = i + 1
			}
		}
		if end >= 0 {
			i = end
			if i < len(a) && a[i] <= ' ' {
				i = jsontext.Blank(a, i)
			}
			if i < len(a) {
				continue
			}
			end = jsontext.EndOfRun
		}
		w.i, w.j, w.in = i, i+w.shift, in
		return next, end == jsontext.EndOfRun
	}
}

// begin goes into the container at i, or past it when it is empty.
func (w *walk) begin(a []byte, i int, in *reach) (end int, next want) {
	closing := a[i] + 2 // in ASCII for both
	switch end = jsontext.Blank(a, i+1); {
	case end >= len(a):
		return jsontext.EndOfRun, wantValue
	case a[end] == closing:
		return end + 1, wantMore
	}
	w.strokes = append(w.strokes, stroke{*in, int32(i)})
	*in = reach{from: -1, closing: closing}
	return end, in.enter()
}

// enter goes on to the next place in the container.
func (in *reach) enter() want {
	if in.closing == '}' {
		return wantMember
	}
	in.places++
	return wantValue
}

// member goes to the value of the member whose name begins at i.
func (in *reach) member(a []byte, i int) (end int) {
	end, plain := jsontext.ScanPlainName(a, i)
	if end < 0 {
		return end
	}
	if !(plain && end-2-(i+1) <= maxNameLength) && looksLikeData(a[i+1:end-2]) {
		in.dataLike++
	}
	in.places++
	in.from, in.to = int32(i+1), int32(end-2)
	return end
}
