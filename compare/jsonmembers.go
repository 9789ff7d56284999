package compare

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"slices"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// memberIndex finds the members of an object by name. Short lists are searched
// one by one; for others it makes a table when it is first asked, of numbers
// alone, since an object may have a million members of five bytes.
type memberIndex struct {
	text []byte
	list []member

	seed  maphash.Seed
	shift int
	cells []int32 // by the hash of a name: some member of that name, below zero for none
	first []int32 // by the member in the cell: the first of its name that find may still give
	next  []int32 // by member: the next of its name
	name  []byte  // scratch: without escapes
}

// shortList is how many members are searched one by one.
const shortList = 16

// build makes the table.
func (x *memberIndex) build() {
	n := len(x.list)
	size := bits.Len(uint(2*n - 1)) // of the table: at most half full
	x.seed, x.shift, x.cells = maphash.MakeSeed(), 64-size, make([]int32, 1<<size)
	for c := range x.cells {
		x.cells[c] = -1
	}
	x.first, x.next = make([]int32, n), make([]int32, n)
	for k := n - 1; k >= 0; k-- {
		c := x.cell(x.text, &x.list[k])
		if *c < 0 {
			*c, x.first[k] = int32(k), -1
		}
		first := &x.first[*c]
		x.next[k], *first = *first, int32(k)
	}
}

// cell is that of the name of a member in text.
func (x *memberIndex) cell(text []byte, m *member) *int32 {
	name := text[m.name.from:m.name.to]
	if m.escapes {
		x.name = jsontext.AppendUnescaped(x.name[:0], name)
		name = x.name
	}
	c := int(maphash.Bytes(x.seed, name) >> x.shift)
	for x.cells[c] >= 0 && !x.sameName(&x.list[x.cells[c]], text, m) {
		c = (c + 1) & (len(x.cells) - 1)
	}
	return &x.cells[c]
}

// lookup is some member that has the name of m in text, below zero when there
// is none, in a list that is not short.
func (x *memberIndex) lookup(text []byte, m *member) int32 {
	if x.cells == nil {
		x.build()
	}
	return *x.cell(text, m)
}

func (x *memberIndex) short() bool { return len(x.list) <= shortList }

// find is the first member, from the index done on and not yet paired, that
// has the name of m in text. One that can not be found is not looked at again,
// so that a name which stands very often takes no longer than as many names.
func (x *memberIndex) find(text []byte, m *member, done int32) int32 {
	if !x.short() {
		some := x.lookup(text, m)
		if some < 0 {
			return -1
		}
		k := x.first[some]
		for k >= 0 && (k < done || x.list[k].paired) {
			k = x.next[k]
		}
		x.first[some] = k
		return k
	}
	for k := done; k < int32(len(x.list)); k++ {
		if o := &x.list[k]; !o.paired && x.sameName(o, text, m) {
			return k
		}
	}
	return -1
}

// kindOf is the kind of a member m in text that has no partner here: alone, or
// body when there is one of its name that has another partner.
func (x *memberIndex) kindOf(text []byte, m *member, alone Kind) Kind {
	if x.has(text, m) {
		return KindBody
	}
	return alone
}

// has reports whether any member, paired or not, has the name of m in text.
func (x *memberIndex) has(text []byte, m *member) bool {
	if !x.short() {
		return x.lookup(text, m) >= 0
	}
	return slices.ContainsFunc(x.list, func(o member) bool { return x.sameName(&o, text, m) })
}

// named is the first member of a name, below zero when there is none.
func (x *memberIndex) named(name string) int32 {
	quoted := jsontext.Quote([]byte(name))
	m := &member{name: span{1, int32(len(quoted) - 1)}, escapes: true}
	if !x.short() {
		if some := x.lookup(quoted, m); some >= 0 {
			return x.first[some]
		}
		return -1
	}
	return int32(slices.IndexFunc(x.list, func(o member) bool { return x.sameName(&o, quoted, m) }))
}

func (x *memberIndex) sameName(o *member, text []byte, m *member) bool {
	a, b := x.text[o.name.from:o.name.to], text[m.name.from:m.name.to]
	if o.escapes || m.escapes {
		return jsontext.EqualStrings(a, b)
	}
	return bytes.Equal(a, b)
}

func memberName(text []byte, m *member) string {
	if raw := text[m.name.from:m.name.to]; m.escapes {
		return jsontext.Unescaped(raw)
	}
	return string(text[m.name.from:m.name.to])
}
