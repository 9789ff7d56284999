package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

type rulesCmd struct {
	List    rulesListCmd    `cmd:"" help:"Show the rules, what each has forgiven, and which need attention."`
	Suggest rulesSuggestCmd `cmd:"" help:"Propose rules that the evidence supports."`
	Try     rulesTryCmd     `cmd:"" help:"Say what the stored evidence would have been under a rule."`
}

type rulesTryCmd struct {
	client
	Rule  string `arg:"" help:"The rule as in routes.yaml: '{path: $.score, tolerance: 0.01}'."`
	Route string `help:"Only the evidence of this route." placeholder:"NAME"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// unlisted takes the dash of a list off arguments: a rule is copied with it from
// a routes.yaml or from rules suggest, and would be taken for a flag.
func unlisted(args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if rule, isItem := strings.CutPrefix(arg, "- {"); isItem {
			args[i] = "{" + rule
		}
	}
	return args
}

func (c *rulesTryCmd) Run(ctx context.Context, s *streams) error {
	if rule := strings.TrimSpace(c.Rule); strings.HasPrefix(rule, "path:") {
		c.Rule = "{" + rule + "}"
	}
	if _, err := routes.ParseRule("rule", c.Rule); err != nil {
		return coded{exitUsage, err}
	}
	tried, err := waiting(s, "trying the rule on the stored evidence", 0, func() (admin.RuleTried, error) { return c.connect().TryRule(ctx, c.Route, c.Rule) })
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, tried)
	}
	return writeTried(s.out, tried)
}

func writeTried(w io.Writer, t admin.RuleTried) error {
	fmt.Fprintln(w, oneLine(t.Rule))
	fmt.Fprintln(w, t.Effect())
	if t.Looked == 0 {
		return nil
	}
	fmt.Fprintln(w)
	if err := writeVerdicts(w, t.Verdicts); err != nil {
		return err
	}
	for _, why := range slices.Sorted(maps.Keys(t.CanNotSay)) {
		fmt.Fprintf(w, "can not say of %d: %s\n", t.CanNotSay[why], why)
	}
	if len(t.Places) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return writePlaces(w, t.Places)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func writeVerdicts(out io.Writer, verdicts []reports.TriedVerdict) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VERDICT\tSTORED\tWOULD MATCH\tCHANGE\tSTAY\tWOULD DIFFER\tMATCH BY NOW\tCAN NOT SAY")
	for _, v := range verdicts {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", v.Verdict, v.Stored, v.Match, v.Change, v.Stay, v.Worse, v.Already, v.CanNotSay)
	}
	return w.Flush()
}

// shownWidth is how much of a value is shown, in characters.
const shownWidth = 60

func writePlaces(out io.Writer, places []reports.TriedPlace) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FORGIVEN\tADDED\tLEFT\tKIND\tPLACE\tROUTE")
	for _, p := range places {
		left := fmt.Sprint(p.Left)
		if p.Left == 0 {
			left = "vanishes"
		}
		fmt.Fprintf(w, "%d\t%d\t%s\t%s\t%s\t%s\n", p.Forgiven, p.Added, left, p.Kind, oneLine(p.Path), oneLine(p.Route))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range places {
		fmt.Fprintf(out, "\n%s %s\n", oneLine(p.Path), p.Kind)
		for _, s := range p.Samples {
			fmt.Fprintf(out, "  %s → %s   quack diff %s\n", shortValue(s.Legacy), shortValue(s.New), oneLine(s.ID))
		}
	}
	return nil
}

// shortValue is the beginning of a value, in one line.
func shortValue(value string) string {
	if value == "" {
		return "(absent)"
	}
	r := []rune(oneLine(value))
	if len(r) > shownWidth {
		return string(r[:shownWidth-1]) + "…"
	}
	return string(r)
}
