package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/render"
)

type markCmd struct {
	client
	Name string `arg:"" help:"Name of the mark, as in v1.4."`
	Why  string `help:"What it is for; it stands in the audit." placeholder:"TEXT"`
	JSON bool   `name:"json" help:"Print JSON."`
}

func (c *markCmd) Run(ctx context.Context, s *streams) error {
	if err := reports.CheckMarkName(c.Name); err != nil {
		return coded{exitUsage, err}
	}
	m, err := c.connect().Mark(ctx, c.Name, c.Why)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, m)
	}
	_, err = fmt.Fprintf(s.out, "marked %s at %s\ncounts from here on: quack report --since %s\n", m.Name, m.At.Local().Format(time.DateTime), m.Name)
	return err
}

type marksCmd struct {
	client
	JSON bool `name:"json" help:"Print JSON."`
}

func (c *marksCmd) Run(ctx context.Context, s *streams) error {
	marks, err := c.connect().Marks(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, marks)
	}
	if len(marks) == 0 {
		_, err := fmt.Fprintln(s.out, "no mark is set; set one with quack mark NAME")
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MARK\tAT\tBY\tWHY")
	for _, m := range marks {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", oneLine(m.Name), m.At.Local().Format(time.DateTime), oneLine(m.By), oneLine(m.Why))
	}
	return w.Flush()
}

// startingPoint is a flag: a length of time before now, such as 24h, or the name of
// a mark.
type startingPoint struct {
	length time.Duration
	mark   string
}

// UnmarshalText reads a length of time or the name of a mark.
func (f *startingPoint) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	switch {
	case err == nil && d > 0:
		*f = startingPoint{length: d}
	case err != nil && reports.CheckMarkName(string(text)) == nil:
		*f = startingPoint{mark: string(text)}
	default:
		return fmt.Errorf("%q is neither a length of time, as in 24h, nor the name of a mark, as in v1.4", text)
	}
	return nil
}

// span narrows a report down to --since, and compares it with what was --against.
func (c *reportCmd) span(ctx context.Context, report *render.Report, f *reports.Filter) error {
	if c.Since.length > 0 {
		if c.Against != "" {
			return coded{exitUsage, errors.New("--against compares exact counts, which begin at a mark\n  name one: --since MARK, or leave --since out for the newest; quack marks lists them")}
		}
		f.Since = report.At.Add(-c.Since.length)
		report.Since = f.Since
		return nil
	}
	if c.Since.mark == "" && c.Against == "" {
		return nil
	}
	mark, err := c.markSince(ctx)
	if err != nil {
		return err
	}
	f.SinceMark = mark.Name
	report.Since, report.Mark = mark.At, mark.Name
	if c.Against == "" {
		return nil
	}
	runs, err := c.connect().Runs(ctx, c.Route, c.Against, mark.Name)
	report.Runs = &runs
	return err
}

// markSince is the mark of --since, without one the newest.
func (c *reportCmd) markSince(ctx context.Context) (reports.Mark, error) {
	marks, err := c.connect().Marks(ctx)
	if err != nil {
		return reports.Mark{}, err
	}
	if c.Since.mark == "" {
		if len(marks) == 0 {
			return reports.Mark{}, errors.New("no mark is set, so there are no runs to compare\n  set one at each deploy: quack mark NAME")
		}
		return marks[0], nil
	}
	i := slices.IndexFunc(marks, func(m reports.Mark) bool { return m.Name == c.Since.mark })
	if i < 0 {
		return reports.Mark{}, fmt.Errorf("there is no mark %q\n  quack marks lists them; a length of time is written as in 24h", c.Since.mark)
	}
	return marks[i], nil
}
