package admin

import (
	"net/http"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// ruleView is the rule for a group of differences, and what came of trying one.
type ruleView struct {
	Shown  bool   // the group counts, and its route is in the table
	Line   string // that would forgive it; "" when none is proposed
	Person string // why it takes a person's say; "" when the evidence supports it
	Input  string // what stands in the form
	Tried  *RuleTried
}

// ruleView proposes a rule for a group, and tries the one that was asked for.
// failed is what is wrong with that one.
func (s *server) ruleView(r *http.Request, g *reports.Group, try string) (v ruleView, failed *failure, err error) {
	t := s.control.Table()
	if g.Verdict == reports.VerdictForgiven || t == nil || t.Route(g.Route) == nil {
		return v, nil, nil
	}
	v.Shown = true
	observed, err := s.observations(r.Context(), g.Route)
	if err != nil {
		return v, nil, err
	}
	for _, found := range compare.Suggest(observed, t.Route(g.Route).Compare) {
		if found.Path == g.Path && found.Kind == compare.Kind(g.Kind) {
			v.Line, v.Person = routes.FormatRule(found.Rule), found.Person
		}
	}
	if v.Input = v.Line; try == "" {
		return v, nil, nil
	}
	v.Input = try
	tried, err := s.tryRule(r, g.Route, try)
	if err != nil {
		return v, failureOf(s.asProblem(r, err)), nil
	}
	v.Tried = &tried
	return v, nil, nil
}
