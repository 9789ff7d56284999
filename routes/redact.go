package routes

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quackproxy/quack/internal/redact"
)

// patternsMost bounds the patterns of a whole file: a line of the log is looked
// through for all of them.
const patternsMost = 200

// redaction is the names, or the patterns, by which a node finds secrets. They are
// added to those of its parent: none is ever taken back. Routes that have the
// same from one node share it.
type redaction struct{ list []string }

// with is what an inherited list and a node's own make together.
func (r *redaction) with(own *redaction) *redaction {
	return &redaction{slices.Concat(r.list, own.list)}
}

// all is the list, nil of a redaction that is not stated.
func (r *redaction) all() []string {
	if r == nil {
		return nil
	}
	return r.list
}

func (r *redaction) String() string { return cmp.Or(strings.Join(r.all(), ", "), "none") }

// redactNames reads redact.names.
func redactNames(l *loader, n *yamlNode, key string) (any, bool) {
	names, ok := l.texts(n, key, "name a header, a member, a parameter or a column: names: [nick]", func(s string) error {
		_, err := redact.NewPolicy(false, []string{s}, nil)
		return err
	})
	if len(names) > redact.NamesMax {
		l.fault(n.pos, fmt.Sprintf("%s has %d names", key, len(names)), fmt.Sprintf("a node may have at most %d", redact.NamesMax))
		return nil, false
	}
	return &redaction{names}, ok
}

// redactPatterns reads redact.patterns.
func redactPatterns(l *loader, n *yamlNode, key string) (any, bool) {
	const remedy = `write a regular expression (RE2) in single quotes that finds the secret and nothing around it: patterns: ['ACME-\d{6}']`
	patterns, ok := l.texts(n, key, remedy, func(s string) error {
		_, err := redact.ParsePattern(s)
		return err
	})
	if len(patterns) > redact.PatternsMax {
		l.fault(n.pos, fmt.Sprintf("%s has %d patterns", key, len(patterns)), fmt.Sprintf("a node may have at most %d: put several into one with |", redact.PatternsMax))
		return nil, false
	}
	return &redaction{patterns}, ok
}

// texts reads a list of texts that check has nothing against.
func (l *loader) texts(n *yamlNode, key, remedy string, check func(string) error) (list []string, ok bool) {
	if !l.is(n, key, yamlSequence) {
		return nil, false
	}
	ok = true
	for _, item := range n.items {
		if !l.takes(item, key, yamlString, "a text", "put it in quotes: "+fmt.Sprintf("%q", item.text)) {
			ok = false
			continue
		}
		if err := check(item.text); err != nil {
			l.fault(item.pos, key+": "+err.Error(), remedy)
			ok = false
			continue
		}
		list = append(list, item.text)
	}
	return list, ok
}

// inherit adds what a node states to what it has from above, in those settings
// that add up; all others replace.
func (id settingID) inherit(from, own any, l *loader) any {
	switch id {
	case settingRules:
		inherited, _ := from.(*ruleList)
		return inherited.with(own.(*ruleList), l)
	case settingRedactNames, settingRedactPatterns:
		if inherited, ok := from.(*redaction); ok {
			return inherited.with(own.(*redaction))
		}
	}
	return own
}

// adds reports whether a setting adds up along the tree.
func (id settingID) adds() bool {
	return id == settingRules || id == settingRedactNames || id == settingRedactPatterns
}

// redactKey says which routes take the same for secrets, but for the parameters
// of their paths.
type redactKey struct {
	email           bool
	names, patterns *redaction
}

// redactionOf is what a route takes for a secret besides what is known to be
// one: what its nodes say, and the parameters of its paths that have the name of
// one. nil is nothing.
func (l *loader) redactionOf(r *Route) *redact.Policy {
	key := redactKey{r.redactEmail, r.redactNames, r.redactPatterns}
	policy, known := l.policies[key]
	if !known {
		// Each was looked at where it stands, and how many there may be is bounded there.
		policy, _ = redact.NewPolicy(key.email, key.names.all(), key.patterns.all())
		if l.policies == nil {
			l.policies = map[redactKey]*redact.Policy{}
		}
		l.policies[key] = policy
	}
	paths := []string{r.Pattern}
	for _, rewrite := range r.Rewrite {
		paths = append(paths, rewrite.Path)
	}
	return policy.AtPaths(paths...)
}

// Redaction is what any route of the table takes for a secret: for what belongs
// to no route, such as the log.
func (t *Table) Redaction() *redact.Policy { return t.redaction }

// redactAll makes the redaction of a table of those of its routes.
func (l *loader) redactAll(root *treeNode) *redact.Policy {
	var names, patterns []string
	email := false
	for key := range l.policies {
		email = email || key.email
		names, patterns = append(names, key.names.all()...), append(patterns, key.patterns.all()...)
	}
	slices.Sort(names)
	slices.Sort(patterns)
	patterns = slices.Compact(patterns)
	if n := len(patterns); n > patternsMost {
		l.fault(root.pos, fmt.Sprintf("redact.patterns of all nodes are %d", n),
			fmt.Sprintf("a file may have at most %d: put those that several nodes have into defaults, and several into one with |", patternsMost))
		return nil
	}
	all, _ := redact.NewPolicy(email, slices.Compact(names), patterns)
	return all.And(nil)
}
