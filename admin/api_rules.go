package admin

import (
	"fmt"
	"net/http"

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
				if errs != nil {
					return nil, badRequest(fmt.Sprintf("The rule can not stand behind those of route %s: %v", known.Name, errs[0].Err))
				}
				trials[i][known.Name] = with
			}
		}
	}
	tried, err := s.reports.Try(r.Context(), route, inForce, trials)
	if err != nil {
		return nil, fmt.Errorf("try the rule on the stored evidence: %w", err)
	}
	return tried, nil
}
