package compare

import (
	"slices"

	"github.com/quackproxy/quack/compare/internal/align"
	"github.com/quackproxy/quack/compare/internal/bytewise"
	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// arrangement is what rules say of how the elements of an array are paired.
type arrangement struct {
	by        []segment // their key, nil without one
	unordered int32     // the rule that forgives another order, -1 for none
}

// arrangementHere is that of the array on top.
func (w *walk) arrangementHere() arrangement {
	how := arrangement{unordered: -1}
	applicable, _ := w.rulesAt(len(w.frames) - 2)
	for _, r := range applicable {
		act := &w.rules.actions[r]
		if how.by == nil {
			how.by = act.by
		}
		if act.unordered && how.unordered < 0 {
			how.unordered = r
		}
	}
	return how
}

// arrange compares two arrays as rules say that their elements are paired. It
// is false when no rule says so, and when they are to be compared by position.
func (w *walk) arrange() (next want, ok bool) {
	how := w.arrangementHere()
	if how.by == nil && how.unordered < 0 {
		return wantValue, false
	}
	x, failed := w.listArrays()
	switch {
	case failed == tooMany:
		w.byPosition()
		return wantValue, false
	case failed < 0:
		return w.fail(failed), true
	case how.by != nil:
		return w.byKey(&x, how), true
	}
	return w.bag(&x, how.unordered), true
}

// byKey compares two arrays whose elements are paired by the key that a rule
// names. Elements with a key that the other side does not have stand alone.
// Of elements with one key the first is paired with the first. Those without
// a key are paired among themselves, by what they hold.
func (w *walk) byKey(x *arrays, how arrangement) want {
	if !w.spend(x.bytes()) {
		return w.pairs(x, align.ByIndex(len(x.a), len(x.b)))
	}
	ka, kb := keysOf(w.a, x.a, how.by), keysOf(w.b, x.b, how.by)
	pairs, _, _ := matchKeys(ka, kb)
	pairs = append(pairs, w.keyless(x, ka, kb, how.unordered >= 0)...)
	pairs = align.Complete(pairs, len(x.a), len(x.b))
	if align.IsMoved(pairs) {
		v := verdict{}
		if how.unordered >= 0 {
			v = forgivenBy(how.unordered)
		}
		w.container(KindOrder, x, v, note{})
	}
	return w.pairs(x, pairs)
}

// noKey stands for the key of an element that has none.
const noKey = 0

// keysOf are the keys of elements, as keySum has them.
func keysOf(text []byte, list []span, by []segment) []uint64 {
	keys := make([]uint64, len(list))
	for k, e := range list {
		i := int(e.from)
		for _, s := range by {
			if i = memberValue(text, i, s.name); i < 0 {
				break
			}
		}
		if i >= 0 {
			keys[k] = keySum(text, i)
		}
	}
	return keys
}

// memberValue is where the value of the first member with a name begins, below
// zero when the value at i has none. The text is known to be valid.
func memberValue(text []byte, i int, name string) int {
	if text[i] != '{' {
		return -1
	}
	i = jsontext.Blank(text, i+1)
	for text[i] != '}' {
		end, escapes := jsontext.ScanString(text, i)
		raw := text[i+1 : end-1]
		value := jsontext.ScanColon(text, end)
		if string(raw) == name || escapes && jsontext.Unescaped(raw) == name {
			return value
		}
		if i = jsontext.Blank(text, jsontext.ScanValue(text, value, 0)); text[i] == ',' {
			i = jsontext.Blank(text, i+1)
		}
	}
	return -1
}

// keySum stands for a scalar as a key, exactly: what is forgiven elsewhere
// makes two keys here. Only an integer and a string of its digits are one key,
// so that an id that changes its type is reported as that. It is noKey for
// null, true, false and containers.
func keySum(text []byte, i int) uint64 {
	switch text[i] {
	case '{', '[', 't', 'f', 'n':
		return noKey
	case '"':
		end, escapes := jsontext.ScanString(text, i)
		s := text[i+1 : end-1]
		if escapes {
			s = jsontext.AppendUnescaped(nil, s)
		}
		if !isInteger(s) {
			return bytewise.Hash(s) | 1
		}
		return hashNumber(s, nil, leniency{}) | 1
	}
	return hashNumber(text[i:jsontext.ScanNumber(text, i)], nil, leniency{}) | 1
}

func isInteger(s []byte) bool {
	from := 0
	if len(s) > 0 && s[0] == '-' {
		from = 1
	}
	return len(s) > from && bytewise.Digits(s, from) == len(s) && jsontext.ScanNumber(s, 0) == len(s)
}

// matchKeys pairs elements of one key, the first with the first, and lists
// those whose key has no partner; those without a key are in neither.
func matchKeys(ka, kb []uint64) (pairs []align.Pair, restA, restB []int32) {
	ia, ib := having(ka), having(kb)
	pairs, restA, restB = align.Equal(align.Pick(ka, ia), align.Pick(kb, ib))
	for k, p := range pairs {
		pairs[k] = align.Pair{Legacy: ia[p.Legacy], New: ib[p.New]}
	}
	return pairs, align.Pick(ia, restA), align.Pick(ib, restB)
}

// having lists the elements that have a key.
func having(keys []uint64) []int32 {
	var list []int32
	for i, k := range keys {
		if k != noKey {
			list = append(list, int32(i))
		}
	}
	return list
}

// without lists the others.
func without(keys []uint64) []int32 {
	var list []int32
	for i, k := range keys {
		if k == noKey {
			list = append(list, int32(i))
		}
	}
	return list
}

// keyless pairs the elements without a key among themselves.
func (w *walk) keyless(x *arrays, ka, kb []uint64, unordered bool) []align.Pair {
	ia, ib := without(ka), without(kb)
	if len(ia) == 0 || len(ib) == 0 {
		return nil
	}
	ha, hb := w.hashElements(w.a, align.Pick(x.a, ia), 0, len(ia)), w.hashElements(w.b, align.Pick(x.b, ib), 0, len(ib))
	var pairs []align.Pair
	if unordered {
		var restA, restB []int32
		if pairs, restA, restB = align.Equal(ha, hb); len(restA) == 1 && len(restB) == 1 {
			pairs = append(pairs, align.Pair{Legacy: restA[0], New: restB[0]})
		}
	} else {
		pairs = slices.DeleteFunc(align.Edits(ha, hb), func(p align.Pair) bool { return p.Legacy < 0 || p.New < 0 })
	}
	for k, p := range pairs {
		pairs[k] = align.Pair{Legacy: ia[p.Legacy], New: ib[p.New]}
	}
	return pairs
}
