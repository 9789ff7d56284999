package main

import (
	"context"

	"github.com/quackproxy/quack/reports"
)

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
