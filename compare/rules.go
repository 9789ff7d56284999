package compare

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Rules are compiled rules. The zero value and nil have no rules. Safe for
// concurrent use.
type Rules struct {
	list    []Rule
	actions []action           // by rule
	reasons []string           // by rule: Forgiven.Reason
	paths   automaton          // the JSON paths
	tables  *Rules             // those for tables, by numbers of this list; nil when there are none
	fields  map[string][]int32 // rules by "header:Name" and the like
	links   []string           // names of the mappings; action.link points into it

	options   Options
	inBody    bool // some rule has a JSON path
	unordered bool // some of these are unordered, or say by what elements are paired
	linked    bool // some of these have same
	partial   bool // some of these ignore differences of one kind
	optional  bool // of these, some what only one side has
	renaming  bool // some of these rename a member
}

// Compile compiles rules, all errors at once; with errors the Rules are nil.
// It refuses a rule that would forgive a whole answer (ignore of "$", "$.*",
// "$..*", any rule for "status" ...), a path that can not be parsed or can
// match nothing, an action that means nothing at its path, and a rule that is
// there already.
func Compile(rules []Rule) (*Rules, []RuleError) { return CompileBelow(nil, rules) }

// CompileBelow compiles the rules that a node inherits and, behind them, its
// own; RuleError.Index counts both. A rule may make one that is inherited idle
// (it ignores more), since that one may hold elsewhere.
func CompileBelow(inherited, own []Rule) (*Rules, []RuleError) {
	c := &Rules{list: slices.Concat(inherited, own), fields: map[string][]int32{}}
	c.paths.init()
	var errs []RuleError
	places := make([]rulePlace, len(c.list))
	for i, r := range c.list {
		before := len(errs)
		fail := func(field string, err error) { errs = append(errs, RuleError{Index: i, Field: field, Err: err}) }
		act := c.action(r, fail)
		if r.Until != "" {
			if _, err := time.Parse(time.DateOnly, r.Until); err != nil {
				fail("until", fmt.Errorf("%q is not a date\nwrite the last day as YYYY-MM-DD, such as 2027-01-31", r.Until))
			}
		}
		place, err := parsePlace(r, &act)
		if err != nil {
			fail("path", err)
		} else if act.name != "" {
			act.modify(r, place, fail)
		}
		c.actions = append(c.actions, act)
		c.reasons = append(c.reasons, cmp.Or(r.Reason, "rule "+r.String()))
		if places[i] = place; len(errs) == before {
			c.enter(int32(i), place, &c.actions[i])
		} else {
			places[i].space = "" // takes no part in what rules are beside each other
		}
	}
	errs = append(errs, c.beside(places, len(inherited))...)
	if len(errs) > 0 {
		slices.SortStableFunc(errs, func(a, b RuleError) int { return a.Index - b.Index })
		return nil, errs
	}
	if t := c.tables; t != nil {
		t.list, t.actions, t.reasons, t.links = c.list, c.actions, c.reasons, c.links
	}
	return c, nil
}

// List is the rules as written, in order.
func (r *Rules) List() []Rule {
	if r == nil {
		return nil
	}
	return slices.Clone(r.list)
}

// enter enters a rule under its place.
func (r *Rules) enter(i int32, place rulePlace, act *action) {
	switch place.space {
	case inJSON:
	case inTables:
		if r.tables == nil {
			r.tables = &Rules{}
			r.tables.paths.init()
		}
		r = r.tables
	default:
		r.fields[place.field] = append(r.fields[place.field], i)
		return
	}
	r.inBody = true
	r.unordered = r.unordered || act.unordered || act.by != nil
	r.linked = r.linked || act.link > 0
	r.partial = r.partial || act.partial != ""
	r.optional = r.optional || act.partial == KindMissing || act.partial == KindAdded
	if act.rename != "" {
		r.renaming = true
		r.paths.rename(place.segments, alias{legacy: place.last().name, new: act.rename, rule: i}, act.side)
		return
	}
	r.paths.add(place.segments, i)
}

// field lists the rules for a place outside the body.
func (r *Rules) field(path string) []int32 {
	if r == nil || len(r.fields) == 0 {
		return nil
	}
	return r.fields[path]
}

// ofTime reports whether a verdict forgives because two timestamps are close
// to each other.
func (r *Rules) ofTime(v verdict) bool {
	return v.reason == byTimestamp || v.reason == byRule && r.actions[v.rule].within > 0
}

// never is a bound that no two timestamps are within.
const never = time.Duration(-1)

// timeBound is how far apart timestamps may be at a place, and why: the widest
// of its rules with within, or what is built in when it has none.
func (r *Rules) timeBound(applicable []int32) (time.Duration, verdict) {
	bound, v := time.Duration(0), verdict{}
	for _, i := range applicable {
		if within := r.actions[i].within; within > bound {
			bound, v = within, forgivenBy(i)
		}
	}
	switch {
	case bound > 0:
		return bound, v
	case r.off(Timestamps):
		return never, verdict{}
	}
	return TimestampBound, verdict{reason: byTimestamp}
}
