package redact

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// The bounds of a policy.
const (
	NamesMax    = 200 // names of a policy
	nameMax     = 80  // bytes of a name
	PatternsMax = 50  // patterns of a policy
	patternMax  = 500 // bytes of a pattern
)

// Policy is what is taken for a secret besides what is known to be one. It is
// immutable; nil is a policy that adds nothing.
type Policy struct {
	email    bool
	names    []string // as written, sorted
	folded   map[string]bool
	patterns []*regexp.Regexp
	paths    []pathNames
}

// NewPolicy makes a policy. Names are of members, fields, parameters, columns,
// headers; they are matched whole, whatever their case and "-", "_" and blanks
// in them. Patterns are regular expressions (RE2); one that matches the empty
// string is refused, since it would be found everywhere.
func NewPolicy(email bool, names, patterns []string) (*Policy, error) {
	p := &Policy{email: email, folded: map[string]bool{}}
	var errs []error
	for _, n := range names {
		if err := p.addName(n); err != nil {
			errs = append(errs, err)
		}
	}
	for _, text := range patterns {
		re, err := ParsePattern(text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p.addPattern(re)
	}
	return p, errors.Join(append(errs, p.tooMuch())...)
}

// And is what either of the two takes for a secret; nil when neither takes any.
func (p *Policy) And(o *Policy) *Policy {
	switch {
	case p.empty() && o.empty():
		return nil
	case p.empty():
		return o
	case o.empty():
		return p
	}
	both := &Policy{email: p.email || o.email, folded: map[string]bool{}}
	for _, of := range []*Policy{p, o} {
		for _, n := range of.names {
			both.fold(n)
		}
		for _, re := range of.patterns {
			both.addPattern(re)
		}
		for _, path := range of.paths {
			both.addPath(path)
		}
	}
	return both
}

// AtPaths is p for requests whose paths look like one of these patterns
// ("/reset/{token}"): the segments of which a parameter has the name of a
// secret are secrets.
func (p *Policy) AtPaths(patterns ...string) *Policy {
	with := p.And(nil)
	if with == nil {
		with = &Policy{}
	}
	copied := *with
	copied.paths = slices.Clone(with.paths)
	for _, pattern := range patterns {
		if hasSecretName(&Redactor{policy: p}, pattern) {
			copied.addPath(namesOf(pattern))
		}
	}
	if copied.empty() {
		return nil
	}
	return &copied
}

// Email reports whether e-mail addresses are secrets.
func (p *Policy) Email() bool { return p != nil && p.email }

// Names are the names, sorted; Patterns the patterns, in order.
func (p *Policy) Names() []string {
	if p == nil {
		return nil
	}
	return slices.Clone(p.names)
}

// Patterns are the patterns, in order.
func (p *Policy) Patterns() []string {
	if p == nil {
		return nil
	}
	var list []string
	for _, re := range p.patterns {
		list = append(list, re.String())
	}
	return list
}

func (p *Policy) empty() bool {
	return p == nil || !p.email && len(p.names)+len(p.patterns)+len(p.paths) == 0
}

func (p *Policy) addName(n string) error {
	switch {
	case strings.TrimSpace(n) == "" || fold(n) == "":
		return errors.New("a name is empty")
	case len(n) > nameMax:
		return fmt.Errorf("name %.20q… is longer than %d bytes", n, nameMax)
	case strings.ContainsAny(n, nameBreaks):
		return fmt.Errorf("name %q has one of %s in it: name the last part alone", n, nameBreaks)
	}
	p.fold(n)
	return nil
}

func (p *Policy) fold(n string) {
	if !p.folded[fold(n)] {
		p.folded[fold(n)] = true
		p.names = append(p.names, n)
		slices.Sort(p.names)
	}
}

func (p *Policy) addPattern(re *regexp.Regexp) {
	if !slices.ContainsFunc(p.patterns, func(o *regexp.Regexp) bool { return o.String() == re.String() }) {
		p.patterns = append(p.patterns, re)
	}
}

func (p *Policy) addPath(path pathNames) {
	if !slices.ContainsFunc(p.paths, func(o pathNames) bool { return o.pattern == path.pattern }) {
		p.paths = append(p.paths, path)
	}
}

func (p *Policy) tooMuch() error {
	switch {
	case len(p.names) > NamesMax:
		return fmt.Errorf("%d names are more than %d", len(p.names), NamesMax)
	case len(p.patterns) > PatternsMax:
		return fmt.Errorf("%d patterns are more than %d", len(p.patterns), PatternsMax)
	}
	return nil
}

// ParsePattern reads a pattern of a policy.
func ParsePattern(text string) (*regexp.Regexp, error) {
	if len(text) > patternMax {
		return nil, fmt.Errorf("pattern %.20q… is longer than %d bytes", text, patternMax)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", text, err)
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil || leastLength(parsed) == 0 {
		return nil, fmt.Errorf("pattern %q matches the empty string, which is everywhere", text)
	}
	return re, nil
}

// leastLength is the length of the shortest text that an expression matches, at
// most 1: whether there is such a thing is all that counts.
func leastLength(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return leastLength(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min == 0 {
			return 0
		}
		return leastLength(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if leastLength(sub) > 0 {
				return 1
			}
		}
		return 0
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if leastLength(sub) == 0 {
				return 0
			}
		}
		return 1
	case syntax.OpNoMatch:
		return 1
	}
	return 0 // assertions, what is repeated at will
}

// Under is the same redactor under a policy, in place of the one it had.
func (r *Redactor) Under(p *Policy) *Redactor {
	if p.empty() && r.policy == nil {
		return r
	}
	c := *r
	if c.policy = p; p.empty() {
		c.policy = nil
	}
	return &c
}

// patterned replaces what the policy's patterns find. Fingerprints are left
// alone, also those parts of them that look like something else.
func (r *Redactor) patterned(s string) string {
	for _, re := range r.policy.patterns {
		if re.MatchString(s) {
			s = outsideMarks(s, func(part string) string { return re.ReplaceAllStringFunc(part, r.secret) })
		}
	}
	return s
}

// aMark is a fingerprint, as it is or escaped as in a URL.
var aMark = regexp.MustCompile(`\[redacted:[0-9a-f]{8}\]|%5Bredacted(?:%3A|:)[0-9a-f]{8}%5D`)

// outsideMarks applies f to what stands between fingerprints.
func outsideMarks(s string, f func(string) string) string {
	var b strings.Builder
	done := 0
	for _, at := range aMark.FindAllStringIndex(s, -1) {
		b.WriteString(f(s[done:at[0]]))
		b.WriteString(s[at[0]:at[1]])
		done = at[1]
	}
	b.WriteString(f(s[done:]))
	return b.String()
}
