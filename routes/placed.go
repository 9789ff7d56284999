package routes

import "github.com/quackproxy/quack/compare"

// PlacedRule is a rule of a route and where it stands in the file.
type PlacedRule struct {
	compare.Rule
	Position Position
}

// Rules are the rules of a route, those of its ancestors first.
func (r *Route) Rules() []PlacedRule {
	if r.rules == nil {
		return nil
	}
	list := make([]PlacedRule, len(r.rules.rules))
	for i, rule := range r.rules.rules {
		list[i] = PlacedRule{rule, r.rules.at[i].Position}
	}
	return list
}
