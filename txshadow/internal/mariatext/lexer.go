package mariatext

import (
	"errors"
	"strings"
)

type tokenKind byte

const (
	tokenWord   tokenKind = iota // an unquoted identifier, keyword or number, in lower case
	tokenQuoted                  // `an identifier`, without its quotes, in lower case
	tokenString                  // a constant
	tokenVar                     // @name, @@name: in lower case, with its at signs
	tokenOther                   // one byte of anything else
	tokenEnd                     // a semicolon
)

type token struct {
	kind       tokenKind
	text       string
	start, end int
}

// lexer cuts SQL into tokens as MariaDB's sql_lex.cc does, in what matters for
// finding the ends of statements.
type lexer struct {
	sql  string
	pos  int
	mode Mode
}

var (
	errUnterminated = errors.New("a quote or comment without end")
	errExecutable   = errors.New("a comment that is executed")
)

func (l *lexer) next() (t token, ok bool, err error) {
	if err := l.skip(); err != nil || l.pos == len(l.sql) {
		return token{start: l.pos}, false, err
	}
	t.start = l.pos
	t.kind, t.text, err = l.scan(l.sql[l.pos])
	t.end = l.pos
	return t, true, err
}

func (l *lexer) scan(c byte) (tokenKind, string, error) {
	switch {
	case c == '\'' || c == '"' && !l.mode.ANSIQuotes:
		s, err := l.quoted(c, !l.mode.NoBackslash)
		return tokenString, s, err
	case c == '"' || c == '`':
		s, err := l.quoted(c, false)
		return tokenQuoted, strings.ToLower(s), err
	case c == '@':
		return l.variable()
	case isWord(c):
		return tokenWord, l.word(), nil
	case c == ';':
		l.pos++
		return tokenEnd, ";", nil
	}
	l.pos++
	return tokenOther, l.sql[l.pos-1 : l.pos], nil
}

func (l *lexer) word() string {
	start := l.pos
	for l.pos < len(l.sql) && isWord(l.sql[l.pos]) {
		l.pos++
	}
	return strings.ToLower(l.sql[start:l.pos])
}

// variable scans @name, @@name, @@scope.name (the scope alone), @`name`.
func (l *lexer) variable() (tokenKind, string, error) {
	start := l.pos
	for l.pos < len(l.sql) && l.sql[l.pos] == '@' {
		l.pos++
	}
	at := l.sql[start:l.pos]
	if l.pos == len(l.sql) {
		return tokenVar, at, nil
	}
	if c := l.sql[l.pos]; c == '`' || c == '\'' || c == '"' {
		s, err := l.quoted(c, c != '`' && !l.mode.NoBackslash && !(c == '"' && l.mode.ANSIQuotes))
		return tokenVar, at + strings.ToLower(s), err
	}
	return tokenVar, at + l.word(), nil
}

// quoted scans what stands between two quotes. A doubled quote stands for one.
func (l *lexer) quoted(quote byte, backslash bool) (string, error) {
	l.pos++
	for start := l.pos; l.pos < len(l.sql); l.pos++ {
		switch c := l.sql[l.pos]; {
		case c == '\\' && backslash:
			l.pos++
		case c != quote:
		case l.pos+1 < len(l.sql) && l.sql[l.pos+1] == quote:
			l.pos++
		default:
			l.pos++
			return l.sql[start : l.pos-1], nil
		}
	}
	l.pos = len(l.sql)
	return "", errUnterminated
}

// skip skips white space and comments. Comments do not nest; one that begins
// with an exclamation mark is executed.
func (l *lexer) skip() error {
	for l.pos < len(l.sql) {
		rest := l.sql[l.pos:]
		switch {
		case isSpace(rest[0]):
			l.pos++
		case rest[0] == '#', strings.HasPrefix(rest, "--") && (len(rest) == 2 || rest[2] <= ' '):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest) - 1
			}
			l.pos += n + 1
		case strings.HasPrefix(rest, "/*!"), strings.HasPrefix(rest, "/*M!"), strings.HasPrefix(rest, "/*m!"):
			return errExecutable
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return errUnterminated
			}
			l.pos += 2 + n + 2
		default:
			return nil
		}
	}
	return nil
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '$' || c >= 0x80
}
