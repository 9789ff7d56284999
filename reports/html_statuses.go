package reports

import (
	"fmt"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strings"
)

// htmlMatrix is how often the sides answered with which statuses, drawn: a row
// for each of legacy's, a column for each of new's. Text says the same in words.
type htmlMatrix struct {
	Drawn template.HTML
	Text  string
}

const (
	matrixCell   = 72 // pixels wide
	matrixRow    = 30
	matrixLabels = 64 // for legacy's statuses
	matrixSides  = 10 // statuses of one side that are told apart
)

// htmlMatrix draws the statuses of a route, nothing when there are none. n tells
// the charts of a page apart.
func (r RouteReport) htmlMatrix(n int) htmlMatrix {
	if len(r.Statuses) == 0 {
		return htmlMatrix{}
	}
	var legacy, new []int
	var most, others int64
	for _, p := range r.Statuses { // the most frequent first
		legacy, new = appendStatus(legacy, p.Legacy), appendStatus(new, p.New)
		most = max(most, p.Count)
	}
	slices.Sort(legacy)
	slices.Sort(new)
	var cells, words strings.Builder
	for _, p := range r.Statuses {
		y, x := slices.Index(legacy, p.Legacy), slices.Index(new, p.New)
		if y < 0 || x < 0 || p.Legacy == 0 && p.New == 0 {
			others += p.Count
			continue
		}
		writeCell(&cells, p, x, y, most)
		fmt.Fprintf(&words, "%s: %s; ", p.Text(), number(p.Count))
	}
	if others > 0 {
		fmt.Fprintf(&words, "others: %s; ", number(others))
	}
	text := "Statuses of legacy → new: " + strings.TrimSuffix(words.String(), "; ") + "."
	var b strings.Builder
	width, height := matrixLabels+matrixCell*len(new), matrixRow*(len(legacy)+2)
	fmt.Fprintf(&b, `<svg class="matrix" role="img" aria-labelledby="matrix-%d" width="%d" height="%d" viewBox="0 0 %[2]d %[3]d"><title id="matrix-%[1]d">%[4]s</title>`, n, width, height, template.HTMLEscapeString(text))
	fmt.Fprintf(&b, `<text x="%d" y="20">new →</text><text x="0" y="%d">legacy ↓</text>`, matrixLabels, matrixRow+20)
	for i, status := range new {
		fmt.Fprintf(&b, `<text class="status" x="%d" y="%d" text-anchor="middle">%s</text>`, matrixLabels+matrixCell*i+matrixCell/2, matrixRow+20, statusLabel(status))
	}
	for i, status := range legacy {
		fmt.Fprintf(&b, `<text class="status" x="%d" y="%d" text-anchor="end">%s</text>`, matrixLabels-10, matrixRow*(i+2)+20, statusLabel(status))
	}
	b.WriteString(cells.String() + `</svg>`)
	return htmlMatrix{template.HTML(b.String()), text}
}

// appendStatus adds a status that is not there yet, as long as there is room; 0
// is a pair that found none.
func appendStatus(list []int, status int) []int {
	if status == 0 || slices.Contains(list, status) || len(list) >= matrixSides {
		return list
	}
	return append(list, status)
}

// writeCell draws one pair, by powers of ten as strong as it is frequent.
func writeCell(b *strings.Builder, p StatusPair, x, y int, most int64) {
	class := "differ"
	if p.Legacy == p.New {
		class = "same"
	}
	strength := max(0.15, 0.75-0.2*math.Floor(math.Log10(float64(most)/float64(max(p.Count, 1)))))
	left, top := matrixLabels+matrixCell*x, matrixRow*(y+2)
	fmt.Fprintf(b, `<g class="%s"><title>%s: %s</title><rect x="%d" y="%d" width="%d" height="%d" fill-opacity="%.2f"/><text x="%d" y="%d" text-anchor="middle">%s</text></g>`,
		class, template.HTMLEscapeString(p.Text()+" "+http.StatusText(p.New)), number(p.Count), left+1, top+1, matrixCell-2, matrixRow-2, strength, left+matrixCell/2, top+20, number(p.Count))
}

func statusLabel(status int) string { return template.HTMLEscapeString(statusNumber(status)) }
