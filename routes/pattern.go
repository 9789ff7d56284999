package routes

import (
	"fmt"
	"regexp"
	"strings"
)

// segmentKind is what a piece of a path pattern matches.
type segmentKind uint8

const (
	segmentStatic   segmentKind = iota // itself
	segmentParam                       // {id}: a run of characters without "/"
	segmentRegexp                      // {id:[0-9]+}: such a run that the expression matches as a whole
	segmentWildcard                    // *: the rest of the path
)

// segment is a piece of a path pattern.
type segment struct {
	kind segmentKind
	text string // of a static piece
	name string // of a parameter; "*" for the wildcard
	expr string // of a regular expression
}

// pathPattern is a parsed path pattern.
type pathPattern []segment

// patternFault is what is wrong with a pattern, and what to do.
type patternFault struct{ text, remedy string }

// parsePattern reads a whole path pattern. All that chi would panic at, or
// match otherwise than it reads, is refused here.
func parsePattern(s string) (pathPattern, *patternFault) {
	if !strings.HasPrefix(s, "/") {
		return nil, &patternFault{"does not begin with a slash", "write /" + strings.TrimLeft(s, "/")}
	}
	var p pathPattern
	for rest := s; rest != ""; {
		i := strings.IndexAny(rest, "{}*")
		if i < 0 {
			i = len(rest)
		}
		if i > 0 {
			if fault := checkStatic(rest[:i]); fault != nil {
				return nil, fault
			}
			p = append(p, segment{kind: segmentStatic, text: rest[:i]})
			rest = rest[i:]
			continue
		}
		seg, n, fault := parseParam(rest)
		if fault == nil {
			fault = p.takes(seg, rest[n:])
		}
		if fault != nil {
			return nil, fault
		}
		p = append(p, seg)
		rest = rest[n:]
	}
	return p, nil
}

// checkStatic checks the literal part of a pattern, which is compared with the
// path as it came: a client sends nothing there that is not ASCII.
func checkStatic(s string) *patternFault {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '?' || c == '#':
			return &patternFault{fmt.Sprintf("has a %q in its path", string(c)), "match the path alone; a query has no part in matching"}
		case c <= ' ' || c == 0x7f:
			return &patternFault{"has a space or a control character in its path", "write it as clients send it: %20"}
		case c > 0x7f:
			return &patternFault{"has a character in its path that is not ASCII", "write it as clients send it, percent-encoded: /caf%C3%A9"}
		case c == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])):
			return &patternFault{`has a "%" that is not followed by two hex digits`, "write %25 for a percent sign"}
		}
	}
	return nil
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// parseParam reads the parameter or wildcard that s begins with, n bytes long.
func parseParam(s string) (seg segment, n int, fault *patternFault) {
	if s[0] == '*' {
		return segment{kind: segmentWildcard, name: "*"}, 1, nil
	}
	n = closing(s)
	if s[0] == '}' || n == 0 {
		return seg, 0, &patternFault{"has a brace without its other half", "write a parameter as {id}, or as {id:[0-9]+} with a regular expression"}
	}
	name, expr, isRegexp := strings.Cut(s[1:n-1], ":")
	if !isName(name) {
		return seg, 0, &patternFault{fmt.Sprintf("has a parameter %s", quoted("{"+name+"}")), "name a parameter with letters, digits, dashes and underscores: {id}"}
	}
	if !isRegexp {
		return segment{kind: segmentParam, name: name}, n, nil
	}
	if _, err := regexp.Compile(expr); err != nil || expr == "" {
		return seg, 0, &patternFault{fmt.Sprintf("has a parameter %s whose regular expression does not compile", quoted(s[:n])), "write it in Go's syntax (RE2): {id:[0-9]+}"}
	}
	return segment{kind: segmentRegexp, name: name, expr: expr}, n, nil
}

// closing is the index behind the brace that closes the one s begins with.
func closing(s string) int {
	depth := 0
	for i, c := range []byte(s) {
		switch c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

func isName(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return s != ""
}

// takes checks a parameter against what stands before and behind it.
func (p pathPattern) takes(seg segment, rest string) *patternFault {
	if seg.kind == segmentWildcard && rest != "" {
		return &patternFault{"has a * that is not at its end", "use a parameter for one part of a path: /files/{name}/meta"}
	}
	if p[len(p)-1].kind != segmentStatic {
		return &patternFault{"has two parameters with nothing between them", "put a character between them: {year}-{month}"}
	}
	for _, before := range p {
		if before.name == seg.name {
			return &patternFault{fmt.Sprintf("has the parameter %s twice", quoted(seg.name)), "give each its own name, also those of the prefix above"}
		}
	}
	return nil
}

// params are the names of the parameters in order.
func (p pathPattern) params() []string {
	var names []string
	for _, s := range p {
		if s.kind != segmentStatic {
			names = append(names, s.name)
		}
	}
	return names
}

// regexps says which parameters have a regular expression; nil when none has.
func (p pathPattern) regexps() []bool {
	var which []bool
	any := false
	for _, s := range p {
		if s.kind != segmentStatic {
			which = append(which, s.kind == segmentRegexp)
			any = any || s.kind == segmentRegexp
		}
	}
	if !any {
		return nil
	}
	return which
}

// shape is the pattern without the names of its parameters: two patterns of one
// shape match the same paths.
func (p pathPattern) shape() string { return p.render(func(s segment) string { return "" }) }

// chi is the pattern as it is given to chi, with each regular expression
// anchored as a whole: chi makes ^a|b$ of a|b, which matches more.
func (p pathPattern) chi() string { return p.render(func(s segment) string { return s.name }) }

func (p pathPattern) render(name func(segment) string) string {
	var b strings.Builder
	for _, s := range p {
		switch s.kind {
		case segmentStatic:
			b.WriteString(s.text)
		case segmentParam:
			b.WriteString("{" + name(s) + "}")
		case segmentRegexp:
			b.WriteString("{" + name(s) + ":^(?:" + s.expr + ")$}")
		case segmentWildcard:
			b.WriteString("*")
		}
	}
	return b.String()
}
