package render

import (
	"fmt"
	"html/template"
	"time"

	"github.com/quackproxy/quack/internal/chart"
	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// htmlCharts are what was counted of a route over time, drawn.
type htmlCharts struct {
	Compared, Latency template.HTML
	Spark             template.HTML
}

// htmlCharts draws what a route counted; nothing when there is no series of it. n
// tells the charts of a page apart.
func (r Report) htmlCharts(route string, n int) htmlCharts {
	points := r.Series[route]
	if len(points) == 0 {
		return htmlCharts{}
	}
	step := time.Duration(points[0].Seconds) * time.Second
	frame := chart.Frame{Start: points[0].Start, Step: step, Steps: len(points), ID: fmt.Sprintf("compared-%d", n)}
	about := fmt.Sprintf("From %s UTC in steps of %s", points[0].Start.UTC().Format("2 Jan 2006 15:04"), stepText(step))
	stacks := StacksOf(points)
	var bad, all []int64
	for _, p := range points {
		bad, all = append(bad, p.Mismatched+p.Noise), append(all, p.Compared)
	}
	c := htmlCharts{Spark: template.HTML(chart.Spark(all, bad, fmt.Sprintf("%s: %s compared, %s mismatched or noise", about, wording.Number(sumOf(all)), wording.Number(sumOf(bad)))))}
	frame.Title = "Comparisons over time"
	frame.Text = about + ": " + stackText(stacks) + "."
	c.Compared = template.HTML(chart.Bars(frame, stacks))
	lines, timed := LinesOf(points)
	if timed {
		frame.ID, frame.Title = fmt.Sprintf("latency-%d", n), "Latency of both sides over time"
		frame.Text = about + ": median and 99th percentile of both sides, on a logarithmic scale."
		c.Latency = template.HTML(chart.Lines(frame, lines))
	}
	return c
}

// stepText is a whole number of days, hours or minutes: "1d", "2h", "10m".
func stepText(step time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if step >= unit.of && step%unit.of == 0 {
			return fmt.Sprint(int64(step/unit.of), unit.name)
		}
	}
	return step.String()
}

// StacksOf are what became of requests in each point of a series, to be drawn on
// top of each other: mismatched, errors, transient or noise, matched.
func StacksOf(points []reports.Point) []chart.Stack {
	stacks := []chart.Stack{{Class: "c-bad", Name: "mismatched"}, {Class: "c-error", Name: "errors"}, {Class: "c-warn", Name: "transient or noise"}, {Class: "c-good", Name: "matched"}}
	for _, p := range points {
		for i, n := range []int64{p.Mismatched, p.Errors, p.Transient + p.Noise, p.Matched} {
			stacks[i].Counts = append(stacks[i].Counts, n)
		}
	}
	return stacks
}

// LinesOf are the latencies of both sides in each point of a series, to be drawn
// in one; timed reports whether there is any.
func LinesOf(points []reports.Point) (lines []chart.Line, timed bool) {
	lines = []chart.Line{{Class: "c-legacy c-p99", Name: "legacy p99"}, {Class: "c-new c-p99", Name: "new p99"}, {Class: "c-legacy", Name: "legacy p50"}, {Class: "c-new", Name: "new p50"}}
	for _, p := range points {
		for i, v := range []float64{p.Legacy.P99, p.New.P99, p.Legacy.P50, p.New.P50} {
			lines[i].Millis = append(lines[i].Millis, v)
			timed = timed || v > 0
		}
	}
	return lines, timed
}

// stackText is "12,321 matched, 12 mismatched".
func stackText(stacks []chart.Stack) string {
	text := ""
	for i, s := range stacks {
		if i > 0 {
			text += ", "
		}
		text += wording.Number(sumOf(s.Counts)) + " " + s.Name
	}
	return text
}

func sumOf(counts []int64) int64 {
	var sum int64
	for _, n := range counts {
		sum += n
	}
	return sum
}
