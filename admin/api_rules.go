package admin

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// ruleTrial is POST /api/v1/rules/try.
type ruleTrial struct {
	Rule  string `json:"rule"` // as in routes.yaml
	Route string `json:"route,omitempty"`
}

// RuleTried is what POST /api/v1/rules/try answers: what the stored evidence of
// the routes says under the rule.
type RuleTried struct {
	Rule  string `json:"rule"`  // the path and what is acceptable there
	Line  string `json:"line"`  // of routes.yaml
	Route string `json:"route"` // "" for all
	reports.Tried
}

func (s *server) postRuleTry(w http.ResponseWriter, r *http.Request) {
	var t ruleTrial
	err := decode(r, &t)
	if err == nil && t.Route != "" {
		_, err = s.control.Route(t.Route)
	}
	var tried RuleTried
	if err == nil {
		tried, err = s.tryRule(r, t.Route, t.Rule)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, tried)
}

func (s *server) getRules(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r, "route")
	if err == nil && f.Route != "" {
		_, err = s.control.Route(f.Route)
	}
	var list []reports.RuleUse
	if err == nil {
		list, err = s.rules(r.Context(), f.Route)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, struct {
		Rules []reports.RuleUse `json:"rules"`
	}{orEmpty(list)})
}

// rules are those of a route, or of all, in the file's order, and what they
// have done.
func (s *server) rules(ctx context.Context, route string) ([]reports.RuleUse, error) {
	t := s.control.Table()
	if t == nil {
		return nil, nil
	}
	var list []reports.RuleUse
	for _, known := range t.Routes() {
		if route != "" && known.Name != route {
			continue
		}
		for _, rule := range known.Rules() {
			list = append(list, reports.RuleUse{
				Route: known.Name, Rule: rule.String(), Owner: rule.Owner, Until: rule.Until, Why: rule.Why, At: rule.Position.String(),
			})
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	if err := s.reports.RuleUses(ctx, route, list, time.Now()); err != nil {
		return nil, fmt.Errorf("read what rules have done: %w", err)
	}
	return list, nil
}

// overdue counts the rules past their last day, of the routes that have some.
func (s *server) overdue(today time.Time) map[string]int64 {
	t := s.control.Table()
	if t == nil {
		return nil
	}
	counts := map[string]int64{}
	for _, known := range t.Routes() {
		for _, rule := range known.Rules() {
			if reports.Overdue(rule.Until, today) {
				counts[known.Name]++
			}
		}
	}
	return counts
}

// tryRule tries a rule as it is written, on one route or, with "", on all.
func (s *server) tryRule(r *http.Request, route, text string) (RuleTried, error) {
	rule, err := routes.ParseRule("rule", text)
	if err != nil {
		return RuleTried{}, err
	}
	tried, err := s.tryRules(r, route, []compare.Rule{rule})
	if err != nil {
		return RuleTried{}, err
	}
	return RuleTried{Rule: rule.String(), Line: routes.FormatRule(rule), Route: route, Tried: tried[0]}, nil
}

// tryRules tries each of some rules alone, behind the rules in force.
func (s *server) tryRules(r *http.Request, route string, rules []compare.Rule) ([]reports.Tried, error) {
	inForce := map[string]*compare.Rules{}
	trials := make([]map[string]*compare.Rules, len(rules))
	for i := range trials {
		trials[i] = map[string]*compare.Rules{}
	}
	if t := s.control.Table(); t != nil {
		for _, known := range t.Routes() {
			if route != "" && known.Name != route {
				continue
			}
			inForce[known.Name] = known.Compare
			for i, rule := range rules {
				with, errs := known.Compare.And(rule)
				switch {
				case errs == nil:
					trials[i][known.Name] = with
				case route != "":
					return nil, refusedBehind(known, errs[0])
				default: // it can do nothing there
					trials[i][known.Name] = known.Compare
				}
			}
		}
	}
	tried, err := s.reports.Try(r.Context(), route, inForce, trials)
	if err != nil {
		return nil, fmt.Errorf("try the rule on the stored evidence: %w", err)
	}
	return tried, nil
}

// refusedBehind is the error of a rule that is right in itself, and can not
// stand behind those of a route.
func refusedBehind(r *routes.Route, e compare.RuleError) error {
	return &problemError{
		status: http.StatusUnprocessableEntity, kind: "refused", title: "Refused, as it would be in the file",
		detail: fmt.Sprintf("behind the rules of route %s: %s: %v", r.Name, e.Field, e.Err),
	}
}
