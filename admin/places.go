package admin

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/quackproxy/quack/compare"
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

// placesUnder are the places of a comparison; where something at a path counted
// and something else was forgiven, it counted. With a rule that was tried they
// are as they would be if it were in force, as far as it is known: forgiven is
// what the rule leaves nothing of anywhere.
func placesUnder(c *reports.Comparison, tried *RuleTried) *places {
	p := &places{exact: map[string]string{}, found: map[string]string{}}
	for _, f := range c.Forgiven {
		p.add(f.Path, lineForgiven)
	}
	var left []string
	for _, d := range c.Differences {
		if tried != nil && tried.settles(c.Route, d.Path, d.Kind) {
			p.add(d.Path, lineForgiven)
		} else {
			left = append(left, d.Path)
		}
	}
	for _, path := range left {
		p.add(path, lineDiffers)
	}
	return p
}

// settles reports whether a rule that was tried forgives all that the stored
// evidence has of a place.
func (t *RuleTried) settles(route, path string, kind compare.Kind) bool {
	return slices.ContainsFunc(t.Places, func(p reports.TriedPlace) bool {
		return p.Route == route && p.Path == path && p.Kind == kind && p.Forgiven > 0 && p.Added == 0 && p.Left == 0
	})
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
