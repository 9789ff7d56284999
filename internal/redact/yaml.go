package redact

import (
	"regexp"
	"strings"
)

// yamlKey is a line that begins a member in YAML, with what stands behind it.
var yamlKey = regexp.MustCompile(`^([ \t]*(?:- +)*)["']?([^\s"'#:\[{][^"':]*)["']?[ \t]*:(?:[ \t]+(.*))?$`)

// yaml is a YAML text. What stands behind the name of a secret on its
// line is secret, and what stands below it, deeper, line by line.
func (r *Redactor) yaml(s string) string {
	var b strings.Builder
	below := -1 // the indentation of the secret's name
	for line := range strings.Lines(s) {
		text := strings.TrimRight(line, "\r\n")
		indent := len(text) - len(strings.TrimLeft(text, " \t"))
		if below >= 0 && text != "" {
			rest := text[indent:]
			if indent > below || indent == below && strings.HasPrefix(rest, "-") {
				b.WriteString(text[:indent] + r.yamlValue(rest) + line[len(text):])
				continue
			}
			below = -1
		}
		if found := yamlKey.FindStringSubmatch(text); found != nil && r.secretName(found[2]) {
			if value := strings.TrimSpace(found[3]); value == "" || value[0] == '|' || value[0] == '>' || value[0] == '#' || value[0] == '&' {
				below = indent
				b.WriteString(line)
				continue
			}
			b.WriteString(text[:len(text)-len(found[3])] + r.yamlScalar(found[3]) + line[len(text):])
			continue
		}
		b.WriteString(line)
	}
	return r.Text(b.String())
}

// yamlValue is a line below the name of a secret.
func (r *Redactor) yamlValue(s string) string {
	rest := strings.TrimLeft(s, "- ")
	dashes := s[:len(s)-len(rest)]
	if rest == "" {
		return s
	}
	if found := yamlKey.FindStringSubmatch(rest); found != nil {
		if found[3] == "" {
			return s
		}
		return dashes + rest[:len(rest)-len(found[3])] + r.yamlScalar(found[3])
	}
	return dashes + r.yamlScalar(rest)
}

// yamlScalar is a secret value on the line of its name.
func (r *Redactor) yamlScalar(s string) string {
	switch s {
	case "null", "~", "true", "false", `""`, "''", "{}", "[]":
		return s
	}
	return r.secret(strings.Trim(strings.TrimSpace(s), `"'`))
}
