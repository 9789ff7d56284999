package sqltext

import (
	"errors"
	"strings"
)

// tokenKind says what a token is, as far as control of transactions needs it.
type tokenKind byte

const (
	tokenWord      tokenKind = iota // an unquoted identifier or keyword, in lower case
	tokenQuoted                     // "an identifier", without its quotes
	tokenUnicode                    // U&"an identifier": its name is not known
	tokenString                     // a constant of any kind of quotes, without them, escapes left in
	tokenParam                      // $1
	tokenNumber                     // 42
	tokenOther                      // one byte of anything else
	tokenSemicolon                  // the end of a statement
)

type token struct {
	kind       tokenKind
	text       string
	start, end int // bytes in the SQL
}

// lexer cuts SQL into tokens as PostgreSQL's scan.l does, in what matters for
// finding the ends of statements: quotes, escape strings, their continuation
// on a new line, dollar quotes, and comments that nest.
type lexer struct {
	sql string
	pos int
	// backslash says that a backslash escapes in ordinary strings as well
	// (standard_conforming_strings = off).
	backslash bool
}

var errUnterminated = errors.New("a quote or comment without end")

// next is the next token; ok is false at the end.
func (l *lexer) next() (t token, ok bool, err error) {
	if err := l.skipSpace(); err != nil {
		return t, false, err
	}
	if l.pos == len(l.sql) {
		return t, false, nil
	}
	t.start = l.pos
	t.kind, t.text, err = l.scan(l.sql[l.pos])
	t.end = l.pos
	return t, true, err
}

func (l *lexer) scan(c byte) (tokenKind, string, error) {
	switch {
	case c == '\'':
		s, err := l.quoted(1, stringRules{doubled: true, backslash: l.backslash})
		return tokenString, s, err
	case c == '"':
		s, err := l.identifier(1)
		return tokenQuoted, s, err
	case c == '$':
		return l.dollar()
	case isIdentStart(c):
		return l.word()
	case isDigit(c) || c == '.' && isDigit(l.at(1)):
		return tokenNumber, l.number(), nil
	case c == ';':
		l.pos++
		return tokenSemicolon, ";", nil
	default:
		l.pos++
		return tokenOther, l.sql[l.pos-1 : l.pos], nil
	}
}

