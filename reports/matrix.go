package reports

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// Matrix is how often legacy and new answered with which statuses, to be drawn
// as a row for each of legacy's and a column for each of new's.
type Matrix struct {
	Legacy, New []int        // the statuses that have a row, or a column, in their order
	Pairs       []StatusPair // that have a place
	Other       int64        // compared requests of pairs that have none
	most        int64        // of one pair
}

// MatrixOf places pairs of statuses. Of each side the most frequent are told
// apart, at most so many.
func MatrixOf(pairs []StatusPair, most int) Matrix {
	m := Matrix{
		Legacy: frequentStatuses(pairs, most, func(p StatusPair) int { return p.Legacy }),
		New:    frequentStatuses(pairs, most, func(p StatusPair) int { return p.New }),
	}
	for _, p := range pairs {
		if p.beyond() || !slices.Contains(m.Legacy, p.Legacy) || !slices.Contains(m.New, p.New) {
			m.Other += p.Count
			continue
		}
		m.Pairs = append(m.Pairs, p)
		m.most = max(m.most, p.Count)
	}
	return m
}

// Strength is how strongly a pair is to be drawn, from 1 to 4, by powers of ten:
// one in a thousand shows too.
func (m Matrix) Strength(p StatusPair) int {
	return max(4-int(math.Log10(float64(m.most)/float64(max(p.Count, 1)))), 1)
}

// beyond reports whether the pair stands for those that found no room.
func (p StatusPair) beyond() bool { return p.Legacy == 0 && p.New == 0 }

// frequentStatuses are the statuses that one side answered with most, in their
// order.
func frequentStatuses(pairs []StatusPair, most int, of func(StatusPair) int) []int {
	counts := map[int]int64{}
	var list []int
	for _, p := range pairs {
		if p.beyond() {
			continue
		}
		if counts[of(p)] == 0 {
			list = append(list, of(p))
		}
		counts[of(p)] += p.Count
	}
	slices.SortFunc(list, func(a, b int) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	list = list[:min(len(list), most)]
	slices.Sort(list)
	return list
}

// StatusNumber is a status as it is shown: "none" for 0, an answer that never
// came.
func StatusNumber(status int) string {
	if status == 0 {
		return "none"
	}
	return strconv.Itoa(status)
}
