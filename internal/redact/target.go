package redact

import (
	"net/url"
	"strings"
)

// Target is a request target (path and query as sent) or a whole URL.
func (r *Redactor) Target(target string) string {
	rest, fragment, hasFragment := strings.Cut(target, "#")
	path, query, hasQuery := strings.Cut(rest, "?")
	out := r.path(path)
	if hasQuery {
		out += "?" + r.Form(query)
	}
	if hasFragment {
		out += "#" + r.Form(fragment) // where OAuth puts access tokens
	}
	return out
}

// path is a path, or a URL up to its query. A segment is a secret when it is a
// parameter with the name of one, or when it looks like a credential and stands
// behind the name of one: "/reset-tokens/8f3c2b1a90d4e5f6".
func (r *Redactor) path(path string) string {
	from := 0 // of the path in a URL
	if scheme, rest, some := strings.Cut(path, "://"); some && !strings.Contains(scheme, "/") {
		from = len(scheme) + len("://") + until(rest, 0, "/")
	}
	path = r.byParameters(path, from)
	segments := strings.Split(path[from:], "/")
	before := ""
	for i, s := range segments {
		plain := decodedName(s)
		if isCredential(plain) && r.secretName(before) {
			segments[i] = r.secret(plain)
		} else {
			segments[i] = r.escaped(s, url.PathUnescape, url.PathEscape)
		}
		before = plain
	}
	return r.Text(path[:from] + strings.Join(segments, "/"))
}

// isCredential reports whether a segment looks like one: 16 characters or more,
// some of which are digits, and no blanks.
func isCredential(s string) bool {
	return len(s) >= 16 && strings.ContainsAny(s, "0123456789") && !strings.ContainsAny(s, " /") && !isMark(s)
}

// Form is a query string or an application/x-www-form-urlencoded body. Pairs
// without a secret stay as they were written.
func (r *Redactor) Form(form string) string {
	var b strings.Builder
	b.Grow(len(form))
	for len(form) > 0 {
		pair, separator := form, ""
		if i := strings.IndexAny(form, "&;"); i >= 0 {
			pair, separator = form[:i], form[i:i+1]
		}
		form = form[len(pair)+len(separator):]
		b.WriteString(r.pair(pair))
		b.WriteString(separator)
	}
	return b.String()
}

func (r *Redactor) pair(pair string) string {
	name, value, some := strings.Cut(pair, "=")
	if !some {
		return r.escaped(pair, url.QueryUnescape, url.QueryEscape)
	}
	if r.secretName(decodedName(name)) {
		return name + "=" + r.secret(unescaped(value))
	}
	return r.escaped(name, url.QueryUnescape, url.QueryEscape) + "=" + r.escaped(value, url.QueryUnescape, url.QueryEscape)
}

// escaped looks at what s stands for, and escapes it anew only when something
// was found in it. What is escaped in it once more is looked at likewise.
func (r *Redactor) escaped(s string, unescape func(string) (string, error), escape func(string) string) string {
	return r.escapedWithin(s, unescape, escape, escapesMax)
}

func (r *Redactor) escapedWithin(s string, unescape func(string) (string, error), escape func(string) string, more int) string {
	plain, err := unescape(s)
	if err != nil || plain == s {
		return r.Text(s)
	}
	clean := r.textOrJSON(plain)
	if clean == plain && more > 0 {
		clean = r.escapedWithin(plain, unescape, escape, more-1)
	}
	if clean != plain {
		return escape(clean)
	}
	return s
}

func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}
