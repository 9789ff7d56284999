package routes

import (
	"fmt"
	"strings"

	"github.com/quackproxy/quack/compare"
)

// ruleList is the rules that hold at a node: its ancestors' and its own, with
// the place of each.
type ruleList struct {
	rules    []compare.Rule
	at       []rulePosition
	compiled *compare.Rules
}

// rulePosition is where a rule and its fields stand.
type rulePosition struct {
	Position
	fields map[string]Position
}

// field is the place of a field ("rewrite.from"), that of what is around it where
// it is not stated.
func (p rulePosition) field(name string) Position {
	for ; name != ""; name = name[:max(0, strings.LastIndexByte(name, '.'))] {
		if at, ok := p.fields[name]; ok {
			return at
		}
	}
	return p.Position
}

// String is how many rules there are, for a line that has no room for more.
func (l *ruleList) String() string {
	switch {
	case l == nil:
		return "none"
	case len(l.rules) == 1:
		return "1 rule"
	default:
		return fmt.Sprintf("%d rules", len(l.rules))
	}
}

// readRules reads a node's own rules; inherit adds the ancestors' and compiles.
func readRules(l *loader, n *yamlNode, key string) (any, bool) {
	if !l.is(n, key, yamlSequence) {
		return nil, false
	}
	own := &ruleList{}
	for _, item := range n.items {
		before := len(l.list)
		rule, at, ok := l.rule(item)
		if ok && len(l.list) == before {
			own.rules = append(own.rules, rule)
			own.at = append(own.at, at)
		}
	}
	return own, true
}

func (l *loader) rule(n *yamlNode) (compare.Rule, rulePosition, bool) {
	var r compare.Rule
	at := rulePosition{n.pos, map[string]Position{}}
	text := func(key string, into *string, number bool) field {
		return field{key, func(_ Position, v *yamlNode) {
			if number && v.kind == yamlNumber || l.is(v, key, yamlString) {
				*into = v.text
			}
		}}
	}
	flag := func(key string, into *bool) field {
		return field{key, func(_ Position, v *yamlNode) { *into = l.is(v, key, yamlBool) && v.text == "true" }}
	}
	ok := l.mapping(n, "a rule",
		text("path", &r.Path, false),
		flag("ignore", &r.Ignore),
		text("within", &r.Within, true),
		text("tolerance", &r.Tolerance, true),
		flag("unordered", &r.Unordered),
		text("by", &r.By, false),
		text("same", &r.Same, false),
		text("matches", &r.Matches, false),
		text("format", &r.Format, false),
		text("empty", &r.Empty, false),
		text("case", &r.Case, false),
		field{"rewrite", func(_ Position, v *yamlNode) {
			if l.mapping(v, "rewrite", text("from", &r.Rewrite.From, false), text("to", &r.Rewrite.To, false)) {
				at.nested("rewrite", v)
			}
		}},
		text("rename", &r.Rename, false),
		text("side", &r.Side, false),
		text("kind", (*string)(&r.Kind), false),
		text("owner", &r.Owner, false),
		text("until", &r.Until, false),
		text("why", &r.Why, false),
	)
	at.nested("", n)
	return r, at, ok
}

// nested enters the places of the fields of n, which stands under a key.
func (p rulePosition) nested(key string, n *yamlNode) {
	for _, e := range n.entries {
		p.fields[strings.TrimPrefix(key+"."+e.key, ".")] = e.val.pos
	}
}

// with is the list with a child's own rules added, compiled. Faults of rules
// that the list had already were reported where they stand.
func (l *ruleList) with(own *ruleList, ld *loader) *ruleList {
	all := &ruleList{}
	var inherited []compare.Rule
	if l != nil {
		inherited = l.rules
		all.rules = append(all.rules, l.rules...)
		all.at = append(all.at, l.at...)
	}
	all.rules = append(all.rules, own.rules...)
	all.at = append(all.at, own.at...)
	if len(all.rules) == 0 {
		return all
	}
	compiled, errs := compare.CompileBelow(inherited, own.rules)
	for _, e := range errs {
		if e.Index >= len(inherited) {
			text, remedy, _ := strings.Cut(e.Err.Error(), "\n")
			ld.fault(all.at[e.Index].field(e.Field), text, strings.TrimSpace(remedy))
		}
	}
	all.compiled = compiled
	return all
}
