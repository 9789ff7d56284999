package main

import (
	"context"
	"fmt"
	"io"

	"github.com/quackproxy/quack/admin"
)

type rulesSuggestCmd struct {
	client
	Route string `help:"Only for this route." placeholder:"NAME"`
	All   bool   `help:"Also what the evidence does not support, for a person to decide."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

func (c *rulesSuggestCmd) Run(ctx context.Context, s *streams) error {
	list, err := waiting(s, "trying rules on the stored evidence", 0, func() ([]admin.SuggestedRule, error) { return c.connect().Suggestions(ctx, c.Route, c.All) })
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, list)
	}
	writeSuggestions(s.out, list)
	if !c.All && len(list) == 0 {
		fmt.Fprintln(s.out, "what the evidence does not support is shown with --all; quack calibrate shows what legacy does by itself")
	}
	return nil
}

// writeSuggestions writes the supported rules route by route, ready for
// routes.yaml, then those that take a person's say.
func writeSuggestions(w io.Writer, list []admin.SuggestedRule) {
	var supported, undecided []admin.SuggestedRule
	for _, one := range list {
		if one.Person == "" {
			supported = append(supported, one)
		} else {
			undecided = append(undecided, one)
		}
	}
	if len(supported) == 0 {
		fmt.Fprintln(w, "the evidence supports no rule that is not there yet")
	}
	writeByRoute(w, supported)
	if len(undecided) > 0 {
		fmt.Fprintln(w, "\nFOR A PERSON TO DECIDE")
		writeByRoute(w, undecided)
	}
}

func writeByRoute(w io.Writer, list []admin.SuggestedRule) {
	route := ""
	for i, one := range list {
		if i == 0 || one.Route != route {
			route = one.Route
			fmt.Fprintf(w, "# %s\n", oneLine(route))
		}
		fmt.Fprintf(w, "%s\n", one.Line)
		fmt.Fprintf(w, "    # %s\n", oneLine(witness(one)))
		if one.Person != "" {
			fmt.Fprintf(w, "    # %s\n", oneLine(one.Person))
		}
		fmt.Fprintf(w, "    # %s\n", one.Effect.Effect())
	}
}

// witness is what was seen of legacy and of new.
func witness(r admin.SuggestedRule) string {
	says := "no calibration"
	if r.Calls > 0 {
		says = fmt.Sprintf("legacy against itself: %d of %d calls", r.Self, r.Calls)
	}
	return fmt.Sprintf("%s %s; %s; re-checks in which legacy had moved: %d; mismatches: %d", r.Kind, r.Path, says, r.Rechecks, r.Others)
}
