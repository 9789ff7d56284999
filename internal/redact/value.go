package redact

import (
	"encoding"
	"encoding/json"
	"fmt"
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
	return r.cutEnd(r.valueAt(path, value))
}

func (r *Redactor) valueAt(path, value string) string {
	kind, name, _ := strings.Cut(path, ":")
	switch {
	case strings.HasPrefix(path, "$"):
		return r.json(value, r.secretName(path))
	case kind == "header" || kind == "trailer":
		return r.HeaderValue(name, value)
	case kind == "cookie":
		return r.cookieValue(name, value)
	case kind == "table":
		return r.rowValue(name, value)
	}
	return r.textOrJSON(value)
}

// cookieValue is what was set for one cookie, with its name or without, with
// its attributes or without.
func (r *Redactor) cookieValue(cookie, value string) string {
	value = strings.Trim(value, `"`)
	pair, _, _ := strings.Cut(value, ";")
	if name, _, some := strings.Cut(pair, "="); some && strings.TrimSpace(name) == cookie {
		return r.setCookie(value)
	}
	attributes := strings.Split(value[len(pair):], ";")
	for i, a := range attributes {
		attributes[i] = r.cookieAttribute(a)
	}
	return r.secret(pair) + strings.Join(attributes, ";")
}

// Attr is for slog.HandlerOptions.ReplaceAttr: it redacts by the names of the
// attribute and of its groups, and by looks. A value that is no text and has a
// secret in it is logged as text.
func (r *Redactor) Attr(groups []string, a slog.Attr) slog.Attr {
	texts := textsOf(a.Value)
	if texts == nil {
		return a
	}
	for _, name := range append(groups[:len(groups):len(groups)], a.Key) {
		if r.secretName(name) {
			return slog.String(a.Key, r.secret(texts[0]))
		}
	}
	for _, text := range texts {
		if clean := r.textOrJSON(text); clean != text {
			return slog.String(a.Key, clean)
		}
	}
	return a
}

// textsOf is how a value may be logged, as text and as JSON; nil when nothing can
// be in it.
func textsOf(v slog.Value) []string {
	switch v.Kind() {
	case slog.KindString:
		return []string{v.String()}
	case slog.KindAny:
	default:
		return nil
	}
	switch v := v.Any().(type) {
	case nil, slog.Level, *slog.Source:
		return nil
	case error:
		return []string{v.Error()}
	case []byte:
		return []string{string(v)}
	case encoding.TextMarshaler:
		if text, err := v.MarshalText(); err == nil {
			return []string{string(text)}
		}
	}
	texts := []string{fmt.Sprintf("%+v", v.Any())}
	if b, err := json.Marshal(v.Any()); err == nil {
		texts = append(texts, string(b))
	}
	return texts
}
