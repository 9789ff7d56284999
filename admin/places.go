package admin

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/quackproxy/quack/reports"
)

// places tell for a generalised path what became of the differences there. For
// one goroutine.
type places struct {
	exact map[string]string
	wild  []wildPlace       // paths through maps, whose keys are generalised too
	found map[string]string // what was asked of wild

	here *places // the one place that is looked at; nil for none
}

type wildPlace struct {
	path   *regexp.Regexp
	became string
}

// placesOf are the places of a comparison. Where something at a path counted and
// something else was forgiven, it counted.
func placesOf(c *reports.Comparison) *places {
	p := &places{exact: map[string]string{}, found: map[string]string{}}
	for _, f := range c.Forgiven {
		p.add(f.Path, lineForgiven)
	}
	for _, d := range c.Differences {
		p.add(d.Path, lineDiffers)
	}
	return p
}

// lookAt makes path the place that is looked at.
func (p *places) lookAt(path string) {
	p.here = &places{exact: map[string]string{}}
	p.here.add(path, lineDiffers)
	if ofBody(path) {
		p.here.exact["body"] = lineDiffers // of a body that is shown by its lines
	}
}

// ofBody reports whether a path is that of a place in a body.
func ofBody(path string) bool { return path == "body" || strings.HasPrefix(path, "$") }

// lines is what became of the lines of a body that differ, where it is not known
// which lines a path stands for: forgiven when all is that is known of the body.
func (p *places) lines() string {
	became := ""
	for path, is := range p.exact {
		switch {
		case !ofBody(path):
		case is == lineDiffers:
			return lineDiffers
		default:
			became = is
		}
	}
	return cmp.Or(became, lineDiffers)
}

// looksAt reports whether path is the place that is looked at, or below it.
func (p *places) looksAt(path string) bool {
	return p.here != nil && p.here.listed(path) != ""
}

func (p *places) add(path, became string) {
	p.exact[path] = became
	if !strings.Contains(path, ".*") {
		return
	}
	const anyKey = `(\.[^.\[]+|\['[^']*'\])`
	pattern := strings.ReplaceAll(regexp.QuoteMeta(path), `\.\*`, anyKey)
	if re, err := regexp.Compile("^" + pattern + `([.\[].*)?$`); err == nil {
		p.wild = append(p.wild, wildPlace{re, became})
	}
}

// of is what became of a place that differs: that of its path, or of the nearest
// path that it stands below; a difference that is not listed counts.
func (p *places) of(path string) string {
	became, known := p.found[path]
	if !known {
		if became = p.listed(path); became == "" {
			became = lineDiffers
		}
		p.found[path] = became
	}
	return became
}

// listed is what became of a path that is listed, or stands below one that is; ""
// for others.
func (p *places) listed(path string) string {
	for at := path; at != ""; at = at[:max(strings.LastIndexAny(at, ".["), 0)] {
		if became, known := p.exact[at]; known {
			return became
		}
	}
	// The last one added counts most.
	for _, w := range slices.Backward(p.wild) {
		if w.path.MatchString(path) {
			return w.became
		}
	}
	return ""
}
