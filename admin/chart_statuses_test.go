package admin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quackproxy/quack/reports"
)

// statusPairs are threes of legacy's status, new's, and how many.
func statusPairs(numbers ...int) []reports.StatusPair {
	var list []reports.StatusPair
	for i := 0; i < len(numbers); i += 3 {
		list = append(list, reports.StatusPair{Legacy: numbers[i], New: numbers[i+1], Count: int64(numbers[i+2])})
	}
	return list
}

func TestStatusMatrix(t *testing.T) {
	many := []reports.StatusPair{{Legacy: 200, New: 200, Count: 1000}}
	for i := range 20 {
		many = append(many, reports.StatusPair{Legacy: 200, New: 300 + i, Count: int64(100 - i)})
	}
	for _, c := range []struct {
		reason string
		pairs  []reports.StatusPair
		want   string
	}{
		{"nothing", nil, ""},
		{"one that differs in ten thousand has a colour; no answer is none", statusPairs(200, 200, 10000, 404, 404, 30, 200, 404, 1, 404, 0, 2),
			"     none 200 404\n200  0  10000 same-4  1 other-1\n404  2 other-1  0  30 same-2\n"},
		{"what found no room is said", statusPairs(200, 200, 10, 0, 0, 7), "     200\n200  10 same-4\nothers 7\n"},
	} {
		if got := matrixText(statusesOf(c.pairs)); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.reason, got, c.want)
		}
	}
	m := statusesOf(many)
	var sum int64
	for _, row := range m.Rows {
		for _, cell := range row.Cells {
			sum += cell.Count
		}
	}
	var all int64
	for _, p := range many {
		all += p.Count
	}
	if len(m.New) != matrixMax || sum+m.Other != all {
		t.Errorf("%d columns, %d in cells, %d others, of %d", len(m.New), sum, m.Other, all)
	}
}

func matrixText(m statusMatrix) string {
	if len(m.Rows) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("     " + strings.Join(m.New, " ") + "\n")
	for _, row := range m.Rows {
		b.WriteString(row.Legacy)
		for _, c := range row.Cells {
			b.WriteString(strings.TrimRight(fmt.Sprintf("  %d %s", c.Count, c.Class), " "))
		}
		b.WriteString("\n")
	}
	if m.Other > 0 {
		fmt.Fprintf(&b, "others %d\n", m.Other)
	}
	return b.String()
}
