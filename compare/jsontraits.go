package compare

import (
	"slices"

	"github.com/quackproxy/quack/compare/internal/bytewise"
	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// What an element consists of, for finding out which two are the same one
// although their hashes differ: its traits are its members, or the elements of
// an array in it, each at its index.

// trait is one member or element.
type trait struct {
	sum  uint64 // of name and value, as in hashes
	name uint64 // its hash
	key  uint64 // the value as a key, noKey when it can not be one
}

// traits is those of several elements.
type traits struct {
	list []trait
	ends []int32 // of element k: list[ends[k]:ends[k+1]], sorted by sum
}

func (p *traits) of(k int32) []trait { return p.list[p.ends[k]:p.ends[k+1]] }

// maxTraits bounds how many traits the two sides of a pairing may have each.
const maxTraits = 1 << 20

// traitsOf takes elements of the array on top apart. It is false when there are
// too many.
func (w *walk) traitsOf(text []byte, list []span) (p traits, ok bool) {
	top := len(w.frames) - 1
	w.resolve(top)
	h := w.newHasher(text)
	field := w.fieldName(top - 1)
	p.ends = make([]int32, 1, len(list)+1)
	for k := range list {
		at := h.stride(w.frames[top].rules, stride{from: int32(k), to: -1})
		from := len(p.list)
		if !h.leniencyAt(at).ignored {
			p.list = h.traits(int(list[k].from), at, field, p.list)
		}
		h.tracker.pop(at)
		if len(p.list) > maxTraits {
			return p, false
		}
		slices.SortFunc(p.list[from:], bySum)
		p.ends = append(p.ends, int32(len(p.list)))
	}
	return p, true
}

func bySum(a, b trait) int {
	switch {
	case a.sum < b.sum:
		return -1
	case a.sum > b.sum:
		return 1
	}
	return 0
}

// traits appends those of the element at i.
func (h hasher) traits(i int, at set, field []byte, to []trait) []trait {
	switch h.text[i] {
	case '{':
		return h.memberTraits(i, at, to)
	case '[':
		i = jsontext.Blank(h.text, i+1)
		for n := int32(0); h.text[i] != ']'; n++ {
			v, e := h.element(i, at, n, field)
			to = append(to, trait{sum: bytewise.Mix(v, uint64(n)+13)})
			if i = jsontext.Blank(h.text, e); h.text[i] == ',' {
				i = jsontext.Blank(h.text, i+1)
			}
		}
	}
	return to
}

// memberTraits appends the members of the object at i. Those of which rules
// forgive something are no keys: what a rule with same maps is not one value
// on both sides.
func (h hasher) memberTraits(i int, at set, to []trait) []trait {
	i = jsontext.Blank(h.text, i+1)
	for h.text[i] != '}' {
		nameEnd, escapes := jsontext.ScanString(h.text, i)
		name := h.text[i+1 : nameEnd-1]
		if escapes {
			name = jsontext.AppendUnescaped(nil, name)
		}
		below := h.tracker.member(at, name)
		lenient := h.leniencyAt(below)
		value := jsontext.ScanColon(h.text, nameEnd)
		v, e := h.value(value, below, name)
		h.tracker.pop(below)
		if !lenient.ignored {
			p := trait{name: bytewise.Hash(name)}
			p.sum = bytewise.Mix(p.name, v)
			if !lenient.within && !lenient.tolerance && !lenient.linked {
				p.key = keySum(h.text, value)
			}
			to = append(to, p)
		}
		if i = jsontext.Blank(h.text, e); h.text[i] == ',' {
			i = jsontext.Blank(h.text, i+1)
		}
	}
	return to
}

// common counts the traits that two elements share.
func common(a, b []trait) int {
	n := 0
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].sum < b[0].sum:
			a = a[1:]
		case a[0].sum > b[0].sum:
			b = b[1:]
		default:
			n++
			a, b = a[1:], b[1:]
		}
	}
	return n
}
