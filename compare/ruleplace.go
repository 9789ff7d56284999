package compare

import (
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
)

// inJSON is the space of rules whose path is a JSONPath.
const inJSON = "$"

// rulePlace is where a rule holds.
type rulePlace struct {
	space    string    // inJSON, "header", "trailer", "cookie", "effect" or inTables; "" for none
	segments []segment // of a JSONPath, and of what stands in tables
	field    string    // outside the body: the canonical form of the path
}

// last is the segment that the place ends in. It has one.
func (p rulePlace) last() segment { return p.segments[len(p.segments)-1] }

// named reports whether the place is that of members of one name.
func (p rulePlace) named() bool {
	return len(p.segments) > 0 && !p.last().wild && p.last().index < 0
}

// parsePlace parses the path of a rule, and refuses what the action can not
// mean there.
func parsePlace(rule Rule, act *action) (rulePlace, error) {
	if rule.Path == "" {
		return rulePlace{}, errors.New("the rule has no path\nwrite one such as $.items[*].price or header:NAME")
	}
	if text, ok := strings.CutPrefix(rule.Path, "table:"); ok {
		return parseTableRule(rule, text, act)
	}
	if !strings.HasPrefix(rule.Path, "$") {
		return parseField(rule.Path, act)
	}
	segments, err := parsePath(rule.Path)
	if err != nil {
		return rulePlace{}, err
	}
	p := rulePlace{space: inJSON, segments: segments}
	return p, p.renamed(rule, act)
}

// renamed refuses a rename that can not be one.
func (p rulePlace) renamed(rule Rule, act *action) error {
	switch {
	case act.rename == "":
	case !p.named():
		return fmt.Errorf("%q does not end in a name\nrename is for a member: end the path in the name that it has on one side", rule.Path)
	case p.last().name == act.rename:
		return fmt.Errorf("%q is called %q on both sides\nwrite the name that it has on the other side", rule.Path, act.rename)
	}
	return nil
}

// parseTableRule parses the path of a rule for a table, its rows or a column, and
// refuses what the action can not mean there.
func parseTableRule(rule Rule, text string, act *action) (rulePlace, error) {
	p := rulePlace{space: inTables, field: rule.Path}
	if text == "" || text == "*" {
		return p, fmt.Errorf("%q names no table\nname one, one rule for each", rule.Path)
	}
	var err error
	if p.segments, err = parseTable(rule.Path, text); err != nil {
		return p, err
	}
	switch {
	case act.ignore || act.name == "" || len(p.segments) > 1 || p.segments[0].descend:
		return p, p.renamed(rule, act)
	case act.unordered || act.by != nil:
		return p, fmt.Errorf("%q is a table, whose rows are paired in whatever order they were written\nleave the rule out; a column that holds a JSON array is %s.COLUMN", rule.Path, rule.Path)
	}
	return p, fmt.Errorf("%q is a table\nhere take ignore; %s is for a column: %s.COLUMN", rule.Path, act.name, rule.Path)
}

