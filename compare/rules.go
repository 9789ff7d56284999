package compare

import (
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// Rules are compiled rules. The zero value and nil have no rules. Safe for
// concurrent use.
type Rules struct {
	list    []Rule
	actions []action           // by rule
	reasons []string           // by rule: Forgiven.Reason
	paths   automaton          // the JSON paths
	fields  map[string][]int32 // rules by "header:Name", "table:name" and the like
	links   []string           // names of the mappings; action.link points into it

	options   Options
	inBody    bool // some rule has a JSON path
	unordered bool // some of these are unordered, or say by what elements are paired
	linked    bool // some of these have same
}

// action is what one rule accepts. Exactly one field is set, save that by may
// stand beside unordered.
type action struct {
	ignore    bool
	unordered bool
	by        []segment // names only: the key of an element, by which elements are paired; nil without one. unordered says whether another order is forgiven
	within    time.Duration
	tolerance *tolerance
	link      int32 // index in Rules.links plus one
}

// Compile compiles rules, all errors at once; with errors the Rules are nil.
// It refuses a rule that would forgive a whole answer (ignore of "$", "$.*",
// "$..*", any rule for "status" ...), a path that can not be parsed, and an
// action that means nothing at its path.
func Compile(rules []Rule) (*Rules, []RuleError) {
	c := &Rules{list: slices.Clone(rules), fields: map[string][]int32{}}
	c.paths.init()
	var errs []RuleError
	for i, r := range rules {
		fail := func(field string, err error) { errs = append(errs, RuleError{Index: i, Field: field, Err: err}) }
		act := c.action(r, fail)
		if r.Until != "" {
			if _, err := time.Parse(time.DateOnly, r.Until); err != nil {
				fail("until", fmt.Errorf("%q is not a date\nwrite the last day as YYYY-MM-DD, such as 2027-01-31", r.Until))
			}
		}
		c.actions = append(c.actions, act)
		c.reasons = append(c.reasons, "rule "+r.String())
		if err := c.place(int32(i), r, act); err != nil {
			fail("path", err)
		}
	}
	if len(errs) > 0 {
		return nil, errs
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

// action compiles what the rule accepts and reports each fault in it.
func (r *Rules) action(rule Rule, fail func(field string, err error)) action {
	switch set := rule.actions(); {
	case len(set) == 0:
		fail("path", fmt.Errorf("the rule for %q accepts nothing\ngive it one of ignore, within, tolerance, unordered, same", rule.Path))
	case len(set) > 1:
		fail(set[1].field, fmt.Errorf("the rule for %q has both %q and %q\nsplit it into one rule for each", rule.Path, set[0].field, set[1].field))
	}
	act := action{ignore: rule.Ignore, unordered: rule.Unordered}
	if rule.Within != "" {
		d, err := time.ParseDuration(rule.Within)
		if err != nil || d <= 0 {
			fail("within", fmt.Errorf("%q is not a positive duration\nwrite it with a unit, such as 500ms, 2s or 1h30m", rule.Within))
		}
		act.within = d
	}
	if rule.Tolerance != "" {
		t, err := parseTolerance(rule.Tolerance)
		if err != nil {
			fail("tolerance", err)
		}
		act.tolerance = t
	}
	if rule.By != "" {
		by, err := parseKey(rule.By)
		if err != nil {
			fail("by", err)
		}
		act.by = by
	}
	if rule.Same != "" {
		act.link = r.link(rule.Same)
	}
	return act
}

// link is the index plus one of a mapping, by its name.
func (r *Rules) link(name string) int32 {
	i := slices.Index(r.links, name)
	if i < 0 {
		i = len(r.links)
		r.links = append(r.links, name)
	}
	return int32(i) + 1
}

// place parses the path of a rule and enters the rule under it.
func (r *Rules) place(i int32, rule Rule, act action) error {
	if rule.Path == "" {
		return errors.New("the rule has no path\nwrite one such as $.items[*].price or header:NAME")
	}
	if strings.HasPrefix(rule.Path, "$") {
		segments, err := parsePath(rule.Path)
		if err != nil {
			return err
		}
		if rule.Ignore && wildcardsOnly(segments) {
			return fmt.Errorf("ignore of %q forgives a whole answer\nname the fields that may differ, one rule for each", rule.Path)
		}
		r.paths.add(segments, i)
		r.inBody = true
		r.unordered = r.unordered || act.unordered || act.by != nil
		r.linked = r.linked || rule.Same != ""
		return nil
	}
	field, err := parseField(rule.Path, act)
	if err != nil {
		return err
	}
	r.fields[field] = append(r.fields[field], i)
	return nil
}

// parseField gives the canonical form of a path outside the body, and refuses
// what the action can not mean there.
func parseField(path string, act action) (string, error) {
	space, name, found := strings.Cut(path, ":")
	switch {
	case path == "status" || path == "body":
		return "", fmt.Errorf("a rule for %q forgives a whole answer\nname the fields of the answer that may differ; a status that may differ is a change of the endpoint", path)
	case !found || !slices.Contains([]string{"header", "trailer", "cookie", "table"}, space):
		return "", fmt.Errorf("%q is not a path\nwrite a JSONPath that begins with $, or header:NAME, trailer:NAME, cookie:NAME, table:NAME", path)
	case name == "" || name == "*":
		return "", fmt.Errorf("%q names no %s\nname one, one rule for each", path, space)
	case act.unordered || act.by != nil || act.tolerance != nil:
		return "", fmt.Errorf("%q holds neither arrays nor numbers\nunordered, by and tolerance are for JSON paths; here take %s", path, fitting(space))
	case space == "table":
		if !act.ignore && (act.within != 0 || act.link != 0) {
			return "", fmt.Errorf("%q stands for row counts\nhere take ignore", path)
		}
		return path, nil
	case !isToken(name):
		return "", fmt.Errorf("%q is not the name of a %s\nwrite the name alone, such as %s:%s", path, space, space, example(space))
	case space == "cookie":
		return path, nil
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	switch {
	case name == "Set-Cookie":
		return "", fmt.Errorf("cookies are compared one by one\nwrite cookie:NAME for each that may differ")
	case isOwn(name):
		return "", fmt.Errorf("%q is never compared\nleave the rule out: Quack's own fields are not part of the answer", path)
	}
	return space + ":" + name, nil
}

func fitting(space string) string {
	if space == "table" {
		return "ignore"
	}
	return "ignore, within or same"
}

func example(space string) string {
	if space == "cookie" {
		return "session"
	}
	return "X-Cache"
}

// isToken reports whether s is a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// field lists the rules for a place outside the body.
func (r *Rules) field(path string) []int32 {
	if r == nil || len(r.fields) == 0 {
		return nil
	}
	return r.fields[path]
}

// timeBound is how far apart timestamps may be at a place, and why: the widest
// of its rules with within, or what is built in when it has none.
func (r *Rules) timeBound(applicable []int32) (time.Duration, verdict) {
	bound, v := time.Duration(0), verdict{}
	for _, i := range applicable {
		if within := r.actions[i].within; within > bound {
			bound, v = within, forgivenBy(i)
		}
	}
	if bound == 0 {
		return TimestampBound, verdict{reason: byTimestamp}
	}
	return bound, v
}
