package compare

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/quackproxy/quack/compare/internal/decimal"
)

// action is what one rule accepts. Exactly one field of the first group is set,
// save that by may stand beside unordered.
type action struct {
	ignore    bool // all at and below the place, without a side or kind
	partial   Kind // all of this kind at and below the place
	unordered bool
	by        []segment // names only: the key of an element, by which elements are paired; nil without one. unordered says whether another order is forgiven
	within    time.Duration
	tolerance *decimal.Tolerance
	link      int32 // index in Rules.links plus one
	matches   *regexp.Regexp
	format    valueFormat
	empty     bool // what is empty is taken for missing
	fold      bool // case does not matter
	rewrite   *rewriting
	rename    string

	name  string // yaml name of the action, "" when there is not exactly one
	side  side
	kind  Kind // the kind of difference that is forgiven, "" for any; ignore has it in partial
	named bool // the path ends in a name

	rowsOnly bool // of a table, what was written and not how many rows
}

// rewriting is a compiled Rewrite.
type rewriting struct{ from, to []byte }

// side is that of a rule.
type side uint8

const (
	bothSides side = iota
	legacySide
	newSide
)

// asks reports whether a rule for the side says something of the side s.
func (s side) asks(of side) bool { return s == bothSides || s == of }

// action compiles what the rule accepts and reports each fault in it.
func (r *Rules) action(rule Rule, fail func(field string, err error)) action {
	act := action{ignore: rule.Ignore, unordered: rule.Unordered, rename: rule.Rename}
	switch set := rule.actions(); {
	case len(set) == 0:
		fail("path", fmt.Errorf("the rule for %q accepts nothing\ngive it one of %s", rule.Path, actionNames))
	case len(set) > 1:
		fail(set[1].field, fmt.Errorf("the rule for %q has both %q and %q\nsplit it into one rule for each", rule.Path, set[0].field, set[1].field))
	default:
		act.name = set[0].field
	}
	if rule.Within != "" {
		d, err := time.ParseDuration(rule.Within)
		if err != nil || d <= 0 {
			fail("within", fmt.Errorf("%q is not a positive duration\nwrite it with a unit, such as 500ms, 2s or 1h30m", rule.Within))
		}
		act.within = d
	}
	var err error
	check := func(field, value string, parse func() error) {
		if value != "" {
			if err = parse(); err != nil {
				fail(field, err)
			}
		}
	}
	check("tolerance", rule.Tolerance, func() error { act.tolerance, err = decimal.ParseTolerance(rule.Tolerance); return err })
	check("by", rule.By, func() error { act.by, err = parseKey(rule.By); return err })
	check("matches", rule.Matches, func() error { act.matches, err = parsePattern(rule.Matches); return err })
	check("format", rule.Format, func() error { act.format, err = parseFormat(rule.Format); return err })
	check("empty", rule.Empty, func() error { act.empty = true; return onlyWord("empty", rule.Empty, "missing") })
	check("case", rule.Case, func() error { act.fold = true; return onlyWord("case", rule.Case, "ignore") })
	if rule.Rewrite != (Rewrite{}) {
		act.rewrite = parseRewrite(rule.Rewrite, fail)
	}
	if rule.Same != "" {
		act.link = r.link(rule.Same)
	}
	return act
}

// onlyWord refuses all but the one word that an action has.
func onlyWord(field, value, word string) error {
	if value == word {
		return nil
	}
	return fmt.Errorf("%s %q is not known\nwrite %s: %s", field, value, field, word)
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

// parsePattern compiles a pattern so that of its matches the longest counts: it
// matches a whole value if that is all of the value.
func parsePattern(pattern string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(pattern)
	if err == nil {
		re.Longest()
		return re, nil
	}
	text := err.Error()
	if bad := (*syntax.Error)(nil); errors.As(err, &bad) {
		text = fmt.Sprintf("at character %d: %s: %q", faultIn(pattern, bad), bad.Code, bad.Expr)
	}
	return nil, fmt.Errorf("pattern %q, %s\nwrite a pattern of RE2 (https://github.com/google/re2/wiki/Syntax); it has to match the whole value", pattern, text)
}

// faultIn is at which character of a pattern the fault is, counted from 1. The
// fault names a part of the pattern, which may stand in it more than once, or
// all of it where parentheses do not pair: then beginnings of the pattern tell.
func faultIn(pattern string, fault *syntax.Error) int {
	const longest = 2000 // each beginning is parsed anew
	at := func(i int) int { return utf8.RuneCountInString(pattern[:i]) + 1 }
	parse := func(end int) (e *syntax.Error) {
		_, err := syntax.Parse(pattern[:end], syntax.Perl)
		errors.As(err, &e)
		return e
	}
	switch {
	case len(pattern) > longest:
	case fault.Code == syntax.ErrMissingParen:
		for end := len(pattern) - 1; end >= 0; end-- {
			if parse(end) == nil {
				return at(end)
			}
		}
	case fault.Code == syntax.ErrTrailingBackslash:
		return at(len(pattern) - 1)
	default:
		for end := 1; end <= len(pattern); end++ {
			switch e := parse(end); {
			case e == nil || e.Code != fault.Code:
			case e.Code == syntax.ErrUnexpectedParen:
				return at(end - 1)
			case e.Expr == fault.Expr:
				return at(max(0, end-len(fault.Expr)))
			}
		}
	}
	return 1
}

func parseRewrite(r Rewrite, fail func(field string, err error)) *rewriting {
	switch {
	case r.From == "":
		fail("rewrite.from", errors.New("the text to be rewritten is empty\nwrite what stands in the values of the side, such as http://new.internal:8080"))
	case r.From == r.To:
		fail("rewrite.to", fmt.Errorf("%q is rewritten to itself\nwrite what the other side has in its place", r.From))
	}
	return &rewriting{[]byte(r.From), []byte(r.To)}
}

// rewritesOn reports whether the action rewrites texts of the side.
func (a *action) rewritesOn(s side) bool {
	return a.rewrite != nil && (a.side == s || a.side == bothSides && s == newSide)
}
