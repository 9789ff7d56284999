package admin

import (
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
	for p := path; p != ""; p = p[:max(strings.LastIndexAny(p, ".["), 0)] {
		if mark, known := m.exact[p]; known {
			return mark
		}
	}
	mark, known := m.found[path]
	if known {
		return mark
	}
	mark = markDiffers
	// The last one added counts most.
	for _, w := range slices.Backward(m.wild) {
		if w.path.MatchString(path) {
			mark = w.mark
			break
		}
	}
	m.found[path] = mark
	return mark
}
