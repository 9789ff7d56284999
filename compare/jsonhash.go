package compare

import (
	"github.com/quackproxy/quack/compare/internal/bytewise"
	"github.com/quackproxy/quack/compare/internal/decimal"
	"github.com/quackproxy/quack/compare/internal/jsontext"
	"github.com/quackproxy/quack/compare/internal/stamp"
)

// Elements of arrays are paired by hashes of their values. What is forgiven
// does not go in: members that are ignored, the order of members, spellings of
// one value, timestamps to about an hour, what rules accept. Paired elements are compared all the same, so a hash that
// lets too much pass hides nothing.

// stampBucket is the seconds that one hash of timestamps spans, as a power of
// two: long against TimestampBound, so that few pairs fall on two sides.
const stampBucket = 12

// hashElements hashes some elements of the array on top, which stand in text.
func (w *walk) hashElements(text []byte, list []span, from, to int) []uint64 {
	top := len(w.frames) - 1
	w.resolve(top)
	h := w.newHasher(text)
	field := w.fieldName(top - 1)
	hashes := make([]uint64, to-from)
	for k := range hashes {
		hashes[k], _ = h.element(int(list[from+k].from), w.frames[top].rules, int32(from+k), field)
	}
	return hashes
}

// hasher hashes values of a text that is known to be valid.
type hasher struct {
	*walk
	text  []byte
	side  side
	outer leniency            // of the containers around the value
	names map[string]struct{} // members that the other side has in this array; nil when that does not matter
}

// element hashes the element at i of an array with these rules.
func (h hasher) element(i int, array set, index int32, field []byte) (sum uint64, end int) {
	at := h.stride(array, stride{from: index, to: -1})
	sum, end = h.value(i, at, field)
	h.tracker.pop(at)
	return sum, end
}

// value hashes the value at i; field is the nearest member name.
func (h hasher) value(i int, at set, field []byte) (sum uint64, end int) {
	lenient := h.leniencyAt(at)
	if lenient.ignored || lenient.types {
		return 0, jsontext.ScanValue(h.text, i, 0)
	}
	if lenient.empty {
		if end := jsontext.ScanValue(h.text, i, 0); jsonScalar(h.text[i:end]).empty() {
			return 0, end
		}
	}
	switch c := h.text[i]; c {
	case '{':
		h.outer = h.below(at)
		return h.object(i, at)
	case '[':
		h.outer = h.below(at)
		return h.array(i, at, lenient.unordered, field)
	case 't', 'f', 'n':
		if lenient.free {
			c = typeOf(c)
		}
		return bytewise.Mix(uint64(c), 1), jsontext.ScanValue(h.text, i, 0)
	case '"':
		end, escapes := jsontext.ScanString(h.text, i)
		s := h.text[i+1 : end-1]
		if escapes {
			s = jsontext.AppendUnescaped(nil, s)
		}
		if lenient.rewritten {
			s = h.rewrite(at, s)
		}
		if h.loose && !lenient.linked {
			if sum, ok := hashIDs(s, field); ok {
				return sum, end
			}
		}
		return hashText(s, field, lenient), end
	}
	end = jsontext.ScanNumber(h.text, i)
	return hashNumber(h.text[i:end], field, lenient), end
}

// object adds up its members, in any order.
func (h hasher) object(i int, at set) (sum uint64, end int) {
	sum = '{'
	var aliases []alias
	if h.rules != nil && h.rules.renaming {
		aliases = h.tracker.aliases(at)
	}
	i = jsontext.Blank(h.text, i+1)
	for h.text[i] != '}' {
		nameEnd, escapes := jsontext.ScanString(h.text, i)
		raw := h.text[i+1 : nameEnd-1]
		name := raw
		if escapes {
			name = jsontext.AppendUnescaped(nil, raw)
		}
		for k := range aliases {
			if string(name) == aliases[k].new {
				name = []byte(aliases[k].legacy)
			}
		}
		below := h.tracker.member(at, name)
		from := jsontext.ScanColon(h.text, nameEnd)
		leftOut := h.leavesOut(below, name, from)
		v, e := h.value(from, below, name)
		h.tracker.pop(below)
		if !leftOut {
			sum += bytewise.Mix(bytewise.Hash(name), v)
		}
		if i = jsontext.Blank(h.text, e); h.text[i] == ',' {
			i = jsontext.Blank(h.text, i+1)
		}
	}
	return bytewise.Mix(sum, 2), i + 1
}

// array chains its elements, or adds them up when their order does not matter.
func (h hasher) array(i int, at set, unordered bool, field []byte) (sum uint64, end int) {
	sum = '['
	i = jsontext.Blank(h.text, i+1)
	for n := int32(0); h.text[i] != ']'; n++ {
		v, e := h.element(i, at, n, field)
		if unordered {
			sum += bytewise.Mix(v, 3)
		} else {
			sum = bytewise.Mix(sum, v)
		}
		if i = jsontext.Blank(h.text, e); h.text[i] == ',' {
			i = jsontext.Blank(h.text, i+1)
		}
	}
	return bytewise.Mix(sum, 4), i + 1
}

// hashText hashes the value of a string.
func hashText(s, field []byte, lenient leniency) uint64 {
	if lenient.free {
		return 12
	}
	if !lenient.exactTimes {
		if t, ok := stampOf(s, lenient.within); ok {
			return hashStamp(t, lenient)
		}
		if t, ok := stamp.ParseEpoch(s); ok && (lenient.within || stamp.IsName(field)) {
			return bytewise.Mix(hashStamp(t, lenient), 13)
		}
	}
	if lenient.tolerance && len(s) > 0 && jsontext.ScanNumber(s, 0) == len(s) {
		return 5
	}
	if lenient.linked {
		return bytewise.Mix(uint64(linkText(string(s)).class), 6)
	}
	if lenient.folded {
		s = appendFolded(nil, s)
	}
	return bytewise.Hash(s)
}

func hashStamp(t stamp.Stamp, lenient leniency) uint64 {
	sum := t.Style.Hash()
	if !lenient.within {
		sum = bytewise.Mix(sum, uint64(t.Sec>>stampBucket))
	}
	return sum
}

func hashNumber(s, field []byte, lenient leniency) uint64 {
	if lenient.tolerance || lenient.free {
		return 7
	}
	if t, ok := stamp.ParseEpoch(s); ok && !lenient.exactTimes && (lenient.within || stamp.IsName(field)) {
		return hashStamp(t, lenient)
	}
	d := decimal.Parse(s)
	if lenient.linked && d.Integer() {
		return 8
	}
	return d.Hash()
}
