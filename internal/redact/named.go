package redact

import "strings"

// named is the value after the separator ("=" or ":") at i, when the name
// before it is of a secret.
func (r *Redactor) named(s string, i int) span {
	name := nameBefore(s, i)
	if !r.secretName(decodedName(name)) {
		return span{}
	}
	start := i + 1
	for start < len(s) && strings.IndexByte("=> \t", s[start]) >= 0 {
		start++
	}
	if start == len(s) || markAt(s[start:]) || literal(s[start:]) {
		return span{}
	}
	p := valueAt(s, start, s[i] == ':' && wholeLine(name))
	if isMark(s[p.start:p.end]) {
		return span{}
	}
	return p
}

// literal reports whether s begins with a value that tells nothing.
func literal(s string) bool {
	for _, word := range []string{"null", "nil", "true", "false"} {
		if strings.HasPrefix(s, word) && (len(s) == len(word) || strings.IndexByte(",;&}])\"'<> \t\r\n", s[len(word)]) >= 0) {
			return true
		}
	}
	return false
}

// nameBefore is the name that ends before the separator at i, in quotes or
// not, in quotes that are escaped or not.
func nameBefore(s string, i int) string {
	end := i
	for end > 0 && (s[end-1] == ' ' || s[end-1] == '\t') {
		end--
	}
	if end > 0 && (s[end-1] == '"' || s[end-1] == '\'') {
		end--
		for end > 0 && s[end-1] == '\\' {
			end--
		}
	}
	start := end
	for start > 0 && end-start < 100 {
		if start >= 3 && s[start-3] == '%' {
			if e := escapeAt(s[start-3 : start]); e.length == 3 {
				if !inNames(e.plain) && e.plain != '"' && e.plain != '\'' {
					break // the escape of a delimiter: "%26token"
				}
				start -= 3
				continue
			}
		}
		if c := s[start-1]; !inNames(c) && c != '%' {
			break
		}
		start--
	}
	return s[start:end]
}

// inNames reports whether c may stand in a name, nested or not.
func inNames(c byte) bool { return isToken(c) || strings.IndexByte(".[]%", c) >= 0 }

// wholeLine reports whether a field of this name holds secrets up to the end
// of its line: blanks and semicolons do not end them.
func wholeLine(name string) bool {
	switch fold(name) {
	case "authorization", "proxyauthorization", "cookie", "setcookie":
		return true
	}
	return false
}

// valueAt is the value that begins at i: what stands in quotes or brackets, or
// what goes on to the next delimiter.
func valueAt(s string, i int, wholeLine bool) span {
	start := i
	for start < len(s) && s[start] == '\\' {
		start++
	}
	if start < len(s) && (s[start] == '"' || s[start] == '\'') {
		return quoted(s, start, start-i)
	}
	switch {
	case s[i] == '[' || s[i] == '{':
		return span{i, bracketEnd(s, i)}
	case wholeLine:
		return span{i, until(s, i, "\r\n\"'")}
	}
	// Brackets do not end it: they may well be part of a password.
	end := until(s, i, "&;, \t\r\n\"'<>")
	if isScheme(s[i:end]) && end < len(s) && s[end] == ' ' {
		end = until(s, end+1, "&;, \t\r\n\"'<>")
	}
	return span{i, end}
}

// quoted is what stands between the quote at i, before which there are so many
// backslashes, and the next of its kind. Without an end, it is all.
func quoted(s string, i, backslashes int) span {
	quote := s[i-backslashes : i+1]
	for end := i + 1; end < len(s); end++ {
		if backslashes == 0 && s[end] == '\\' {
			end++
			continue
		}
		if strings.HasPrefix(s[end:], quote) && (backslashes == 0 || s[end-1] != '\\') {
			return span{i + 1, end}
		}
	}
	return span{i + 1, len(s)}
}

// bracketEnd is where the bracket at i has been closed.
func bracketEnd(s string, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return i
}

func until(s string, i int, stop string) int {
	if n := strings.IndexAny(s[i:], stop); n >= 0 {
		return i + n
	}
	return len(s)
}
