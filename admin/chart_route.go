package admin

import (
	"context"
	"fmt"
	"html/template"
	"slices"
	"time"

	"github.com/quackproxy/quack/internal/chart"
	"github.com/quackproxy/quack/reports"
)

// chartPoints is how many steps of time a chart has at most.
const chartPoints = 72

// routeCharts are what was counted of a route over time, drawn, and in numbers.
type routeCharts struct {
	Compared, Latency template.HTML
	Points            []reports.Point
	Step              string // how long a step is, in words
	Marks             []reports.Mark
	Any, Timed        bool // something was compared, and latencies were measured
}

// charts of a route since a moment; zero is since something was counted.
func (s *server) charts(ctx context.Context, route string, from time.Time, marks []reports.Mark) (routeCharts, error) {
	points, err := s.reports.Series(ctx, reports.SeriesFilter{Route: route, Since: from, Points: chartPoints})
	if err != nil {
		return routeCharts{}, fmt.Errorf("read what was counted over time: %w", err)
	}
	c := routeCharts{Points: points}
	if len(points) == 0 {
		return c, nil
	}
	c.Step = lengthText(time.Duration(points[0].Seconds) * time.Second)
	frame := chart.Frame{Start: points[0].Start, Step: time.Duration(points[0].Seconds) * time.Second, Steps: len(points)}
	for _, m := range slices.Backward(marks) { // the oldest first
		frame.Marks = append(frame.Marks, chart.Mark{At: m.At, Name: visible(m.Name)})
	}
	c.drawCompared(frame)
	c.drawLatency(frame)
	return c, nil
}

func (c *routeCharts) drawCompared(f chart.Frame) {
	kinds := []struct {
		class, name string
		count       func(*reports.Point) int64
	}{
		{"c-bad", "mismatched", func(p *reports.Point) int64 { return p.Mismatched }},
		{"c-error", "errors", func(p *reports.Point) int64 { return p.Errors }},
		{"c-warn", "transient or noise", func(p *reports.Point) int64 { return p.Transient + p.Noise }},
		{"c-good", "matched", func(p *reports.Point) int64 { return p.Matched }},
	}
	stacks := make([]chart.Stack, len(kinds))
	var sums [4]int64
	for k, kind := range kinds {
		stacks[k] = chart.Stack{Class: kind.class, Name: kind.name, Counts: make([]int64, len(c.Points))}
		for i := range c.Points {
			n := kind.count(&c.Points[i])
			stacks[k].Counts[i] = n
			sums[k] += n
		}
		c.Any = c.Any || sums[k] > 0
	}
	f.ID, f.Title = "chart-compared", "Comparisons over time"
	f.Text = fmt.Sprintf("From %s UTC in steps of %s: %s matched, %s mismatched, %s transient or noise, %s errors. The numbers stand in the table behind the charts.",
		stamp(f.Start), c.Step, num(sums[3]), num(sums[0]), num(sums[2]), num(sums[1]))
	c.Compared = template.HTML(chart.Bars(f, stacks))
}

func (c *routeCharts) drawLatency(f chart.Frame) {
	lines := []chart.Line{{Class: "c-legacy c-p99", Name: "legacy p99"}, {Class: "c-new c-p99", Name: "new p99"}, {Class: "c-legacy", Name: "legacy p50"}, {Class: "c-new", Name: "new p50"}}
	for _, p := range c.Points {
		for i, v := range []float64{p.Legacy.P99, p.New.P99, p.Legacy.P50, p.New.P50} {
			lines[i].Millis = append(lines[i].Millis, v)
			c.Timed = c.Timed || v > 0
		}
	}
	f.ID, f.Title = "chart-latency", "Latency of both sides over time"
	f.Text = fmt.Sprintf("From %s UTC in steps of %s: median and 99th percentile of legacy and of new, on a logarithmic scale. The numbers stand in the table behind the charts.", stamp(f.Start), c.Step)
	c.Latency = template.HTML(chart.Lines(f, lines))
}

// lengthText is a whole number of minutes, hours or days, in words.
func lengthText(d time.Duration) string {
	for _, unit := range []struct {
		of        time.Duration
		one, many string
	}{{24 * time.Hour, "a day", "days"}, {time.Hour, "an hour", "hours"}, {time.Minute, "a minute", "minutes"}} {
		if d >= unit.of && d%unit.of == 0 {
			if n := int64(d / unit.of); n > 1 {
				return fmt.Sprintf("%d %s", n, unit.many)
			}
			return unit.one
		}
	}
	return d.String()
}

// groupTrend is the last day of a group of differences, by the hour.
func groupTrend(g reports.Group) template.HTML {
	var sum int64
	for _, n := range g.Recent {
		sum += n
	}
	return template.HTML(chart.Spark(g.Recent[:], g.Recent[:], "In the last 24 hours "+num(sum)))
}

// ranFirst is how often each side ran first, as a bar.
func ranFirst(first map[string]int64) template.HTML {
	legacy, new := first["legacy"], first["new"]
	return template.HTML(chart.Shares([]chart.Part{{Class: "c-legacy", Count: legacy}, {Class: "c-new", Count: new}},
		fmt.Sprintf("legacy ran first %s times, new %s times", num(legacy), num(new))))
}
