package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/export"
)

type exportCmd struct {
	client
	ID     string `arg:"" help:"Id of the comparison, from a report."`
	As     string `default:"curl" enum:"curl,http,hurl,har,go" help:"curl, http (for REST clients of editors), hurl, har or go (curl)." placeholder:"FORMAT"`
	Side   string `default:"" enum:",legacy,new" help:"Only what this side was asked: legacy or new (both)." placeholder:"SIDE"`
	Output string `short:"o" help:"Write to this file instead of standard output." placeholder:"FILE"`
}

func (c *exportCmd) Run(ctx context.Context, s *streams) error {
	comparison, err := waiting(s, "reading the comparison", 0, func() (*reports.Comparison, error) { return c.connect().Comparison(ctx, c.ID) })
	if err != nil {
		return anotherID(err, c.ID, ofComparison)
	}
	return writeTo(c.Output, s.out, func(w io.Writer) error {
		return export.Write(w, comparison, export.Format(c.As), c.Side)
	})
}

// writeTo lets write write to a file, or to out when there is no name of one.
func writeTo(name string, out io.Writer, write func(io.Writer) error) (err error) {
	if name == "" {
		return write(out)
	}
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write to a file: %w\n  name a file that this user may write with -o", err)
	}
	defer func() {
		if closing := file.Close(); err == nil && closing != nil {
			err = fmt.Errorf("write %q: %w", name, closing)
		}
	}()
	return write(file)
}
