package compare

import "encoding/binary"

// The walk spends most of its time on scalars that are spelled alike on both
// sides. The functions here go through them without any of its bookkeeping,
// and leave to it whatever is out of the ordinary: differences, containers,
// escapes, what is not valid.

// glideMembers goes through members with such values, from the name of one. It
// is false at a name that it leaves to the walk.
func (w *walk) glideMembers(f *frame) (next want, ok bool) {
	a := w.a[:w.run.to]
	i := w.i
	for i < len(a) && a[i] == '"' {
		colon := i + 2 + plainPrefix(a, i+1)
		if colon >= len(a) || a[colon-1] != '"' || a[colon] != ':' {
			break
		}
		if !isPlainName(w.a, i+1, colon-1) && looksLikeData(a[i+1:colon-1]) {
			f.dataLike++
		}
		f.places++
		value := blank(a, colon+1)
		end := value
		if !w.linked {
			end = blank(a, scalarEnd(a, value))
		}
		switch {
		case end < len(a) && a[end] == ',' && end > value:
			i = blank(a, end+1)
			continue
		case end < len(a) && a[end] == '}' && end > value:
			return w.leave(end+1, end+1+w.shift), true
		}
		f.here, f.ordinal = stride{from: int32(i + 1), to: int32(colon - 1)}, f.places-1
		w.advance(value)
		return wantValue, true
	}
	w.advance(i)
	return wantMember, false
}

// glideElements goes through such elements, from the value of one, and stops
// at one that it leaves to the walk.
func (w *walk) glideElements(f *frame) {
	if w.linked || !w.alike() {
		return
	}
	a := w.a[:w.run.to]
	i := w.i
	for i < len(a) {
		end := scalarEnd(a, i)
		if end >= len(a) || a[end] != ',' || end == i {
			break
		}
		w.visitElement(f.places, false, f.places)
		i = blank(a, end+1)
	}
	w.advance(i)
}

// scalarEnd is the position behind the scalar at i, i itself when there is none
// that ends within a and is without escapes.
func scalarEnd(a []byte, i int) int {
	if i >= len(a) {
		return i
	}
	end := notJSON
	switch c := a[i]; {
	case c == '"':
		if e := i + 1 + plainPrefix(a, i+1); e < len(a) && a[e] == '"' {
			end = e + 1
		}
	case isDigit(c) || c == '-':
		end = scanNumber(a, i)
	case c == 't':
		end = scanLiteral(a, i, "true")
	case c == 'f':
		end = scanLiteral(a, i, "false")
	case c == 'n':
		end = scanLiteral(a, i, "null")
	}
	return max(i, end)
}

// isPlainName reports, for most names made of small letters and _ alone, that
// they are: the test is one for eight bytes at once.
func isPlainName(s []byte, from, to int) bool {
	if to-from > maxNameLength {
		return false
	}
	for ; from < to; from += 8 {
		if from+8 > len(s) {
			return false
		}
		v := binary.LittleEndian.Uint64(s[from:])
		if rest := to - from; rest < 8 {
			v = v&(1<<(8*rest)-1) | ones*'a'<<(8*rest)
		}
		// The high bit of a byte is set in the first sum from '_' on, in the
		// second beyond 'z', in v itself beyond ASCII.
		if (v+ones*(0x80-'_'))&^(v+ones*(0x7f-'z'))&^v&highs != highs {
			return false
		}
	}
	return true
}
