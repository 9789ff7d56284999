package redact

import (
	"regexp"
	"strconv"
	"strings"
)

// pathNames is a pattern of paths whose parameters have names.
type pathNames struct {
	pattern string
	matches *regexp.Regexp
	names   []string // of the parameters, in order; the n-th is the group "pn"
}

// parameter is one in a pattern, {name} or {name:expression}, or the wildcard.
var parameter = regexp.MustCompile(`\{([^{}:]+)(:(?:[^{}]|\{[^{}]*\})*)?\}|\*$`)

// namesOf reads a pattern. Of one with an expression that does not compile no
// path is.
func namesOf(pattern string) pathNames {
	p := pathNames{pattern: pattern}
	var b strings.Builder
	b.WriteString(`^`)
	done := 0
	for _, at := range parameter.FindAllStringSubmatchIndex(pattern, -1) {
		b.WriteString(regexp.QuoteMeta(pattern[done:at[0]]))
		if done = at[1]; at[2] < 0 {
			b.WriteString(`.*`)
			continue
		}
		expression := `[^/]*`
		if at[4] >= 0 {
			expression = pattern[at[4]+1 : at[5]]
		}
		b.WriteString(`(?P<p` + strconv.Itoa(len(p.names)) + `>` + expression + `)`)
		p.names = append(p.names, pattern[at[2]:at[3]])
	}
	b.WriteString(regexp.QuoteMeta(pattern[done:]) + `$`)
	var err error
	if p.matches, err = regexp.Compile(b.String()); err != nil {
		p.names = nil
	}
	return p
}

// hasSecretName reports whether a parameter of a pattern is a secret by its name.
func hasSecretName(r *Redactor, pattern string) bool {
	for _, found := range parameter.FindAllStringSubmatch(pattern, -1) {
		if r.secretName(found[1]) {
			return true
		}
	}
	return false
}

// replace is a path without the parameters that are secrets.
func (p *pathNames) replace(r *Redactor, path string) string {
	found := p.matches.FindStringSubmatchIndex(path)
	if found == nil {
		return path
	}
	var b strings.Builder
	done := 0
	for i, name := range p.names {
		g := p.matches.SubexpIndex("p" + strconv.Itoa(i))
		if from, to := found[2*g], found[2*g+1]; from >= done && to > from && r.secretName(name) {
			b.WriteString(path[done:from] + r.secret(decodedName(path[from:to])))
			done = to
		}
	}
	return b.String() + path[done:]
}

// byParameters is the path of a target without the segments that are secrets by
// the names of their parameters. It begins at the byte from.
func (r *Redactor) byParameters(path string, from int) string {
	if r.policy == nil {
		return path
	}
	for i := range r.policy.paths {
		path = path[:from] + r.policy.paths[i].replace(r, path[from:])
	}
	return path
}
