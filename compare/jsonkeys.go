package compare

import (
	"slices"

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
// is false when no rule says so.
func (w *walk) arrange() (next want, ok bool) {
	switch how := w.arrangementHere(); {
	case how.by != nil:
		return w.byKey(how), true
	case how.unordered >= 0:
		return w.bag(how.unordered), true
	}
	return wantValue, false
}

// byKey compares two arrays whose elements are paired by the key that a rule
// names. Elements with a key that the other side does not have stand alone.
// Of elements with one key the first is paired with the first. Those without
// a key are paired among themselves, by what they hold.
func (w *walk) byKey(how arrangement) want {
	x, failed := w.listArrays()
	if failed < 0 {
		return w.fail(failed)
	}
	if !w.spend(x.bytes()) {
		return w.pairs(&x, byIndex(len(x.a), len(x.b)))
	}
	ka, kb := keysOf(w.a, x.a, how.by), keysOf(w.b, x.b, how.by)
	pairs, _, _ := matchKeys(ka, kb)
	pairs = append(pairs, w.keyless(&x, ka, kb, how.unordered >= 0)...)
	pairs = complete(pairs, len(x.a), len(x.b))
	if isMoved(pairs) {
		v := verdict{}
		if how.unordered >= 0 {
			v = forgivenBy(how.unordered)
		}
		w.container(KindOrder, &x, v, note{})
	}
	return w.pairs(&x, pairs)
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
func matchKeys(ka, kb []uint64) (pairs []partners, restA, restB []int32) {
	ia, ib := having(ka), having(kb)
	pairs, restA, restB = matchEqual(pick(ka, ia), pick(kb, ib))
	for k, p := range pairs {
		pairs[k] = partners{ia[p.legacy], ib[p.new]}
	}
	return pairs, pick(ia, restA), pick(ib, restB)
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

func pick[T any](from []T, list []int32) []T {
	picked := make([]T, len(list))
	for k, i := range list {
		picked[k] = from[i]
	}
	return picked
}

// keyless pairs the elements without a key among themselves.
func (w *walk) keyless(x *arrays, ka, kb []uint64, unordered bool) []partners {
	ia, ib := without(ka), without(kb)
	if len(ia) == 0 || len(ib) == 0 {
		return nil
	}
	ha, hb := w.hashElements(w.a, pick(x.a, ia), 0, len(ia)), w.hashElements(w.b, pick(x.b, ib), 0, len(ib))
	var pairs []partners
	if unordered {
		var restA, restB []int32
		if pairs, restA, restB = matchEqual(ha, hb); len(restA) == 1 && len(restB) == 1 {
			pairs = append(pairs, partners{restA[0], restB[0]})
		}
	} else {
		pairs = slices.DeleteFunc(align(ha, hb), func(p partners) bool { return p.legacy < 0 || p.new < 0 })
	}
	for k, p := range pairs {
		pairs[k] = partners{ia[p.legacy], ib[p.new]}
	}
	return pairs
}

// complete brings pairs into the order of legacy and adds the elements that
// stand alone, those of new last.
func complete(pairs []partners, lengthA, lengthB int) []partners {
	all := make([]partners, lengthA, max(lengthA, lengthB))
	for i := range all {
		all[i] = partners{int32(i), -1}
	}
	taken := make([]bool, lengthB)
	for _, p := range pairs {
		all[p.legacy] = p
		taken[p.new] = true
	}
	for j, t := range taken {
		if !t {
			all = append(all, partners{-1, int32(j)})
		}
	}
	return all
}

// isMoved reports whether elements that have a partner stand in another order
// on the two sides; pairs are in the order of legacy.
func isMoved(pairs []partners) bool {
	last := int32(-1)
	for _, p := range pairs {
		if p.legacy < 0 || p.new < 0 {
			continue
		}
		if p.new < last {
			return true
		}
		last = p.new
	}
	return false
}
