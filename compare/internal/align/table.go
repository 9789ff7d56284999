package align

import "slices"

// move is how a cell of the table was reached.
type move uint8

const (
	both move = iota // from the diagonal
	onlyLegacy
	onlyNew
)

// Table is the band of the edit table around its diagonal: row i, column j
// with |j-i| ≤ band.
type Table struct {
	l, n   []uint64
	band   int
	Width  int
	Edit   int32                // the cost of an element that one side alone has
	Change func(i, j int) int32 // the cost of a pair of unequal elements; nil: that of an edit
	moves  []move
}

func NewTable(l, n []uint64, band int) *Table {
	width := 2*band + 1
	return &Table{l: l, n: n, band: band, Width: width, Edit: 1, moves: make([]move, (len(l)+1)*width)}
}

// Fill computes the moves and gives their cost. With each edit at 1 that is
// the number of edits, which is the least when it is no more than the band.
func (t *Table) Fill() int32 {
	const far = int32(1) << 30
	row, last := make([]int32, t.Width), make([]int32, t.Width)
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
				case t.Change != nil:
					cost += t.Change(i-1, j-1)
				default:
					cost += t.Edit
				}
			}
			if i > 0 && k+1 < t.Width && last[k+1]+t.Edit < cost {
				cost, m = last[k+1]+t.Edit, onlyLegacy
			}
			if j > 0 && k > 0 {
				c := row[k-1] + t.Edit
				if c < cost || c == cost && m == onlyLegacy && t.n[j-1] < t.l[i-1] {
					cost, m = c, onlyNew
				}
			}
			if i == 0 && j == 0 {
				cost = 0
			}
			row[k], t.moves[i*t.Width+k] = cost, m
		}
		row, last = last, row
	}
	return last[len(t.n)-len(t.l)+t.band]
}

// Trace reads the pairs from the end of the table to its beginning.
func (t *Table) Trace() []Pair {
	var pairs []Pair
	for i, j := len(t.l), len(t.n); i > 0 || j > 0; {
		switch t.moves[i*t.Width+j-i+t.band] {
		case both:
			i, j = i-1, j-1
			pairs = append(pairs, Pair{int32(i), int32(j)})
		case onlyLegacy:
			i--
			pairs = append(pairs, Pair{int32(i), -1})
		case onlyNew:
			j--
			pairs = append(pairs, Pair{-1, int32(j)})
		}
	}
	slices.Reverse(pairs)
	return pairs
}
