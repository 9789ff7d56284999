// Package chart draws small charts as SVG on the server: pure functions, the
// same picture for the same numbers.
//
// [Bars] and [Lines] are charts over time, [Spark] fits a line of text, and
// [Shares] is one bar cut into its parts. A chart has no colour of its own: each
// part has a class, and the page's style says what it looks like. It is as wide
// as its place (positions are percent) and its text keeps its size.
//
// A chart is one image with a title and a description. Whoever can not see it
// reads those, and the numbers in a table that the page puts behind it.
package chart

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"time"
)

// The heights of a chart over time, in pixels: names of marks stand above the
// plot and the number at its top, times below it.
const (
	markBottom = 14
	plotTop    = 28
	plotHeight = 132
	plotBottom = plotTop + plotHeight
	fullHeight = plotBottom + 20
)

// Frame is what charts over time have in common: Steps equal steps of time.
type Frame struct {
	ID    string // of the image; the ids of its title and description begin with it
	Title string
	Text  string // the description: what there is to be seen
	Start time.Time
	Step  time.Duration
	Steps int
	Marks []Mark // those outside of the time are left out
}

// Mark is a moment with a name.
type Mark struct {
	At   time.Time
	Name string
}

func (f *Frame) length() time.Duration { return f.Step * time.Duration(f.Steps) }

// share is where a moment is in the frame, in percent of its width.
func (f *Frame) share(at time.Time) float64 {
	return 100 * float64(at.Sub(f.Start)) / float64(f.length())
}

// draw puts what inner draws between the grid and the marks.
func (f *Frame) draw(grid []tick, inner func(*strings.Builder)) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg id="%s" class="chart" role="img" aria-labelledby="%[1]s-t %[1]s-d" width="100%%" height="%d">`, escape(f.ID), fullHeight)
	fmt.Fprintf(&b, `<title id="%s-t">%s</title><desc id="%[1]s-d">%[3]s</desc>`, escape(f.ID), escape(f.Title), escape(f.Text))
	for _, t := range grid {
		fmt.Fprintf(&b, `<line class="c-grid" x1="0" x2="100%%" y1="%s" y2="%[1]s"/>`, number(t.y))
	}
	fmt.Fprintf(&b, `<line class="c-base" x1="0" x2="100%%" y1="%d" y2="%[1]d"/>`, plotBottom)
	inner(&b)
	for _, t := range grid {
		fmt.Fprintf(&b, `<text class="c-y" x="2" y="%s">%s</text>`, number(t.y-3), escape(t.text))
	}
	f.drawTimes(&b)
	f.drawMarks(&b)
	b.WriteString(`</svg>`)
	return b.String()
}

// drawTimes writes round times under the plot.
func (f *Frame) drawTimes(b *strings.Builder) {
	for _, at := range roundTimes(f.Start, f.length()) {
		x := f.share(at)
		fmt.Fprintf(b, `<text class="c-x" x="%s%%" y="%d" text-anchor="%s">%s</text>`, number(x), fullHeight-5, anchor(x), f.clock(at))
	}
}

// drawMarks draws a line for each mark, with its name where there is room: the
// newest first, so that it has one.
func (f *Frame) drawMarks(b *strings.Builder) {
	taken := []float64{}
	for i := len(f.Marks) - 1; i >= 0; i-- {
		m := f.Marks[i]
		x := f.share(m.At)
		if x < 0 || x > 100 {
			continue
		}
		fmt.Fprintf(b, `<g class="c-mark"><title>%s, %s</title><line x1="%s%%" x2="%[3]s%%" y1="%d" y2="%d"/>`, escape(m.Name), moment(m.At), number(x), markBottom, plotBottom)
		if roomAt(taken, x) {
			taken = append(taken, x)
			fmt.Fprintf(b, `<text x="%s%%" y="%d" text-anchor="%s">%s</text>`, number(x), markBottom-3, anchor(x), escape(shortened(m.Name)))
		}
		b.WriteString(`</g>`)
	}
}

func roomAt(taken []float64, x float64) bool {
	for _, t := range taken {
		if x > t-14 && x < t+14 {
			return false
		}
	}
	return true
}

// shortened keeps a name of a mark to what there is room for.
func shortened(name string) string {
	if letters := []rune(name); len(letters) > 14 {
		return string(letters[:13]) + "…"
	}
	return name
}

func anchor(x float64) string {
	switch {
	case x < 7:
		return "start"
	case x > 93:
		return "end"
	}
	return "middle"
}

// clock is a time under the plot: the day where there are days.
func (f *Frame) clock(at time.Time) string {
	if f.length() > 36*time.Hour {
		return at.UTC().Format("2 Jan")
	}
	return at.UTC().Format("15:04")
}

func moment(at time.Time) string { return at.UTC().Format("2 Jan 15:04") }

// number writes a coordinate with at most two digits behind the point.
func number(v float64) string {
	text := strconv.FormatFloat(v, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

func escape(s string) string { return html.EscapeString(s) }
