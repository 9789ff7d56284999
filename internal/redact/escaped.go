package redact

import (
	"net/url"
	"strings"
)

// An escape is what a percent sign begins: "%3D" is "=", at level 0, and
// "%253D" is the same at level 1, within what is escaped.
type escape struct {
	plain  byte
	level  int
	length int
}

// escapeAt is the escape that s begins with; its length is 0 when there is none.
func escapeAt(s string) escape {
	if len(s) < 3 || s[0] != '%' {
		return escape{}
	}
	level, at := 0, 1
	for level < escapesMax && strings.HasPrefix(s[at:], "25") && len(s) >= at+4 && isHex(s[at+2]) && isHex(s[at+3]) {
		level++
		at += 2
	}
	if len(s) < at+2 || !isHex(s[at]) || !isHex(s[at+1]) {
		return escape{}
	}
	return escape{unhex(s[at])<<4 | unhex(s[at+1]), level, at + 2}
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}

// namedEscaped is the value after the escaped separator e at i ("token%3Dabc"),
// when the name before it is of a secret. It goes on to a delimiter that is
// escaped as e is, or not at all.
func (r *Redactor) namedEscaped(s string, i int, e escape) span {
	name := nameBefore(s, i)
	for strings.HasSuffix(name, "%22") || strings.HasSuffix(name, "%27") { // in quotes
		name = name[:len(name)-3]
	}
	if !r.secretName(strings.ReplaceAll(decodedName(name), "?", "&")) {
		return span{}
	}
	start := i + e.length
	for start < len(s) {
		if q := escapeAt(s[start:]); q.length > 0 && q.level == e.level && strings.IndexByte("\"' \\", q.plain) >= 0 {
			start += q.length
			continue
		}
		if s[start] != '+' {
			break
		}
		start++
	}
	end := start
	for end < len(s) && strings.IndexByte("&;, \t\r\n\"'<>", s[end]) < 0 {
		q := escapeAt(s[end:])
		if q.length > 0 && q.level == e.level && strings.IndexByte("&;, \t\r\n\"'<>}\\", q.plain) >= 0 {
			break
		}
		end += max(1, q.length)
	}
	if value := unescapedOften(s[start:end]); isMark(value) || literal(value) || markAt(s[start:]) {
		return span{}
	}
	return span{start, end}
}

// escapedSecret is the fingerprint of a secret that is escaped, so that it is
// the one of the secret.
func (r *Redactor) escapedSecret(s string) string { return r.secret(unescapedOften(s)) }

func unescapedOften(s string) string {
	for range escapesMax {
		plain, err := url.QueryUnescape(s)
		if err != nil || strings.IndexByte(s, '%') < 0 { // a "+" may stand for itself by now
			break
		}
		s = plain
	}
	return s
}
