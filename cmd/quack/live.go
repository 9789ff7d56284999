package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/internal/wording"
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
			by = oneLine(fmt.Sprintf("%s: %s", r.Override.By, r.Override.Why))
		}
		fmt.Fprintf(w, "%s\t%s %s\t%s\t%s\n", r.Name, r.Method, r.Pattern, stage, by)
	}
	return w.Flush()
}

type stageCmd struct {
	client
	Route   string   `arg:"" help:"Name of the route."`
	Stage   string   `arg:"" help:"legacy, shadow, ramp, verify or new." enum:"legacy,shadow,ramp,verify,new"`
	Percent *float64 `help:"With ramp, and required there: the share of clients that get the new side." placeholder:"N"`
	Why     string   `required:"" help:"Reason, for the audit."`
}

func (c *stageCmd) Run(ctx context.Context, s *streams) error {
	percent, err := c.percent()
	if err != nil {
		return coded{exitUsage, err}
	}
	if err := c.connect().SetStage(ctx, c.Route, c.Stage, percent, c.Why); err != nil {
		return err
	}
	set := c.Stage
	if c.Percent != nil {
		set = fmt.Sprintf("%s %g%%", set, percent)
	}
	fmt.Fprintf(s.out, "%s is at %s\n", c.Route, set)
	return nil
}

// percent is --percent, which goes with ramp and with nothing else: a share left
// out would be 0, nobody on the new side.
func (c *stageCmd) percent() (float64, error) {
	switch {
	case c.Percent == nil && c.Stage == "ramp":
		return 0, errors.New("stage ramp without a percentage\n  say which share of the clients gets the new side, as in --percent 5")
	case c.Percent == nil:
		return 0, nil
	case c.Stage != "ramp":
		return 0, fmt.Errorf("--percent has a meaning only with ramp\n  leave it out with %s", c.Stage)
	case !(*c.Percent >= 0 && *c.Percent <= 100): // so that NaN is refused too
		return 0, fmt.Errorf("--percent %v is not a number from 0 to 100", *c.Percent)
	}
	return *c.Percent, nil
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
	status, err := waiting(s, "waiting until no write is under way", c.Wait, func() (admin.ReadonlyStatus, error) {
		return c.connect().SetReadonly(ctx, admin.ReadonlyChange{On: true, Why: c.Why, For: c.For, Wait: c.Wait})
	})
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
	Wait time.Duration `help:"Return when no write is under way any more, or with exit code 1 after this time or when writes are not held back. Changes nothing." placeholder:"30s"`
	JSON bool          `name:"json" help:"Print JSON."`
}

func (c *readonlyStatusCmd) Run(ctx context.Context, s *streams) error {
	status, err := waiting(s, "waiting until no write is under way", c.Wait, func() (admin.ReadonlyStatus, error) { return c.ask(ctx) })
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, status)
	}
	return printReadonly(s, status)
}

func (c *readonlyStatusCmd) ask(ctx context.Context) (admin.ReadonlyStatus, error) {
	if c.Wait != 0 {
		return c.connect().AwaitDrained(ctx, c.Wait)
	}
	return c.connect().Readonly(ctx)
}

func printReadonly(s *streams, status admin.ReadonlyStatus) error {
	if !status.ReadOnly {
		_, err := fmt.Fprintf(s.out, "read-write; %d writes under way\n", status.UnderWay)
		return err
	}
	fmt.Fprintf(s.out, "read-only since %s by %s: %s\n%d writes under way\n",
		status.Since.Local().Format(time.RFC3339), oneLine(status.By), oneLine(status.Why), status.UnderWay)
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
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.At.Local().Format(time.DateTime), oneLine(e.By), e.Action, oneLine(e.What), oneLine(e.Why))
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

// oneLine is text with what is not printable escaped, as in \n: what someone
// wrote must not begin a line or a column of its own, or steer the terminal.
func oneLine(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

func printJSON(s *streams, v any) error {
	return wording.JSON(s.out, v)
}
