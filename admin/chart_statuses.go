package admin

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/quackproxy/quack/reports"
)

// statusMatrix is how often legacy and new answered with which statuses: a row
// for each of legacy's, a column for each of new's.
type statusMatrix struct {
	New   []string
	Rows  []statusRow
	Other int64 // of pairs that have no place of their own
}

type statusRow struct {
	Legacy string
	Means  string
	Cells  []statusCell
}

// statusCell is one pair. Class says whether the two differ, and how many there
// are: "same-4", "other-1"; "" for none.
type statusCell struct {
	Count int64
	Class string
}

// matrixMax bounds the statuses of one side; the less frequent are Other.
const matrixMax = 12

func statusesOf(pairs []reports.StatusPair) statusMatrix {
	var m statusMatrix
	legacy := frequent(pairs, func(p reports.StatusPair) int { return p.Legacy })
	new := frequent(pairs, func(p reports.StatusPair) int { return p.New })
	var most int64
	counts := map[[2]int]int64{}
	for _, p := range pairs {
		if !slices.Contains(legacy, p.Legacy) || !slices.Contains(new, p.New) || p.Legacy == 0 && p.New == 0 {
			m.Other += p.Count
			continue
		}
		counts[[2]int{p.Legacy, p.New}] += p.Count
		most = max(most, counts[[2]int{p.Legacy, p.New}])
	}
	for _, status := range new {
		m.New = append(m.New, shownStatus(status))
	}
	for _, l := range legacy {
		row := statusRow{Legacy: shownStatus(l), Means: http.StatusText(l)}
		for _, n := range new {
			row.Cells = append(row.Cells, cellOf(l, n, counts[[2]int{l, n}], most))
		}
		m.Rows = append(m.Rows, row)
	}
	return m
}

func cellOf(legacy, new int, count, most int64) statusCell {
	c := statusCell{Count: count}
	if count == 0 {
		return c
	}
	c.Class = "same-"
	if legacy != new {
		c.Class = "other-"
	}
	// By powers of ten: one in a thousand has a colour too.
	strength := 4 - int(math.Log10(float64(most)/float64(count)))
	c.Class += strconv.Itoa(max(strength, 1))
	return c
}

// shownStatus is 0 for an answer that never came.
func shownStatus(status int) string {
	if status == 0 {
		return "none"
	}
	return strconv.Itoa(status)
}

// frequent are the statuses that one side answered with most, in their order.
func frequent(pairs []reports.StatusPair, of func(reports.StatusPair) int) []int {
	counts := map[int]int64{}
	var list []int
	for _, p := range pairs {
		if p.Legacy == 0 && p.New == 0 {
			continue // pairs that found no room
		}
		if counts[of(p)] == 0 {
			list = append(list, of(p))
		}
		counts[of(p)] += p.Count
	}
	slices.SortFunc(list, func(a, b int) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	list = list[:min(len(list), matrixMax)]
	slices.Sort(list)
	return list
}
