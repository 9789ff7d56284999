package admin

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// SuggestedRule is one of GET /api/v1/rules/suggestions.
type SuggestedRule struct {
	Route string       `json:"route"`
	Path  string       `json:"path"`
	Kind  compare.Kind `json:"kind"`
	Rule  string       `json:"rule"` // the path and what is acceptable there
	Line  string       `json:"line"` // of routes.yaml

	// What speaks for it: see compare.Observation.
	Self     int `json:"self"`
	Calls    int `json:"calls"`
	Rechecks int `json:"rechecks"`
	Others   int `json:"others"`
	// Person is why it takes a person's say; "" when the evidence supports it.
	// With all=1 only.
	Person string `json:"person,omitempty"`
	// Effect is what the stored evidence would be under the rule.
	Effect reports.Tried `json:"effect"`
}

func (s *server) getSuggestions(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r, "route", "all")
	all := r.URL.Query().Get("all")
	if err == nil && all != "" && all != "0" && all != "1" {
		err = badRequest("all is 1, or left out.")
	}
	if err == nil && f.Route != "" {
		_, err = s.control.Route(f.Route)
	}
	var list []SuggestedRule
	if err == nil {
		list, err = s.suggestions(r, f.Route, all == "1")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, struct {
		Suggestions []SuggestedRule `json:"suggestions"`
	}{orEmpty(list)})
}

// suggestions are those of a route, or of all, in the file's order; with all
// also those that take a person's say.
func (s *server) suggestions(r *http.Request, route string, all bool) ([]SuggestedRule, error) {
	t := s.control.Table()
	if t == nil {
		return nil, nil
	}
	var list []SuggestedRule
	for _, known := range t.Routes() {
		if route != "" && known.Name != route {
			continue
		}
		observed, err := s.observations(r.Context(), known.Name)
		if err != nil {
			return nil, err
		}
		found, err := s.suggested(r, known, compare.Suggest(observed, known.Compare))
		if err != nil {
			return nil, err
		}
		for _, one := range found {
			if all || one.Person == "" {
				list = append(list, one)
			}
		}
	}
	return list, nil
}

// suggested tries what is suggested on the evidence. What would add differences
// takes a person's say.
func (s *server) suggested(r *http.Request, route *routes.Route, found []compare.Suggestion) ([]SuggestedRule, error) {
	var list []SuggestedRule
	var rules []compare.Rule
	for _, f := range found {
		if _, errs := route.Compare.And(f.Rule); errs != nil {
			continue // it would do nothing behind those in force
		}
		rules = append(rules, f.Rule)
		list = append(list, SuggestedRule{
			Route: route.Name, Path: f.Path, Kind: f.Kind, Rule: f.Rule.String(), Line: routes.FormatRule(f.Rule),
			Self: f.Self, Calls: f.Calls, Rechecks: f.Rechecks, Others: f.Others, Person: f.Person,
		})
	}
	if len(rules) == 0 {
		return nil, nil
	}
	tried, err := s.tryRules(r, route.Name, rules)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Effect = tried[i]
		if n := tried[i].Added; n > 0 && list[i].Person == "" {
			list[i].Person = fmt.Sprintf("it would add %d differences to the stored evidence", n)
		}
	}
	// What another rule settles by now needs no second one.
	return slices.DeleteFunc(list, func(s SuggestedRule) bool {
		return s.Effect.Forgiven == 0 && s.Effect.SettledAt(s.Route, s.Path, s.Kind)
	}), nil
}
