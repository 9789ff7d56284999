package admin

import (
	"net/http"
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
	placed := reports.MatrixOf(pairs, matrixMax)
	m := statusMatrix{Other: placed.Other}
	cells := map[[2]int]statusCell{}
	for _, p := range placed.Pairs {
		class := "same-"
		if p.Legacy != p.New {
			class = "other-"
		}
		cells[[2]int{p.Legacy, p.New}] = statusCell{Count: p.Count, Class: class + strconv.Itoa(placed.Strength(p))}
	}
	for _, status := range placed.New {
		m.New = append(m.New, reports.StatusNumber(status))
	}
	for _, l := range placed.Legacy {
		row := statusRow{Legacy: reports.StatusNumber(l), Means: http.StatusText(l)}
		for _, n := range placed.New {
			row.Cells = append(row.Cells, cells[[2]int{l, n}])
		}
		m.Rows = append(m.Rows, row)
	}
	return m
}
