package admin

import (
	"context"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/quackproxy/quack/internal/chart"
	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/render"
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
		frame.Marks = append(frame.Marks, chart.Mark{At: m.At, Name: wording.VisibleText(m.Name)})
	}
	c.drawCompared(frame)
	c.drawLatency(frame)
	return c, nil
}

func (c *routeCharts) drawCompared(f chart.Frame) {
	stacks := render.StacksOf(c.Points)
	var sums []string
	for _, s := range slices.Backward(stacks) { // matched first
		n := sumOf(s.Counts)
		sums = append(sums, num(n)+" "+s.Name)
		c.Any = c.Any || n > 0
	}
	f.ID, f.Title = "chart-compared", "Comparisons over time"
	f.Text = fmt.Sprintf("From %s UTC in steps of %s: %s. The numbers stand in the table behind the charts.", stamp(f.Start), c.Step, strings.Join(sums, ", "))
	c.Compared = template.HTML(chart.Bars(f, stacks))
}

func (c *routeCharts) drawLatency(f chart.Frame) {
	lines, timed := render.LinesOf(c.Points)
	c.Timed = timed
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
	return template.HTML(chart.Spark(g.Recent[:], g.Recent[:], "In the last 24 hours "+num(sumOf(g.Recent[:]))))
}

func sumOf(counts []int64) (sum int64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// ranFirst is how often each side ran first, as a bar.
func ranFirst(first map[string]int64) template.HTML {
	legacy, new := first["legacy"], first["new"]
	return template.HTML(chart.Shares([]chart.Part{{Class: "c-legacy", Count: legacy}, {Class: "c-new", Count: new}},
		fmt.Sprintf("legacy ran first %s times, new %s times", num(legacy), num(new))))
}
