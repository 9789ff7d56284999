package compare

import "slices"

// partners is a pair of elements that stand for each other; the index is -1
// where one side has none.
type partners struct{ legacy, new int32 }

// index is the element's in legacy's sequence, or in new's when only new has it.
func (p partners) index() int32 {
	if p.legacy < 0 {
		return p.new
	}
	return p.legacy
}

// maxCells bounds the table that aligning may fill: two sequences of 1,400
// that differ all over, or of 10,000 that differ in up to some 200 places.
const maxCells = 4 << 20

// align pairs two sequences of hashes with the fewest edits, an edit being an
// element that one side alone has or one that has another value
// (Levenshtein's distance, found in a band that widens as needed, after
// Ukkonen, "Algorithms for approximate string matching", 1985). Sequences for
// which that takes too long are paired by index. Swapping the sequences swaps
// the pairs and changes nothing else.
func align(legacy, new []uint64) []partners {
	cells := maxCells
	return alignWithin(legacy, new, &cells)
}

// alignWithin is align with a bound of its own, from which it takes what it uses.
func alignWithin(legacy, new []uint64, cells *int) []partners {
	front, back := trim(len(legacy), len(new), func(i, j int) bool { return legacy[i] == new[j] })
	l, n := legacy[front:len(legacy)-back], new[front:len(new)-back]
	return embed(front, back, len(l), len(n), alignMiddle(l, n, cells))
}

// trim is how many elements two sequences have in common at their beginnings
// and, behind that, at their ends.
func trim(l, n int, equal func(i, j int) bool) (front, back int) {
	for front < min(l, n) && equal(front, front) {
		front++
	}
	for back < min(l, n)-front && equal(l-1-back, n-1-back) {
		back++
	}
	return front, back
}

// embed puts what trim has taken off back around the pairs of the l and n
// elements between.
func embed(front, back, l, n int, middle []partners) []partners {
	pairs := make([]partners, 0, front+len(middle)+back)
	for k := range front {
		pairs = append(pairs, partners{int32(k), int32(k)})
	}
	for _, p := range middle {
		if p.legacy >= 0 {
			p.legacy += int32(front)
		}
		if p.new >= 0 {
			p.new += int32(front)
		}
		pairs = append(pairs, p)
	}
	for k := range back {
		pairs = append(pairs, partners{int32(front + l + k), int32(front + n + k)})
	}
	return pairs
}

// alignMiddle aligns what begins and ends differently.
func alignMiddle(l, n []uint64, cells *int) []partners {
	if len(l) == 0 || len(n) == 0 || !share(l, n) || len(l) == len(n) && unequal(l, n) <= 2 {
		// With nothing in common pairing by index has the fewest edits, and
		// also with two elements that differ: any other way has two or more.
		return byIndex(len(l), len(n))
	}
	longer := max(len(l), len(n))
	gap := longer - min(len(l), len(n))
	for band := gap + 8; ; band *= 4 {
		band = min(band, longer)
		if (2*band+1)*(longer+1) > min(*cells, maxCells) {
			return byIndex(len(l), len(n))
		}
		*cells -= (2*band + 1) * (longer + 1)
		t := newTable(l, n, band)
		if cost := t.fill(); int(cost) <= band || band == longer {
			return t.trace()
		}
	}
}

// byIndex pairs by index; what is left over comes last.
func byIndex(l, n int) []partners {
	pairs := make([]partners, max(l, n))
	for i := range pairs {
		pairs[i] = partners{int32(i), int32(i)}
		if i >= l {
			pairs[i].legacy = -1
		}
		if i >= n {
			pairs[i].new = -1
		}
	}
	return pairs
}

// share reports whether the sequences have an element in common.
func share(l, n []uint64) bool {
	known := make(map[uint64]struct{}, len(l))
	for _, h := range l {
		known[h] = struct{}{}
	}
	return slices.ContainsFunc(n, func(h uint64) bool { _, ok := known[h]; return ok })
}

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

// move is how a cell of the table was reached.
type move uint8

const (
	both move = iota // from the diagonal
	onlyLegacy
	onlyNew
)

// table is the band of the edit table around its diagonal: row i, column j
// with |j-i| ≤ band.
type table struct {
	l, n   []uint64
	band   int
	width  int
	edit   int32                // the cost of an element that one side alone has
	change func(i, j int) int32 // the cost of a pair of unequal elements; nil: that of an edit
	moves  []move
}

func newTable(l, n []uint64, band int) *table {
	width := 2*band + 1
	return &table{l: l, n: n, band: band, width: width, edit: 1, moves: make([]move, (len(l)+1)*width)}
}

// fill computes the moves and gives their cost. With each edit at 1 that is
// the number of edits, which is the least when it is no more than the band.
func (t *table) fill() int32 {
	const far = int32(1) << 30
	row, last := make([]int32, t.width), make([]int32, t.width)
	for i := 0; i <= len(t.l); i++ {
		for k := range row {
			j := i + k - t.band
			if j < 0 || j > len(t.n) {
				row[k] = far
				continue
			}
			cost, m := far, both
			if i > 0 && j > 0 {
				cost = last[k]
				switch {
				case t.l[i-1] == t.n[j-1]:
				case t.change != nil:
					cost += t.change(i-1, j-1)
				default:
					cost += t.edit
				}
			}
			if i > 0 && k+1 < t.width && last[k+1]+t.edit < cost {
				cost, m = last[k+1]+t.edit, onlyLegacy
			}
			if j > 0 && k > 0 {
				c := row[k-1] + t.edit
				if c < cost || c == cost && m == onlyLegacy && t.n[j-1] < t.l[i-1] {
					cost, m = c, onlyNew
				}
			}
			if i == 0 && j == 0 {
				cost = 0
			}
			row[k], t.moves[i*t.width+k] = cost, m
		}
		row, last = last, row
	}
	return last[len(t.n)-len(t.l)+t.band]
}

// trace reads the pairs from the end of the table to its beginning.
func (t *table) trace() []partners {
	var pairs []partners
	for i, j := len(t.l), len(t.n); i > 0 || j > 0; {
		switch t.moves[i*t.width+j-i+t.band] {
		case both:
			i, j = i-1, j-1
			pairs = append(pairs, partners{int32(i), int32(j)})
		case onlyLegacy:
			i--
			pairs = append(pairs, partners{int32(i), -1})
		case onlyNew:
			j--
			pairs = append(pairs, partners{-1, int32(j)})
		}
	}
	slices.Reverse(pairs)
	return pairs
}
