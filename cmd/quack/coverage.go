package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/quackproxy/quack/reports"
)

type coverageCmd struct {
	client
	Route string `help:"Only this route, with all that was counted of it in the last 30 to 60 days." placeholder:"NAME"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

func (c *coverageCmd) Run(ctx context.Context, s *streams) error {
	list, err := c.connect().Coverage(ctx, c.Route)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, list)
	}
	for i, r := range list {
		if i > 0 && c.Route == "" && len(list[i-1].Unseen()) > 0 {
			fmt.Fprintln(s.out)
		}
		fmt.Fprintf(s.out, "%s: %s\n", oneLine(r.Route), coverageText(r))
		facets := r.Facets
		if c.Route == "" {
			facets = r.Unseen()
		}
		if err := writeFacets(s.out, facets, c.Route == ""); err != nil {
			return err
		}
	}
	return nil
}

// coverageText says how well a route is covered.
func coverageText(r reports.RouteCoverage) string {
	var text string
	switch {
	case r.NeverHit:
		return "never hit"
	case r.Live == 0:
		text = "no live request in the last 30 days"
	default:
		text = fmt.Sprintf("%s of %s covered", r.CoveredText(), plural(int(r.Live), "live request"))
	}
	if r.WritesNeverCompared {
		text += ", what it writes was never compared"
	}
	return text
}

func writeFacets(out io.Writer, list []reports.Facet, gaps bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if !gaps {
		fmt.Fprintln(w, "  FACET\tLIVE\tCOMPARED\tFIRST SEEN\tLAST SEEN")
	}
	for _, f := range list {
		if gaps {
			fmt.Fprintf(w, "  never compared: %s\t%s\tlast seen %s\n", oneLine(f.Says()), plural(int(f.Live), "request"), day(f.LastSeen))
			continue
		}
		compared := fmt.Sprint(f.Compared)
		if f.Live > 0 && f.Compared == 0 {
			compared = "never"
		}
		fmt.Fprintf(w, "  %s\t%d\t%s\t%s\t%s\n", oneLine(f.Says()), f.Live, compared, day(f.FirstSeen), day(f.LastSeen))
	}
	return w.Flush()
}

func day(t time.Time) string { return t.Local().Format(time.DateTime) }

type knowCmd struct {
	client
	ID     string `arg:"" help:"Id of the difference, from a report."`
	Why    string `help:"Why it is all right; it stands in the audit." placeholder:"TEXT"`
	Forget bool   `help:"Take it back: the difference is open again."`
}

func (c *knowCmd) Run(ctx context.Context, s *streams) error {
	if c.Forget == (strings.TrimSpace(c.Why) != "") {
		return coded{exitUsage, fmt.Errorf("know takes a reason, or --forget\n  quack know %s --why TEXT", c.ID)}
	}
	says, act := "known from now on", func() (reports.Group, error) { return c.connect().Know(ctx, c.ID, c.Why) }
	if c.Forget {
		says, act = "open again", func() (reports.Group, error) { return c.connect().Forget(ctx, c.ID) }
	}
	g, err := act()
	if err != nil {
		return anotherID(err, c.ID, ofDifference)
	}
	_, err = fmt.Fprintf(s.out, "%s: %s %s at %s is %s\n", oneLine(g.Route), g.Verdict, g.Kind, oneLine(g.Path), says)
	return err
}
