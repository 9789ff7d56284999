package compare

import (
	"bytes"

	"github.com/quackproxy/quack/compare/internal/align"
	"github.com/quackproxy/quack/compare/internal/bytewise"
)

// loosen replaces hashes of elements that have no partner of equal hash by
// hashes that leave ids out which look made up. It reports whether it did.
//
// Elements with stored ids, which are equal on both sides, have their partner
// by then, and are not mistaken for each other.
func (w *walk) loosen(ha, hb []uint64, x *arrays, front int) bool {
	if w.ids == nil {
		return false
	}
	restA, restB := align.Unmatched(ha, hb)
	if len(restA) == 0 || len(restB) == 0 {
		return false
	}
	w.loose = true
	w.rehash(w.a, x.a[front:], ha, restA, front)
	w.rehash(w.b, x.b[front:], hb, restB, front)
	w.loose = false
	return true
}

// rehash replaces the hashes of some elements; the first of the list has the index front.
func (w *walk) rehash(text []byte, list []span, hashes []uint64, some []int32, front int) {
	top := len(w.frames) - 1
	h, field := w.newHasher(text), w.fieldName(top-1)
	for _, i := range some {
		if !mayHoldID(text[list[i].from:list[i].to]) {
			continue
		}
		hashes[i], _ = h.element(int(list[i].from), w.frames[top].rules, i+int32(front), field)
	}
}

// mayHoldID reports whether a JSON text has as many letters and digits next to
// each other as the shortest of ids, or escapes.
func mayHoldID(s []byte) bool {
	run := 0
	for _, c := range s {
		switch {
		case isTokenByte[c]:
			if run++; run == minRequestID {
				return true
			}
		case c == '\\':
			return true
		default:
			run = 0
		}
	}
	return false
}

// hashIDs hashes a text without the ids in it that look made up; false when it
// has none.
func hashIDs(s, field []byte) (uint64, bool) {
	switch {
	case len(s) < minRequestID:
		return 0, false
	case len(s) == objectIDLength && isIDName(field), len(s) <= maxRequestID && isRequestIDName(field):
		return bytewise.Mix(uint64(len(s)), 13), true
	}
	masked, some := bytes.Clone(s), false
	for i := 0; i < len(s); {
		length := idAt(s, i)
		for k := range length {
			masked[i+k] = 0
		}
		some = some || length > 0
		i += max(length, 1)
	}
	return bytewise.Mix(bytewise.Hash(masked), 14), some
}

// idAt is the length of the UUID or ULID that begins at i, 0 for none.
func idAt(s []byte, i int) int {
	if i > 0 && isWordByte[s[i-1]] {
		return 0
	}
	for _, length := range [...]int{uuidLength, ulidLength} {
		end := i + length
		if end <= len(s) && (end == len(s) || !isWordByte[s[end]]) && (length == ulidLength && isULID(s[i:end]) || length == uuidLength && IsUUID(s[i:end])) {
			return length
		}
	}
	return 0
}
