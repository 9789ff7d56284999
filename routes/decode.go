package routes

import (
	"fmt"
	"strings"

	"github.com/quackproxy/quack/internal/redact"
)

// loader reads one file. Its methods report faults and go on.
type loader struct {
	document
	route     string // name of the route being read, for messages
	backends  map[string]*Backend
	databases map[string]*Database
	settings  map[string]settingID
	sections  map[string]bool // "shadow", "rewrite.new", …
	policies  map[redactKey]*redact.Policy
}

func (l *loader) fault(at Position, text, remedy string) { l.add(at, l.route, text, remedy) }

// field is one key of a mapping and what reads its value.
type field struct {
	key  string
	read func(key Position, n *yamlNode)
}

// mapping reads the fields of n, which is called what in messages.
func (l *loader) mapping(n *yamlNode, what string, fields ...field) bool {
	if !l.is(n, what, yamlMapping) {
		return false
	}
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	for _, e := range n.entries {
		known := false
		for _, f := range fields {
			if f.key == e.key {
				known = true
				f.read(e.pos, e.val)
			}
		}
		if !known {
			l.unknownKey(e, what, keys)
		}
	}
	return true
}

func (l *loader) unknownKey(e yamlEntry, what string, known []string) {
	l.fault(e.pos, fmt.Sprintf("unknown key %s in %s", quoted(e.key), what), choice(e.key, known))
}

// is reports whether n is of the kind, and reports a fault when it is not.
func (l *loader) is(n *yamlNode, what string, want yamlKind) bool {
	return l.takes(n, what, want, want.String(), remedyFor(n, want))
}

// takes is is for a value that has a form of its own within the kind.
func (l *loader) takes(n *yamlNode, what string, want yamlKind, form, remedy string) bool {
	switch n.kind {
	case want:
		return true
	case yamlBad:
	case yamlNull:
		l.fault(n.pos, what+" has no value", fmt.Sprintf("give it %s, or remove the line", form))
	default:
		l.fault(n.pos, fmt.Sprintf("%s takes %s, not %s", what, form, n.kind), remedy)
	}
	return false
}

func remedyFor(n *yamlNode, want yamlKind) string {
	switch {
	case want == yamlString && (n.kind == yamlNumber || n.kind == yamlBool):
		return fmt.Sprintf("put it in quotes: %q", n.text)
	case want == yamlBool && n.kind == yamlString:
		return "write true or false, without quotes"
	case want == yamlSequence:
		return "write it as [a, b], or one entry a line with a dash before each"
	case want == yamlMapping:
		return "write it as {key: value}, or one key: value a line, indented"
	default:
		return "write " + want.String()
	}
}

// word reads one of the allowed words. Those of later are words that routes.yaml
// will have, and that this version can not act upon.
func (l *loader) word(n *yamlNode, key string, allowed []string, later ...string) (string, bool) {
	if !l.takes(n, key, yamlString, "a word", "use "+oneOf(allowed)) {
		return "", false
	}
	for _, w := range allowed {
		if n.text == w {
			return w, true
		}
	}
	for _, w := range later {
		if n.text == w {
			l.fault(n.pos, fmt.Sprintf("%s: %s is not available in this version of Quack", key, w), "use "+oneOf(allowed))
			return "", false
		}
	}
	l.fault(n.pos, fmt.Sprintf("%s %s is not known", key, quoted(n.text)), choice(n.text, allowed))
	return "", false
}

// name reads a text that is used as a name: of a route, a backend, a database.
func (l *loader) name(n *yamlNode, what string) (string, bool) {
	if !l.is(n, what, yamlString) {
		return "", false
	}
	if text, ok := badName(n.text); ok {
		l.fault(n.pos, what+" "+text, "use letters, digits, dots, dashes and underscores: accounts.show")
		return "", false
	}
	return n.text, true
}

func badName(name string) (string, bool) {
	switch {
	case name == "":
		return "is empty", true
	case len(name) > 200:
		return "is longer than 200 bytes", true
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '�' }):
		return "has a control character in it", true
	case strings.TrimSpace(name) != name:
		return fmt.Sprintf("%s has spaces around it", quoted(name)), true
	case strings.HasPrefix(name, "("):
		return fmt.Sprintf("%s is reserved: names in brackets are Quack's own", quoted(name)), true
	}
	return "", false
}