// hopByHop are the fields, in canonical form, that end with the connection (RFC
// 9110 section 7.6.1) or are meant for a proxy (section 11.7), and are taken
// off before answers are compared.
var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// parseField gives the canonical form of a path outside the body.
func parseField(path string, act *action) (rulePlace, error) {
	space, name, found := strings.Cut(path, ":")
	p := rulePlace{space: space, field: path}
	switch {
	case path == "status" || path == "body":
		return p, fmt.Errorf("a rule for %q forgives a whole answer\nname the fields of the answer that may differ; a status that may differ is a change of the endpoint", path)
	case !found || !slices.Contains([]string{"header", "trailer", "cookie", "effect"}, space):
		return p, fmt.Errorf("%q is not a path\nwrite a JSONPath that begins with $, or header:NAME, trailer:NAME, cookie:NAME, table:NAME, table:NAME.COLUMN, effect:NAME", path)
	case name == "" || name == "*":
		return p, fmt.Errorf("%q names no %s\nname one, one rule for each", path, space)
	case act.unordered || act.by != nil || act.tolerance != nil || act.rename != "":
		return p, fmt.Errorf("%q holds neither arrays, numbers nor members\nunordered, by, tolerance and rename are for JSON paths; here take %s", path, fitting(space))
	case space == "effect":
		if act.name != "ignore" && act.name != "" {
			return p, fmt.Errorf("%q stands for counts\nhere take ignore", path)
		}
		return p, nil
	case !isToken(name):
		return p, fmt.Errorf("%q is not the name of a %s\nwrite the name alone, such as %s:%s", path, space, space, example(space))
	case space == "cookie":
		return p, nil
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	switch {
	case name == "Set-Cookie":
		return p, fmt.Errorf("cookies are compared one by one\nwrite cookie:NAME for each that may differ")
	case isOwn(name):
		return p, fmt.Errorf("%q is never compared\nleave the rule out: Quack's own fields are not part of the answer", path)
	case slices.Contains(hopByHop, name):
		return p, fmt.Errorf("%q is never compared\nleave the rule out: fields that end with the connection (RFC 9110 section 7.6.1) are not part of the answer", path)
	}
	p.field = space + ":" + name
	return p, nil
}

func fitting(space string) string {
	if space == "effect" {
		return "ignore"
	}
	return "ignore, within, same, matches, format, empty, case or rewrite"
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

// beside refuses rules for what they are beside the others: those that are
// there already, and those for what another one ignores anyway. Of those that
// are inherited nothing is said, save of one by another.
func (r *Rules) beside(places []rulePlace, inherited int) []RuleError {
	var errs []RuleError
	known := map[string]bool{}
	var broad []int // rules that ignore all below a JSON path
	for i, p := range places {
		if r.actions[i].ignore && p.space == inJSON {
			broad = append(broad, i)
		}
	}
	for i, p := range places {
		if p.space == "" || r.list[i].Reason != "" {
			continue
		}
		text := r.list[i].String()
		key := p.String() + strings.TrimPrefix(text, r.list[i].Path)
		if known[key] {
			errs = append(errs, RuleError{i, "path", fmt.Errorf("the rule %q is there already\nleave one of them out", text)})
			continue
		}
		known[key] = true
		for _, k := range broad {
			if k != i && p.space == inJSON && (k < inherited || i >= inherited) && covers(places[k].segments, p.segments) {
				errs = append(errs, RuleError{i, "path", fmt.Errorf("%q stands below what the rule %q ignores, so that it can forgive nothing\nleave it out, or narrow the other rule down", r.list[i].Path, r.list[k])})
				break
			}
		}
	}
	return errs
}

// String is the canonical form of the path.
func (p rulePlace) String() string {
	if p.space != inJSON {
		return p.field
	}
	s := "$"
	for _, g := range p.segments {
		if g.descend {
			s += ".."
		}
		switch {
		case g.wild:
			s += "[*]"
		case g.index >= 0:
			s += fmt.Sprintf("[%d]", g.index)
		default:
			s += fmt.Sprintf("[%q]", g.name)
		}
	}
	return s
}

// covers reports whether all places of a path stand strictly below places of
// another. It may miss that they do where the two are written very differently.
func covers(above, path []segment) bool {
	return (&covering{failed: map[[2]int]bool{}}).holds(above, path)
}

// covering remembers by their lengths which rests of the two paths have been
// tried, so that many descendants do not make it slow.
type covering struct{ failed map[[2]int]bool }

func (c *covering) holds(above, path []segment) bool {
	if len(above) == 0 || len(path) == 0 {
		return len(above) == 0 && len(path) > 0
	}
	tried := [2]int{len(above), len(path)}
	if c.failed[tried] {
		return false
	}
	a, p := above[0], path[0]
	takes := a.wild || !p.wild && a.index == p.index && a.name == p.name
	holds := takes && (a.descend || !p.descend) && c.holds(above[1:], path[1:]) || a.descend && c.holds(above, path[1:])
	c.failed[tried] = !holds
	return holds
}
