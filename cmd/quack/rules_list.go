package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/quackproxy/quack/reports"
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
	return writeRules(s.out, reports.ByPlace(list))
}

// writeRules writes a rule in two lines, so that long ones fit: a rule that
// many routes have from one place is one rule.
func writeRules(out io.Writer, list []reports.Stale) error {
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STATE\tFORGIVEN\tLAST MATCHED\tRULE")
	for _, u := range list {
		last := "never"
		if !u.LastMatched.IsZero() {
			last = u.LastMatched.Local().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", u.Says(), u.Forgiven, last, oneLine(u.Rule))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i, line := range strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n") {
		fmt.Fprintln(out, line)
		if i > 0 {
			fmt.Fprintf(out, "    %s\n", oneLine(list[i-1].About()))
		}
	}
	return nil
}
