package align

import (
	"cmp"
	"slices"
)

// Reorder pairs each element with one of equal hash. It fails when the two are
// not the same elements in another order.
func Reorder(ha, hb []uint64) ([]Pair, bool) {
	if len(ha) != len(hb) || sum(ha) != sum(hb) || slices.Equal(ha, hb) {
		return nil, false
	}
	pairs, restA, _ := Equal(ha, hb)
	return pairs, len(restA) == 0
}

// sum is the same for the same hashes in any order.
func sum(hashes []uint64) (sum uint64) {
	for _, h := range hashes {
		sum += h
	}
	return sum
}

// Equal pairs elements of equal hash, the first with the first, in the
// order of legacy, and lists the indexes that remain on both sides.
func Equal(ha, hb []uint64) (pairs []Pair, restA, restB []int32) {
	free := newPlaces(hb)
	taken := make([]bool, len(hb))
	pairs = make([]Pair, 0, min(len(ha), len(hb)))
	for i, h := range ha {
		j := free.take(h)
		if j < 0 {
			restA = append(restA, int32(i))
			continue
		}
		pairs = append(pairs, Pair{int32(i), j})
		taken[j] = true
	}
	for j := range hb {
		if !taken[j] {
			restB = append(restB, int32(j))
		}
	}
	return pairs, restA, restB
}

// IsByIndex reports whether pairing is by index, surplus elements last.
func IsByIndex(pairs []Pair) bool {
	for k, p := range pairs {
		if p.Index() != int32(k) || p.Legacy >= 0 && p.New >= 0 && p.Legacy != p.New {
			return false
		}
	}
	return true
}

// Unclear reports whether other pairs than these, of the fewest edits, may say
// better what happened. They may not when nothing was changed and only one
// side has elements to itself, nor when one element was changed and that is all.
func Unclear(pairs []Pair, ha, hb []uint64) bool {
	changed, aloneA, aloneB := 0, 0, 0
	for _, p := range pairs {
		switch {
		case p.New < 0:
			aloneA++
		case p.Legacy < 0:
			aloneB++
		case ha[p.Legacy] != hb[p.New]:
			changed++
		}
	}
	if changed == 0 {
		return aloneA > 0 && aloneB > 0
	}
	return changed > 1 || aloneA+aloneB > 0
}

// Complete brings pairs into the order of legacy and adds the elements that
// stand alone, those of new last.
func Complete(pairs []Pair, lengthA, lengthB int) []Pair {
	all := make([]Pair, lengthA, max(lengthA, lengthB))
	for i := range all {
		all[i] = Pair{int32(i), -1}
	}
	taken := make([]bool, lengthB)
	for _, p := range pairs {
		all[p.Legacy] = p
		taken[p.New] = true
	}
	for j, t := range taken {
		if !t {
			all = append(all, Pair{-1, int32(j)})
		}
	}
	return all
}

// IsMoved reports whether elements that have a partner stand in another order
// on the two sides; pairs are in the order of legacy.
func IsMoved(pairs []Pair) bool {
	last := int32(-1)
	for _, p := range pairs {
		if p.Legacy < 0 || p.New < 0 {
			continue
		}
		if p.New < last {
			return true
		}
		last = p.New
	}
	return false
}

func Pick[T any](from []T, list []int32) []T {
	picked := make([]T, len(list))
	for k, i := range list {
		picked[k] = from[i]
	}
	return picked
}

// Unmatched are the indexes of hashes that the other side has less often: of
// those of one hash the last ones.
func Unmatched(ha, hb []uint64) (restA, restB []int32) {
	_, restA, restB = Equal(ha, hb)
	return restA, restB
}

// Repeat reports whether a hash stands there more than once.
func Repeat(hashes []uint64) bool {
	p := newPlaces(hashes)
	return slices.ContainsFunc(p.next, func(i int32) bool { return i >= 0 })
}

// ByIndex pairs by index; what is left over comes last.
func ByIndex(l, n int) []Pair {
	pairs := make([]Pair, max(l, n))
	for i := range pairs {
		pairs[i] = Pair{int32(i), int32(i)}
		if i >= l {
			pairs[i].Legacy = -1
		}
		if i >= n {
			pairs[i].New = -1
		}
	}
	return pairs
}

// Trim is how many elements two sequences have in common at their beginnings
// and, behind that, at their ends.
func Trim(l, n int, equal func(i, j int) bool) (front, back int) {
	for front < min(l, n) && equal(front, front) {
		front++
	}
	for back < min(l, n)-front && equal(l-1-back, n-1-back) {
		back++
	}
	return front, back
}

// Embed puts what trim has taken off back around the pairs of the l and n
// elements between.
func Embed(front, back, l, n int, middle []Pair) []Pair {
	pairs := make([]Pair, 0, front+len(middle)+back)
	for k := range front {
		pairs = append(pairs, Pair{int32(k), int32(k)})
	}
	for _, p := range middle {
		if p.Legacy >= 0 {
			p.Legacy += int32(front)
		}
		if p.New >= 0 {
			p.New += int32(front)
		}
		pairs = append(pairs, p)
	}
	for k := range back {
		pairs = append(pairs, Pair{int32(front + l + k), int32(front + n + k)})
	}
	return pairs
}

// Sort brings pairs into the order of legacy; what only new has comes last.
func Sort(pairs []Pair) {
	slices.SortFunc(pairs, func(p, q Pair) int {
		return cmp.Or(cmp.Compare(uint32(p.Legacy), uint32(q.Legacy)), cmp.Compare(p.New, q.New))
	})
}
