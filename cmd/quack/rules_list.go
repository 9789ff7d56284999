package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"
)

type rulesListCmd struct {
	client
	Route string `help:"Only the rules of this route." placeholder:"NAME"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

func (c *rulesListCmd) Run(ctx context.Context, s *streams) error {
	list, err := c.connect().Rules(ctx, c.Route)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, list)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(s.out, "there are no rules")
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ROUTE\tRULE\tFORGIVEN\tLAST MATCHED\tSTATE\tOWNER\tUNTIL\tAT\tWHY")
	for _, u := range list {
		last := "never"
		if !u.LastMatched.IsZero() {
			last = u.LastMatched.Local().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(u.Route), oneLine(u.Rule), u.Forgiven, last,
			u.Says(), oneLine(u.Owner), oneLine(u.Until), oneLine(u.At), oneLine(u.Why))
	}
	return w.Flush()
}
