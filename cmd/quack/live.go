package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/quackproxy/quack/admin"
)

type routesCmd struct {
	client
	JSON bool `name:"json" help:"Print JSON."`
}

func (c *routesCmd) Run(ctx context.Context, s *streams) error {
	list, err := c.connect().Routes(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, list)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ROUTE\tMATCH\tSTAGE\tSET BY")
	for _, r := range list {
		stage := r.Stage
		if r.Stage == "ramp" {
			stage = fmt.Sprintf("%s %g%%", stage, r.Percent)
		}
		by := "file"
		if r.Override != nil {
			by = fmt.Sprintf("%s: %s", r.Override.By, r.Override.Why)
		}
		fmt.Fprintf(w, "%s\t%s %s\t%s\t%s\n", r.Name, r.Method, r.Pattern, stage, by)
	}
	return w.Flush()
}

type stageCmd struct {
	client
	Route   string  `arg:"" help:"Name of the route."`
	Stage   string  `arg:"" help:"legacy, shadow, ramp, verify or new." enum:"legacy,shadow,ramp,verify,new"`
	Percent float64 `help:"With ramp: the share of clients that get the new side." placeholder:"N"`
	Why     string  `required:"" help:"Reason, for the audit."`
}

func (c *stageCmd) Run(ctx context.Context, s *streams) error {
	if err := c.connect().SetStage(ctx, c.Route, c.Stage, c.Percent, c.Why); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s is at %s\n", c.Route, c.Stage)
	return nil
}

type resetCmd struct {
	client
	Route string `arg:"" help:"Name of the route."`
	Why   string `required:"" help:"What was found and mended, for the audit."`
}

func (c *resetCmd) Run(ctx context.Context, s *streams) error {
	if err := c.connect().ResetLatch(ctx, c.Route, c.Why); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "writes of %s may be shadowed again\n", c.Route)
	return nil
}

type readonlyCmd struct {
	On     readonlyOnCmd     `cmd:"" help:"Hold writes back."`
	Off    readonlyOffCmd    `cmd:"" help:"Let writes through again."`
	Status readonlyStatusCmd `cmd:"" help:"Say whether writes are held back, since when, and why."`
}

type readonlyOnCmd struct {
	client
	Wait time.Duration `help:"Return when no write is under way any more, or with exit code 1 after this time." placeholder:"30s"`
	For  time.Duration `help:"Announce how long it will take; clients see it in Retry-After. Opens nothing by itself." placeholder:"15m"`
	Why  string        `required:"" help:"Message that blocked clients see, and reason for the audit."`
}

func (c *readonlyOnCmd) Run(ctx context.Context, s *streams) error {
	status, err := c.connect().SetReadonly(ctx, admin.ReadonlyChange{On: true, Why: c.Why, For: c.For, Wait: c.Wait})
	if err != nil {
		return err
	}
	return printReadonly(s, status)
}

type readonlyOffCmd struct {
	client
	Why string `required:"" help:"Reason, for the audit."`
}

func (c *readonlyOffCmd) Run(ctx context.Context, s *streams) error {
	status, err := c.connect().SetReadonly(ctx, admin.ReadonlyChange{Why: c.Why})
	if err != nil {
		return err
	}
	return printReadonly(s, status)
}

type readonlyStatusCmd struct {
	client
	JSON bool `name:"json" help:"Print JSON."`
}

func (c *readonlyStatusCmd) Run(ctx context.Context, s *streams) error {
	status, err := c.connect().Readonly(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, status)
	}
	return printReadonly(s, status)
}

func printReadonly(s *streams, status admin.ReadonlyStatus) error {
	if !status.ReadOnly {
		_, err := fmt.Fprintf(s.out, "read-write; %d writes under way\n", status.UnderWay)
		return err
	}
	fmt.Fprintf(s.out, "read-only since %s by %s: %s\n%d writes under way\n",
		status.Since.Local().Format(time.RFC3339), status.By, status.Why, status.UnderWay)
	if !status.Until.IsZero() {
		fmt.Fprintf(s.out, "announced until %s; 'quack readonly off' opens it\n", status.Until.Local().Format(time.RFC3339))
	}
	return nil
}

type auditCmd struct {
	client
	Limit int  `default:"50" help:"How many entries, newest first."`
	JSON  bool `name:"json" help:"Print JSON."`
}

func (c *auditCmd) Run(ctx context.Context, s *streams) error {
	entries, err := c.connect().Audit(ctx, c.Limit)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, entries)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "AT\tBY\tACTION\tWHAT\tWHY")
	for _, e := range entries {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.At.Local().Format(time.DateTime), e.By, e.Action, e.What, e.Why)
	}
	return w.Flush()
}

type statusCmd struct {
	client
}

func (c *statusCmd) Run(ctx context.Context, s *streams) error {
	status, err := c.connect().Status(ctx)
	if err != nil {
		return err
	}
	return printJSON(s, status)
}

type loginCmd struct{ client }

func (c *loginCmd) Run(ctx context.Context, s *streams) error {
	link, err := c.connect().LoginLink(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, strings.TrimSpace(link))
	return err
}

func printJSON(s *streams, v any) error {
	enc := json.NewEncoder(s.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
