package admin

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/quackproxy/quack/reports"
)

// marks tell for a generalised path what became of the differences there. For
// one goroutine.
type marks struct {
	exact map[string]string
	wild  []wildMark        // paths through maps, whose keys are generalised too
	found map[string]string // what was asked of wild

	here *marks // the one place that is looked at; nil for none
}

type wildMark struct {
	path *regexp.Regexp
	mark string
}

// marksOf are the marks of a comparison. Where something at a path counted and
// something else was forgiven, it counted.
func marksOf(c *reports.Comparison) *marks {
	m := &marks{exact: map[string]string{}, found: map[string]string{}}
	for _, f := range c.Forgiven {
		m.add(f.Path, markForgiven)
	}
	for _, d := range c.Differences {
		m.add(d.Path, markDiffers)
	}
	return m
}

// lookAt makes path the place that is looked at.
func (m *marks) lookAt(path string) {
	m.here = &marks{exact: map[string]string{}}
	m.here.add(path, markDiffers)
	if ofBody(path) {
		m.here.exact["body"] = markDiffers // of a body that is shown by its lines
	}
}

// ofBody reports whether a path is that of a place in a body.
func ofBody(path string) bool { return path == "body" || strings.HasPrefix(path, "$") }

// lines is the mark of the lines of a body that differ, where it is not known
// which lines a path stands for: forgiven when all is that is known of the body.
func (m *marks) lines() string {
	mark := ""
	for path, became := range m.exact {
		switch {
		case !ofBody(path):
		case became == markDiffers:
			return markDiffers
		default:
			mark = became
		}
	}
	return cmp.Or(mark, markDiffers)
}

// looksAt reports whether path is the place that is looked at, or below it.
func (m *marks) looksAt(path string) bool {
	return m.here != nil && m.here.listed(path) != ""
}

func (m *marks) add(path, mark string) {
	m.exact[path] = mark
	if !strings.Contains(path, ".*") {
		return
	}
	const anyKey = `(\.[^.\[]+|\['[^']*'\])`
	pattern := strings.ReplaceAll(regexp.QuoteMeta(path), `\.\*`, anyKey)
	if re, err := regexp.Compile("^" + pattern + `([.\[].*)?$`); err == nil {
		m.wild = append(m.wild, wildMark{re, mark})
	}
}

// of is the mark of a place that differs: that of its path, or of the nearest
// path that it stands below; a difference that is not listed counts.
func (m *marks) of(path string) string {
	mark, known := m.found[path]
	if !known {
		if mark = m.listed(path); mark == "" {
			mark = markDiffers
		}
		m.found[path] = mark
	}
	return mark
}

// listed is the mark of a path that is listed, or stands below one that is; ""
// for others.
func (m *marks) listed(path string) string {
	for p := path; p != ""; p = p[:max(strings.LastIndexAny(p, ".["), 0)] {
		if mark, known := m.exact[p]; known {
			return mark
		}
	}
	// The last one added counts most.
	for _, w := range slices.Backward(m.wild) {
		if w.path.MatchString(path) {
			return w.mark
		}
	}
	return ""
}
