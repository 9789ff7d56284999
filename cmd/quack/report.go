package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/quackproxy/quack/reports"
)

type reportCmd struct {
	client
	Route     string        `help:"Only this route." placeholder:"NAME"`
	Since     startingPoint `help:"Only what was counted in the last so long (24h), or exactly since a mark (v1.4)." placeholder:"D|MARK"`
	Against   string        `help:"Compare with the run from this mark (or start) up to where --since begins, by default the newest mark: regressions, fixed, still open." placeholder:"MARK"`
	Format    string        `default:"table" enum:"table,json,markdown,html" help:"table, json, markdown or html."`
	JSON      bool          `name:"json" help:"The same as --format json."`
	Output    string        `short:"o" help:"Write to this file instead of standard output." placeholder:"FILE"`
	FailAbove percent       `help:"Exit 1 when a route's share of mismatches and noise is above this, or it has a suspected leak." placeholder:"P%"`
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
	report, err := c.fetch(ctx)
	if err != nil {
		return err
	}
	if err := c.write(s, report); err != nil {
		return err
	}
	return c.limit(report)
}

func (c *reportCmd) fetch(ctx context.Context) (reports.Report, error) {
	report := reports.Report{At: time.Now()}
	filter := reports.Filter{Route: c.Route}
	err := c.span(ctx, &report, &filter)
	if err != nil {
		return report, err
	}
	if report.Routes, err = c.connect().Report(ctx, filter); err != nil {
		return report, err
	}
	if report.Groups, err = c.connect().Differences(ctx, filter); err != nil {
		return report, err
	}
	report.Stale, err = c.stale(ctx)
	return report, err
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

func (c *reportCmd) write(s *streams, report reports.Report) (err error) {
	out := s.out
	if c.Output != "" {
		file, err := os.Create(c.Output)
		if err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		defer func() {
			if closing := file.Close(); err == nil {
				err = closing
			}
		}()
		out = file
	}
	if c.JSON {
		return reports.WriteJSON(out, report)
	}
	switch c.Format {
	case "json":
		return reports.WriteJSON(out, report)
	case "markdown":
		return reports.WriteMarkdown(out, report)
	case "html":
		return reports.WriteHTML(out, report)
	}
	return reports.WriteTable(out, report, colour(out))
}

// limit is the error of a report above --fail-above. Noise counts as a
// mismatch here: where legacy keeps differing from itself nobody knows what
// the new side does, until a rule says what may differ.
func (c *reportCmd) limit(report reports.Report) error {
	if !c.FailAbove.set {
		return nil
	}
	var above []string
	for _, r := range report.Routes {
		share := 0.0
		if r.Compared > 0 {
			share = float64(r.Mismatched+r.Noise) / float64(r.Compared)
		}
		switch {
		case r.Leak != "":
			above = append(above, fmt.Sprintf("%s: leak suspected: %s", r.Name, r.Leak))
		case share > c.FailAbove.share:
			above = append(above, fmt.Sprintf("%s: %d mismatched and %d noise of %d compared (%.3g%%)", r.Name, r.Mismatched, r.Noise, r.Compared, 100*share))
		}
	}
	if above == nil {
		return nil
	}
	return fmt.Errorf("above the limit of %g%%:\n  %s", 100*c.FailAbove.share, strings.Join(above, "\n  "))
}

type diffCmd struct {
	client
	ID   string `arg:"" help:"Id of the comparison, from a report."`
	JSON bool   `name:"json" help:"Print JSON."`
}

func (c *diffCmd) Run(ctx context.Context, s *streams) error {
	comparison, err := c.connect().Comparison(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, comparison)
	}
	return reports.WriteComparison(s.out, comparison, colour(s.out))
}

// colour reports whether w is a terminal that wants colour (https://no-color.org).
func colour(w io.Writer) bool {
	f, isFile := w.(*os.File)
	return isFile && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
}
