// Package align pairs two sequences of elements by their hashes: with the fewest
// edits ([Edits]), whatever order they stand in ([Equal], [Reorder]), or by index
// ([ByIndex]). What an edit costs can be told by a [Table] of its own.
package align

import "slices"

// Pair is a pair of elements that stand for each other; the index is -1
// where one side has none.
type Pair struct{ Legacy, New int32 }

// Index is the element's in legacy's sequence, or in new's when only new has it.
func (p Pair) Index() int32 {
	if p.Legacy < 0 {
		return p.New
	}
	return p.Legacy
}

// MaxCells bounds the table that aligning may fill: two sequences of 1,400
// that differ all over, or of 10,000 that differ in up to some 200 places.
const MaxCells = 4 << 20

// Edits pairs two sequences of hashes with the fewest edits, an edit being an
// element that one side alone has or one that has another value
// (Levenshtein's distance, found in a band that widens as needed, after
// Ukkonen, "Algorithms for approximate string matching", 1985). Sequences for
// which that takes too long are paired by index. Swapping the sequences swaps
// the pairs and changes nothing else.
func Edits(legacy, new []uint64) []Pair {
	cells := MaxCells
	return EditsWithin(legacy, new, &cells)
}

// EditsWithin is align with a bound of its own, from which it takes what it uses.
func EditsWithin(legacy, new []uint64, cells *int) []Pair {
	front, back := Trim(len(legacy), len(new), func(i, j int) bool { return legacy[i] == new[j] })
	l, n := legacy[front:len(legacy)-back], new[front:len(new)-back]
	return Embed(front, back, len(l), len(n), alignMiddle(l, n, cells))
}

// alignMiddle aligns what begins and ends differently.
func alignMiddle(l, n []uint64, cells *int) []Pair {
	if len(l) == 0 || len(n) == 0 || !share(l, n) || len(l) == len(n) && unequal(l, n) <= 2 {
		// With nothing in common pairing by index has the fewest edits, and
		// also with two elements that differ: any other way has two or more.
		return ByIndex(len(l), len(n))
	}
	longer := max(len(l), len(n))
	gap := longer - min(len(l), len(n))
	for band := gap + 8; ; band *= 4 {
		band = min(band, longer)
		if (2*band+1)*(longer+1) > min(*cells, MaxCells) {
			return ByIndex(len(l), len(n))
		}
		*cells -= (2*band + 1) * (longer + 1)
		t := NewTable(l, n, band)
		if cost := t.Fill(); int(cost) <= band || band == longer {
			return t.Trace()
		}
	}
}

// share reports whether the sequences have an element in common.
func share(l, n []uint64) bool { return slices.ContainsFunc(n, newPlaces(l).has) }

// unequal counts the indexes at which two sequences of one length differ.
func unequal(l, n []uint64) int {
	count := 0
	for i := range l {
		if l[i] != n[i] {
			count++
		}
	}
	return count
}
