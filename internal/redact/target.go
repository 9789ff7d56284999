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

func (r *Redactor) path(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = r.escaped(s, url.PathUnescape, url.PathEscape)
	}
	return r.Text(strings.Join(segments, "/"))
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
	if SecretName(unescaped(name)) {
		return name + "=" + r.secret(unescaped(value))
	}
	return r.escaped(name, url.QueryUnescape, url.QueryEscape) + "=" + r.escaped(value, url.QueryUnescape, url.QueryEscape)
}

// escaped looks at what s stands for, and escapes it anew only when something
// was found in it.
func (r *Redactor) escaped(s string, unescape func(string) (string, error), escape func(string) string) string {
	plain, err := unescape(s)
	if err != nil || plain == s {
		return r.Text(s)
	}
	if clean := r.textOrJSON(plain); clean != plain {
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
