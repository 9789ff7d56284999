package chart

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Line is one line: a latency in milliseconds for each step of the frame, 0 where
// nothing was measured.
type Line struct {
	Class  string
	Name   string // in words, before its number: "legacy p50"
	Millis []float64
}

// Lines draws latencies by time, on a logarithmic scale. A line has a gap where
// nothing was measured.
func Lines(f Frame, lines []Line) string {
	low, high := math.Inf(1), 0.0
	for _, l := range lines {
		for _, v := range l.Millis {
			if v > 0 {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if high == 0 {
		return f.draw(nil, func(*strings.Builder) {})
	}
	scale, grid := logarithmicOver(low, high)
	return f.draw(grid, func(b *strings.Builder) {
		// Lengths of a path can not be percent: it has a space of its own, one
		// unit a step wide, that is stretched.
		fmt.Fprintf(b, `<svg x="0" y="0" width="100%%" height="%d" viewBox="0 0 %d %[1]d" preserveAspectRatio="none">`, plotBottom, f.Steps)
		for _, l := range lines {
			fmt.Fprintf(b, `<path class="c-line %s" d="%s"/>`, escape(l.Class), path(scale, l.Millis))
		}
		b.WriteString(`</svg>`)
		for i := range f.Steps {
			f.readout(b, lines, i)
		}
	})
}

// path goes through the middles of the steps. A value between two gaps is a dash.
func path(scale logarithmic, millis []float64) string {
	var b strings.Builder
	for i, v := range millis {
		if v <= 0 {
			continue
		}
		after := i+1 < len(millis) && millis[i+1] > 0
		x, y := number(float64(i)+0.5), number(scale.y(v))
		switch before := i > 0 && millis[i-1] > 0; {
		case before:
			fmt.Fprintf(&b, "L%s %s", x, y)
		case after:
			fmt.Fprintf(&b, "M%s %s", x, y)
		default:
			fmt.Fprintf(&b, "M%d %sh1", i, y)
		}
	}
	return b.String()
}

// readout says the numbers of one step, for a pointer anywhere in its height.
func (f *Frame) readout(b *strings.Builder, lines []Line, i int) {
	var parts []string
	for _, l := range lines {
		if l.Millis[i] > 0 {
			parts = append(parts, l.Name+" "+duration(l.Millis[i]))
		}
	}
	if parts == nil {
		return
	}
	width := 100 / float64(f.Steps)
	fmt.Fprintf(b, `<g class="c-step"><title>%s: %s</title><rect class="c-hit" x="%s%%" y="%d" width="%s%%" height="%d"/></g>`,
		moment(f.Start.Add(time.Duration(i)*f.Step)), escape(strings.Join(parts, ", ")), number(float64(i)*width), plotTop, number(width), plotHeight)
}
