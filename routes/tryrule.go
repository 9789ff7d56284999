package routes

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/quackproxy/quack/compare"
)

// ParseRule reads one rule as it stands in routes.yaml: a mapping, also as an
// entry of a list ("- {path: $.score, tolerance: 0.01}"). Whatever the file
// would refuse, it refuses, with Errors in which name stands for the file.
func ParseRule(name, text string) (compare.Rule, error) {
	l := &loader{document: document{file: name, faults: &faults{}}}
	var rule compare.Rule
	if strings.TrimSpace(text) == "" {
		l.fault(Position{name, 1, 1}, "there is no rule", ruleRemedy)
		return rule, l.inOrder()
	}
	rule, at, ok := l.oneRule(l.read([]byte(text)))
	if ok && len(l.list) == 0 {
		_, errs := compare.Compile([]compare.Rule{rule})
		for _, e := range errs {
			says, remedy, _ := strings.Cut(e.Err.Error(), "\n")
			l.fault(at.field(e.Field), says, strings.TrimSpace(remedy))
		}
	}
	if len(l.list) > 0 {
		return compare.Rule{}, l.sorted(lineLengths([]byte(text)))
	}
	return rule, nil
}

const ruleRemedy = "write it as in routes.yaml: {path: $.score, tolerance: 0.01}"

func (l *loader) oneRule(n *yamlNode) (compare.Rule, rulePosition, bool) {
	if n == nil {
		return compare.Rule{}, rulePosition{}, false
	}
	if n.kind == yamlSequence {
		if len(n.items) != 1 {
			l.fault(n.pos, fmt.Sprintf("there are %d rules", len(n.items)), "give one rule at a time")
			return compare.Rule{}, rulePosition{}, false
		}
		n = n.items[0]
	}
	if !l.takes(n, "the rule", yamlMapping, "a mapping", ruleRemedy) {
		return compare.Rule{}, rulePosition{}, false
	}
	return l.rule(n)
}

// FormatRule is the rule as one line of a list in routes.yaml, such as
// `- {path: "$.items[*].at", within: 2m}`. [ParseRule] reads it.
func FormatRule(r compare.Rule) string { return "- " + flowMapping(reflect.ValueOf(r)) }

// flowMapping is a struct as a YAML mapping in one line, without what is not set.
func flowMapping(v reflect.Value) string {
	var parts []string
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if key != "" && !v.Field(i).IsZero() {
			parts = append(parts, key+": "+flowValue(key, v.Field(i)))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// flowValue is the value of a key. Where the file takes a number for a text, it
// stands without quotes.
func flowValue(key string, v reflect.Value) string {
	switch v.Kind() {
	case reflect.Struct:
		return flowMapping(v)
	case reflect.String:
	default:
		return fmt.Sprint(v.Interface())
	}
	s := v.String()
	number := s != "" && '0' <= s[0] && s[0] <= '9'
	if plainScalar(s) && (!number || key == "within" || key == "tolerance" || key == "until") {
		return s
	}
	return yamlQuoted(s)
}

// plainScalar reports whether a text stands for itself without quotes, and is
// no literal then.
func plainScalar(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '$', c == '_':
		case i > 0 && strings.IndexByte(".-%/()", c) >= 0:
		case i > 0 && i < len(s)-1 && c == ' ' && s[i+1] != '#':
		case i > 0 && i < len(s)-1 && c == ':' && s[i+1] != ' ':
		default:
			return false
		}
	}
	switch strings.ToLower(s) {
	case "", "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return false
	}
	return true
}

// yamlQuoted is a text as a double-quoted scalar (YAML 1.2, section 7.3.1).
func yamlQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
