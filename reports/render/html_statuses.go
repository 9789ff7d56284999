package render

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
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
func matrixOf(r reports.RouteReport, n int) htmlMatrix {
	if len(r.Statuses) == 0 {
		return htmlMatrix{}
	}
	m := reports.MatrixOf(r.Statuses, matrixSides)
	var cells, words strings.Builder
	for _, p := range m.Pairs {
		writeCell(m, &cells, p)
		fmt.Fprintf(&words, "%s: %s; ", p.Text(), wording.Number(p.Count))
	}
	if m.Other > 0 {
		fmt.Fprintf(&words, "others: %s; ", wording.Number(m.Other))
	}
	text := "Statuses of legacy → new: " + strings.TrimSuffix(words.String(), "; ") + "."
	var b strings.Builder
	width, height := matrixLabels+matrixCell*len(m.New), matrixRow*(len(m.Legacy)+2)
	fmt.Fprintf(&b, `<svg class="matrix" role="img" aria-labelledby="matrix-%d" width="%d" height="%d" viewBox="0 0 %[2]d %[3]d"><title id="matrix-%[1]d">%[4]s</title>`, n, width, height, template.HTMLEscapeString(text))
	fmt.Fprintf(&b, `<text x="%d" y="20">new →</text><text x="0" y="%d">legacy ↓</text>`, matrixLabels, matrixRow+20)
	for i, status := range m.New {
		fmt.Fprintf(&b, `<text class="status" x="%d" y="%d" text-anchor="middle">%s</text>`, matrixLabels+matrixCell*i+matrixCell/2, matrixRow+20, reports.StatusNumber(status))
	}
	for i, status := range m.Legacy {
		fmt.Fprintf(&b, `<text class="status" x="%d" y="%d" text-anchor="end">%s</text>`, matrixLabels-10, matrixRow*(i+2)+20, reports.StatusNumber(status))
	}
	b.WriteString(cells.String() + `</svg>`)
	return htmlMatrix{template.HTML(b.String()), text}
}

// writeCell draws one pair.
func writeCell(m reports.Matrix, b *strings.Builder, p reports.StatusPair) {
	x, y := slices.Index(m.New, p.New), slices.Index(m.Legacy, p.Legacy)
	class := "differ"
	if p.Legacy == p.New {
		class = "same"
	}
	opacity := 0.2*float64(m.Strength(p)) - 0.05
	left, top := matrixLabels+matrixCell*x, matrixRow*(y+2)
	fmt.Fprintf(b, `<g class="%s"><title>%s: %s</title><rect x="%d" y="%d" width="%d" height="%d" fill-opacity="%.2f"/><text x="%d" y="%d" text-anchor="middle">%s</text></g>`,
		class, template.HTMLEscapeString(p.Text()+" "+http.StatusText(p.New)), wording.Number(p.Count), left+1, top+1, matrixCell-2, matrixRow-2, opacity, left+matrixCell/2, top+20, wording.Number(p.Count))
}
