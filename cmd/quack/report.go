package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/render"
)

type reportCmd struct {
	client
	Route     string        `help:"Only this route." placeholder:"NAME"`
	Since     startingPoint `help:"Only what was counted in the last so long (24h), or exactly since a mark (v1.4)." placeholder:"D|MARK"`
	Against   string        `help:"Compare with the run from this mark (or start) up to where --since begins, by default the newest mark: regressions, fixed, still open." placeholder:"MARK"`
	Format    string        `default:"table" enum:"table,json,markdown,html,csv,junit" help:"table, json, markdown, html, csv or junit."`
	Rows      string        `default:"routes" enum:"routes,differences" help:"With csv: a line for each route, or for each group of differences (routes)." placeholder:"WHAT"`
	JSON      bool          `name:"json" help:"The same as --format json."`
	Output    string        `short:"o" help:"Write to this file instead of standard output." placeholder:"FILE"`
	FailAbove percent       `help:"Exit 1 when a route's share of mismatches and noise is above this, it has a suspected leak, or nothing was compared at all. With junit also where a route fails (0%)." placeholder:"P%"`
}

// percent is a flag such as 0.1%.
type percent struct {
	set   bool
	share float64
}

// UnmarshalText reads "0.1%".
func (p *percent) UnmarshalText(text []byte) error {
	number, isPercent := strings.CutSuffix(string(text), "%")
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || !isPercent || value < 0 || value > 100 {
		return fmt.Errorf("%q is not a percentage from 0%% to 100%%, as in 0.1%%", text)
	}
	*p = percent{set: true, share: value / 100}
	return nil
}

func (c *reportCmd) Run(ctx context.Context, s *streams) error {
	if c.JSON && c.Format != "table" && c.Format != "json" {
		return coded{exitUsage, fmt.Errorf("--json is --format json, and --format %s was asked for too\n  leave one of the two out", c.Format)}
	}
	if c.Rows != "routes" && (c.Format != "csv" || c.JSON) {
		return coded{exitUsage, fmt.Errorf("--rows %s is for --format csv; the other formats have both", c.Rows)}
	}
	report, err := waiting(s, "reading the report", 0, func() (render.Report, error) { return c.fetch(ctx) })
	if err != nil {
		return err
	}
	if err := c.write(s, report); err != nil {
		return err
	}
	return c.limit(report)
}

// mostGroups is how many groups of differences a report has at most, the worst
// ones; more the API does not give at once.
const mostGroups = 1000

func (c *reportCmd) fetch(ctx context.Context) (render.Report, error) {
	report := render.Report{At: time.Now()}
	filter := reports.Filter{Route: c.Route}
	err := c.span(ctx, &report, &filter)
	if err != nil {
		return report, err
	}
	if report.Routes, err = c.connect().Report(ctx, filter); err != nil {
		return report, err
	}
	filter.Limit = mostGroups
	if report.Groups, err = c.connect().Differences(ctx, filter); err != nil {
		return report, err
	}
	if report.Stale, err = c.stale(ctx); err != nil {
		return report, err
	}
	if c.Format == "html" && !c.JSON {
		report.Series, err = c.series(ctx, report)
	}
	return report, err
}

// Charts are of so many routes at most, in so many steps of time.
const (
	chartRoutes = 50
	chartSteps  = 48
)

// series are what the routes of a report counted over its time, for charts.
func (c *reportCmd) series(ctx context.Context, report render.Report) (map[string][]reports.Point, error) {
	all := map[string][]reports.Point{}
	for _, name := range report.WorthCharts(chartRoutes) {
		points, err := c.connect().Series(ctx, reports.SeriesFilter{Route: name, Since: report.Since, Points: chartSteps})
		if err != nil {
			return nil, err
		}
		all[name] = points
	}
	return all, nil
}

// stale are the rules that need attention, of the route when there is one. All
// are asked for: a rule that another route needs is no such.
func (c *reportCmd) stale(ctx context.Context) ([]reports.Stale, error) {
	all, err := c.connect().Rules(ctx, "")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(reports.Attention(all), func(s reports.Stale) bool {
		return c.Route != "" && !slices.Contains(s.Routes, c.Route)
	}), nil
}

func (c *reportCmd) write(s *streams, report render.Report) error {
	format := c.Format
	if c.JSON {
		format = "json"
	}
	return writeTo(c.Output, s.out, func(w io.Writer) error {
		switch {
		case format == "json":
			return render.JSON(w, report)
		case format == "markdown":
			return render.Markdown(w, report)
		case format == "html":
			return render.HTML(w, report)
		case format == "junit":
			return render.JUnit(w, report, c.FailAbove.share)
		case format == "csv" && c.Rows == "differences":
			return render.DifferencesCSV(w, report)
		case format == "csv":
			return render.CSV(w, report)
		}
		return render.Table(w, report, colour(w))
	})
}

// limit is the error of a report that is above --fail-above.
func (c *reportCmd) limit(report render.Report) error {
	if !c.FailAbove.set {
		return nil
	}
	if against := report.Fails(c.FailAbove.share); against != nil {
		return fmt.Errorf("not within the limit of %g%%:\n  %s", 100*c.FailAbove.share, strings.Join(against, "\n  "))
	}
	return nil
}
