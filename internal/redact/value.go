package redact

import (
	"log/slog"
	"strings"
)

// Value is the value of one place in an answer, as a difference shows it:
// path is "$.user.password", "header:X-Api-Key", "cookie:sid" and the like,
// and a value below "$" is in JSON notation, perhaps cut short.
func (r *Redactor) Value(path, value string) string {
	if value == "" {
		return ""
	}
	kind, name, _ := strings.Cut(path, ":")
	switch {
	case strings.HasPrefix(path, "$"):
		return r.json(value, SecretName(path))
	case kind == "header" || kind == "trailer":
		return r.HeaderValue(name, value)
	case kind == "cookie":
		return r.cookieValue(value)
	case kind == "table":
		return r.rowValue(name, value)
	}
	return r.textOrJSON(value)
}

// cookieValue is what was set for one cookie, with its name or without, with
// its attributes or without.
func (r *Redactor) cookieValue(value string) string {
	value = strings.Trim(value, `"`)
	pair, _, _ := strings.Cut(value, ";")
	if strings.Contains(pair, "=") {
		return r.setCookie(value)
	}
	return r.secret(pair) + r.Text(value[len(pair):])
}

// Attr is for slog.HandlerOptions.ReplaceAttr: it redacts by the name of the
// attribute and, in strings and errors, by looks.
func (r *Redactor) Attr(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		if SecretName(a.Key) {
			return slog.String(a.Key, r.secret(a.Value.String()))
		}
		return slog.String(a.Key, r.Text(a.Value.String()))
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			return slog.String(a.Key, r.Text(err.Error()))
		}
	}
	return a
}
