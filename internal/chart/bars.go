package chart

import (
	"fmt"
	"strings"
	"time"
)

// Stack is one layer of the bars: a count for each step of the frame.
type Stack struct {
	Class  string
	Name   string // in words, behind its number: "mismatched"
	Counts []int64
}

// least is the height of the smallest count that is not 0, in pixels: three in a
// million are to be seen too.
const least = 2.5

// Bars draws counts by time, one on the other, the first at the bottom.
func Bars(f Frame, stacks []Stack) string {
	var high int64
	for i := range f.Steps {
		high = max(high, sumAt(stacks, i))
	}
	scale, grid := linearTo(high)
	return f.draw(grid, func(b *strings.Builder) {
		for i := range f.Steps {
			if sumAt(stacks, i) > 0 {
				f.bar(b, scale, stacks, i)
			}
		}
	})
}

// bar is one step. Its number in words belongs to the whole height, so that a
// pointer need not hit a low bar.
func (f *Frame) bar(b *strings.Builder, scale linear, stacks []Stack, i int) {
	width := 100 / float64(f.Steps)
	fmt.Fprintf(b, `<g class="c-step"><title>%s</title><rect class="c-hit" x="%s%%" y="%d" width="%s%%" height="%d"/>`,
		escape(f.barText(stacks, i)), number(float64(i)*width), plotTop, number(width), plotHeight)
	y := float64(plotBottom)
	for _, s := range stacks {
		if s.Counts[i] == 0 {
			continue
		}
		height := min(max(plotBottom-scale.y(float64(s.Counts[i])), least), y-plotTop)
		y -= height
		fmt.Fprintf(b, `<rect class="%s" x="%s%%" y="%s" width="%s%%" height="%s"/>`,
			escape(s.Class), number((float64(i)+0.1)*width), number(y), number(0.8*width), number(height))
	}
	b.WriteString(`</g>`)
}

// barText is "26 Nov 14:05: 120 compared, 3 mismatched".
func (f *Frame) barText(stacks []Stack, i int) string {
	var parts []string
	for _, s := range stacks {
		if s.Counts[i] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", s.Counts[i], s.Name))
		}
	}
	return moment(f.Start.Add(time.Duration(i)*f.Step)) + ": " + strings.Join(parts, ", ")
}

func sumAt(stacks []Stack, i int) int64 {
	var sum int64
	for _, s := range stacks {
		sum += s.Counts[i]
	}
	return sum
}
