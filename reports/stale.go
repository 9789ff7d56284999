package reports

import (
	"fmt"
	"slices"
	"strings"
)

// Stale is a rule as it stands in the file, on all the routes that have it from
// one place; mostly one that needs attention.
type Stale struct {
	RuleUse          // added up over the routes; of Route the first
	Routes  []string `json:"routes"`
}

// Attention are the rules that are past their last day, or have matched nothing
// on any of the routes that they are for, in the order of list. A rule that one
// route needs is needed.
func Attention(list []RuleUse) []Stale {
	return slices.DeleteFunc(ByPlace(list), func(s Stale) bool { return !s.Attention() })
}

// ByPlace adds rules up over the routes that have them from one place of the
// file, in the order of list.
func ByPlace(list []RuleUse) []Stale {
	type place struct{ at, rule string }
	var all []*Stale
	known := map[place]*Stale{}
	for _, u := range list {
		s := known[place{u.At, u.Rule}]
		if s == nil {
			s = &Stale{RuleUse: u, Routes: []string{u.Route}}
			known[place{u.At, u.Rule}] = s
			all = append(all, s)
			continue
		}
		s.Routes = append(s.Routes, u.Route)
		s.Forgiven += u.Forgiven
		s.Compared += u.Compared
		s.State = moreTelling(s.State, u.State)
		if u.LastMatched.After(s.LastMatched) {
			s.LastMatched = u.LastMatched
		}
	}
	placed := make([]Stale, len(all))
	for i, s := range all {
		placed[i] = *s
	}
	return placed
}

// moreTelling is the state of a rule that has two on two routes.
func moreTelling(a, b RuleState) RuleState {
	order := []RuleState{RuleOverdue, RuleInUse, RuleUnused, RuleUntried}
	if slices.Index(order, b) < slices.Index(order, a) {
		return b
	}
	return a
}

// On names the routes of a rule.
func (s Stale) On() string {
	if len(s.Routes) == 1 {
		return s.Routes[0]
	}
	return fmt.Sprintf("%d routes", len(s.Routes))
}

// About is what else is known of a rule, the empty left out.
func (s Stale) About() string {
	parts := []string{s.On()}
	if s.Until != "" {
		parts = append(parts, "until "+s.Until)
	}
	for _, part := range []string{s.Owner, s.At, s.Why} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " · ")
}
