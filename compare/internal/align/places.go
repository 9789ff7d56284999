package align

import (
	"hash/maphash"
	"math/bits"

	"github.com/quackproxy/quack/compare/internal/bytewise"
)

// places finds elements by their hash, the first in front. It is a table of its
// own because a map of lists would take several times the memory, of elements
// that may be no more than two bytes each. Where a hash stands in it is another
// place each time, so that nobody can choose values that crowd together.
type places struct {
	hashes []uint64
	cells  []int32 // any element of the hash, below zero for none
	first  []int32 // by the element in the cell: the first that has not been taken, below zero for none
	next   []int32 // by element: the next of its hash, below zero for none
	shift  int
	salt   uint64
}

func newPlaces(hashes []uint64) *places {
	size := bits.Len(uint(max(1, 2*len(hashes)-1))) // of the table: at most half full
	lists := make([]int32, 2*len(hashes))
	p := &places{
		hashes: hashes, cells: make([]int32, 1<<size), first: lists[:len(hashes)], next: lists[len(hashes):],
		shift: 64 - size, salt: maphash.Bytes(maphash.MakeSeed(), nil),
	}
	for c := range p.cells {
		p.cells[c] = -1
	}
	for i := len(hashes) - 1; i >= 0; i-- {
		c := p.cell(hashes[i])
		if p.cells[c] < 0 {
			p.cells[c] = int32(i)
			p.first[i] = -1
		}
		first := &p.first[p.cells[c]]
		p.next[i], *first = *first, int32(i)
	}
	return p
}

// cell is where a hash stands, or would.
func (p *places) cell(hash uint64) int {
	c := int(bytewise.Mix(hash, p.salt) >> p.shift)
	for p.cells[c] >= 0 && p.hashes[p.cells[c]] != hash {
		c = (c + 1) & (len(p.cells) - 1)
	}
	return c
}

// has reports whether there is an element of the hash, taken or not.
func (p *places) has(hash uint64) bool { return p.cells[p.cell(hash)] >= 0 }

// take gives the first element of the hash that has not been taken, below zero
// when there is none.
func (p *places) take(hash uint64) int32 {
	e := p.cells[p.cell(hash)]
	if e < 0 {
		return -1
	}
	i := p.first[e]
	if i >= 0 {
		p.first[e] = p.next[i]
	}
	return i
}