// skipSpace skips white space and comments.
func (l *lexer) skipSpace() error {
	for l.pos < len(l.sql) {
		switch {
		case isSpace(l.sql[l.pos]):
			l.pos++
		case strings.HasPrefix(l.sql[l.pos:], "--"):
			l.pos = lineEnd(l.sql, l.pos)
		case strings.HasPrefix(l.sql[l.pos:], "/*"):
			if err := l.skipComment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) skipComment() error {
	depth := 0
	for l.pos < len(l.sql) {
		switch rest := l.sql[l.pos:]; {
		case strings.HasPrefix(rest, "/*"):
			depth++
			l.pos += 2
		case strings.HasPrefix(rest, "*/"):
			depth--
			l.pos += 2
			if depth == 0 {
				return nil
			}
		default:
			l.pos++
		}
	}
	return errUnterminated
}

// word scans an identifier, or the string that its first letters announce.
func (l *lexer) word() (tokenKind, string, error) {
	switch c := l.sql[l.pos] | 0x20; {
	case c == 'e' && l.at(1) == '\'':
		s, err := l.quoted(2, stringRules{doubled: true, backslash: true})
		return tokenString, s, err
	case (c == 'b' || c == 'x') && l.at(1) == '\'':
		s, err := l.quoted(2, stringRules{})
		return tokenString, s, err
	case c == 'u' && l.at(1) == '&' && l.at(2) == '\'':
		s, err := l.quoted(3, stringRules{doubled: true})
		return tokenString, s, err
	case c == 'u' && l.at(1) == '&' && l.at(2) == '"':
		s, err := l.identifier(3)
		return tokenUnicode, s, err
	}
	start := l.pos
	for l.pos < len(l.sql) && isIdentPart(l.sql[l.pos]) {
		l.pos++
	}
	return tokenWord, lowerASCII(l.sql[start:l.pos]), nil
}

// stringRules say how a string ends.
type stringRules struct {
	doubled   bool // '' stands for a quote
	backslash bool // \ takes the next byte with it
}

// quoted scans a string whose opening is skip bytes long, with all its
// continuations: a string that follows after a new line belongs to it, and is
// scanned by the same rules.
func (l *lexer) quoted(skip int, r stringRules) (string, error) {
	l.pos += skip
	var b strings.Builder
	for start := l.pos; l.pos < len(l.sql); {
		switch c := l.sql[l.pos]; {
		case c == '\\' && r.backslash:
			l.pos = min(l.pos+2, len(l.sql))
		case c != '\'':
			l.pos++
		case r.doubled && l.at(1) == '\'':
			l.pos += 2
		default:
			b.WriteString(l.sql[start:l.pos])
			l.pos++
			next, ok := l.continuation()
			if !ok {
				return b.String(), nil
			}
			l.pos, start = next, next
		}
	}
	return "", errUnterminated
}

// continuation is where a string goes on that has just been closed: behind
// white space with a new line in it, and a quote.
func (l *lexer) continuation() (int, bool) {
	newline := false
	for p := l.pos; p < len(l.sql); {
		switch c := l.sql[p]; {
		case c == '\n' || c == '\r':
			newline = true
			p++
		case isSpace(c):
			p++
		case strings.HasPrefix(l.sql[p:], "--"):
			p = lineEnd(l.sql, p)
		case c == '\'':
			return p + 1, newline
		default:
			return 0, false
		}
	}
	return 0, false
}

// identifier scans a quoted identifier whose opening is skip bytes long.
func (l *lexer) identifier(skip int) (string, error) {
	l.pos += skip
	for start := l.pos; l.pos < len(l.sql); l.pos++ {
		if l.sql[l.pos] != '"' {
			continue
		}
		if l.at(1) != '"' {
			l.pos++
			return strings.ReplaceAll(l.sql[start:l.pos-1], `""`, `"`), nil
		}
		l.pos++
	}
	return "", errUnterminated
}

// dollar scans $1, $tag$…$tag$, or a lonely dollar sign.
func (l *lexer) dollar() (tokenKind, string, error) {
	start := l.pos
	l.pos++
	if isDigit(l.at(0)) {
		for isDigit(l.at(0)) {
			l.pos++
		}
		return tokenParam, l.sql[start:l.pos], nil
	}
	end := l.pos
	for end < len(l.sql) && isTagPart(l.sql[end], end == l.pos) {
		end++
	}
	if end == len(l.sql) || l.sql[end] != '$' {
		return tokenOther, "$", nil
	}
	tag := l.sql[start : end+1]
	body := end + 1
	n := strings.Index(l.sql[body:], tag)
	if n < 0 {
		return tokenString, "", errUnterminated
	}
	l.pos = body + n + len(tag)
	return tokenString, l.sql[body : body+n], nil
}

func (l *lexer) number() string {
	start := l.pos
	for isDigit(l.at(0)) || l.at(0) == '.' {
		l.pos++
	}
	if l.at(0)|0x20 == 'e' {
		n := 1
		if s := l.at(1); s == '+' || s == '-' {
			n = 2
		}
		if isDigit(l.at(n)) {
			for l.pos += n; isDigit(l.at(0)); {
				l.pos++
			}
		}
	}
	return l.sql[start:l.pos]
}

// at is the byte n behind the position, 0 at the end.
func (l *lexer) at(n int) byte {
	if l.pos+n < len(l.sql) {
		return l.sql[l.pos+n]
	}
	return 0
}

func lineEnd(s string, from int) int {
	if n := strings.IndexAny(s[from:], "\r\n"); n >= 0 {
		return from + n
	}
	return len(s)
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isIdentStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

func isIdentPart(c byte) bool { return isIdentStart(c) || isDigit(c) || c == '$' }

func isTagPart(c byte, first bool) bool { return isIdentStart(c) || !first && isDigit(c) }

// lowerASCII folds as PostgreSQL folds keywords; no allocation when there is
// nothing to fold.
func lowerASCII(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return strings.Map(func(r rune) rune {
				if 'A' <= r && r <= 'Z' {
					return r + 'a' - 'A'
				}
				return r
			}, s)
		}
	}
	return s
}
