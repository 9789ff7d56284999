package compare

import (
	"slices"
	"strings"

	"github.com/quackproxy/quack/compare/internal/stamp"
)

// cookie is one Set-Cookie line (RFC 6265 section 5.2).
type cookie struct {
	line        string
	name, value string
	attributes  []string // "name=value" in lower case save for Path, sorted, Expires left out
	expires     string
}

// Of several attributes with one name the last counts (section 5.3).
func parseCookie(line string) cookie {
	parts := strings.Split(line, ";")
	name, value, _ := strings.Cut(parts[0], "=")
	c := cookie{line: line, name: strings.TrimSpace(name), value: strings.TrimSpace(value)}
	last := make(map[string]string, len(parts)-1)
	for _, part := range parts[1:] {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch name {
		case "":
		case "expires":
			c.expires = value
		case "path":
			last[name] = value
		case "domain":
			last[name] = strings.ToLower(strings.TrimPrefix(value, "."))
		default:
			last[name] = strings.ToLower(value)
		}
	}
	for name, value := range last {
		c.attributes = append(c.attributes, name+"="+value)
	}
	slices.Sort(c.attributes)
	return c
}

// cookies compares Set-Cookie lines by name, in the order of legacy; the
// order of the lines themselves does not matter. Of a name that is set more
// than once, the first is compared with the first, and so on.
func (w *fields) cookies(legacy, new []string) {
	others := make([]cookie, len(new))
	for i, line := range new {
		others[i] = parseCookie(line)
	}
	for _, line := range legacy {
		c := parseCookie(line)
		i := slices.IndexFunc(others, func(o cookie) bool { return o.name == c.name })
		if i < 0 {
			w.lone(c, true)
			continue
		}
		w.cookie(c, others[i])
		others = slices.Delete(others, i, i+1)
	}
	for _, o := range others {
		w.lone(o, false)
	}
}

// cookiePath is the path of a cookie. A name that is no token, which no rule can
// have, is shown as values are.
func cookiePath(name string) string { return "cookie:" + show(name) }

// lone reports a cookie that one side alone sets.
func (w *fields) lone(c cookie, legacy bool) {
	line := []string{c.line}
	f := newFinding(cookiePath(c.name), KindHeader, nil, line)
	if legacy {
		f = newFinding(cookiePath(c.name), KindHeader, line, nil)
	}
	f.judge(w.rules, w.rules.field(f.Path), "", c.value, c.value)
	w.found = append(w.found, f)
}

// cookie compares two lines for one name: value, attributes in any order, and
// Expires as the timestamp that it is.
func (w *fields) cookie(l, n cookie) {
	attributes := slices.Equal(l.attributes, n.attributes)
	if l.value == n.value && attributes && l.expires == n.expires {
		return
	}
	f := newFinding(cookiePath(l.name), KindHeader, []string{l.line}, []string{n.line})
	applicable := w.rules.field(f.Path)
	bound, v := w.rules.timeBound(applicable)
	tl, okL := stamp.Parse([]byte(l.expires))
	tn, okN := stamp.Parse([]byte(n.expires))
	near := l.expires == n.expires || okL && okN && tl.Style == tn.Style && tl.Apart(tn.Instant) <= bound
	switch {
	case l.value == n.value && attributes && near:
		f.verdict, f.drift = v, tn.After(tl.Instant)
	case l.value != n.value && attributes && near:
		f.judge(w.rules, applicable, l.name, l.value, n.value)
	default:
		f.ignore(w.rules, applicable)
	}
	w.found = append(w.found, f)
}

// ignore applies the rules that do not look at values.
func (f *finding) ignore(rules *Rules, applicable []int32) {
	for _, r := range applicable {
		if act := &rules.actions[r]; act.ignore || act.partial == f.Kind {
			f.verdict = forgivenBy(r)
			return
		}
	}
}
