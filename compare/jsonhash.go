package compare

import (
	"encoding/binary"
	"math/bits"
	"slices"
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
		return 0, scanValue(h.text, i, 0)
	}
	h.outer = h.below(at)
	if lenient.empty {
		if end := scanValue(h.text, i, 0); jsonScalar(h.text[i:end]).empty() {
			return 0, end
		}
	}
	switch c := h.text[i]; c {
	case '{':
		return h.object(i, at)
	case '[':
		return h.array(i, at, lenient.unordered, field)
	case 't', 'f', 'n':
		if lenient.free {
			c = typeOf(c)
		}
		return mix(uint64(c), 1), scanValue(h.text, i, 0)
	case '"':
		end, escapes := scanString(h.text, i)
		s := h.text[i+1 : end-1]
		if escapes {
			s = appendUnescaped(nil, s)
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
	end = scanNumber(h.text, i)
	return hashNumber(h.text[i:end], field, lenient), end
}

// object adds up its members, in any order.
func (h hasher) object(i int, at set) (sum uint64, end int) {
	sum = '{'
	var aliases []alias
	if h.rules != nil && h.rules.renaming {
		aliases = h.tracker.aliases(at)
	}
	i = blank(h.text, i+1)
	for h.text[i] != '}' {
		nameEnd, escapes := scanString(h.text, i)
		raw := h.text[i+1 : nameEnd-1]
		name := raw
		if escapes {
			name = appendUnescaped(nil, raw)
		}
		for k := range aliases {
			if string(name) == aliases[k].new {
				name = []byte(aliases[k].legacy)
			}
		}
		below := h.tracker.member(at, name)
		from := scanColon(h.text, nameEnd)
		leftOut := h.leavesOut(below, name, from)
		v, e := h.value(from, below, name)
		h.tracker.pop(below)
		if !leftOut {
			sum += mix(hashBytes(name), v)
		}
		if i = blank(h.text, e); h.text[i] == ',' {
			i = blank(h.text, i+1)
		}
	}
	return mix(sum, 2), i + 1
}

// array chains its elements, or adds them up when their order does not matter.
func (h hasher) array(i int, at set, unordered bool, field []byte) (sum uint64, end int) {
	sum = '['
	i = blank(h.text, i+1)
	for n := int32(0); h.text[i] != ']'; n++ {
		v, e := h.element(i, at, n, field)
		if unordered {
			sum += mix(v, 3)
		} else {
			sum = mix(sum, v)
		}
		if i = blank(h.text, e); h.text[i] == ',' {
			i = blank(h.text, i+1)
		}
	}
	return mix(sum, 4), i + 1
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
		if t, ok := parseEpoch(s); ok && (lenient.within || isTimeName(field)) {
			return mix(hashStamp(t, lenient), 13)
		}
	}
	if lenient.tolerance && len(s) > 0 && scanNumber(s, 0) == len(s) {
		return 5
	}
	if lenient.linked {
		return mix(uint64(linkText(string(s)).class), 6)
	}
	if lenient.folded {
		s = appendFolded(nil, s)
	}
	return hashBytes(s)
}

func hashStamp(t stamp, lenient leniency) uint64 {
	sum := mix(uint64(t.style.family)<<32|uint64(t.style.zone)<<16|uint64(uint16(t.style.offset)), uint64(t.style.variant))
	if !lenient.within {
		sum = mix(sum, uint64(t.sec>>stampBucket))
	}
	return sum
}

func hashNumber(s, field []byte, lenient leniency) uint64 {
	if lenient.tolerance || lenient.free {
		return 7
	}
	if t, ok := parseEpoch(s); ok && !lenient.exactTimes && (lenient.within || isTimeName(field)) {
		return hashStamp(t, lenient)
	}
	d := parseDecimal(s)
	if lenient.linked && d.integer() {
		return 8
	}
	sum := mix(uint64(d.point), 9)
	if d.negative {
		sum = mix(sum, 10)
	}
	for k := range d.digits() {
		sum = mix(sum, uint64(d.digit(k)))
	}
	return sum
}

// hashBytes is quick and the same on every run. It need not withstand those
// who look for collisions: what is paired is compared.
func hashBytes(s []byte) uint64 {
	sum := mix(uint64(len(s)), 11)
	for ; len(s) >= 8; s = s[8:] {
		sum = mix(sum, binary.LittleEndian.Uint64(s))
	}
	var tail uint64
	for _, c := range slices.Backward(s) {
		tail = tail<<8 | uint64(c)
	}
	return mix(sum, tail)
}

// mix folds the product of two words, as wyhash does.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	return high ^ low
}
