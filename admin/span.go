package admin

import (
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// ofMark begins the value of a span that begins at a mark.
const ofMark = "mark:"

// spanFilter is what is counted in a span: "24h", an instant, "mark:v1.4", or
// "v1.4", as the API and the command line write it.
func (s *server) spanFilter(span string) (reports.Filter, error) {
	if name, is := strings.CutPrefix(span, ofMark); is {
		return reports.Filter{SinceMark: name}, nil
	}
	var f reports.Filter
	var err error
	if f.Since, err = since(span); err != nil {
		err = sinceMark(&f, span, err)
	}
	return f, err
}

// chosen is a span as the choices of a page have it.
func chosen(f reports.Filter, span string) string {
	if f.SinceMark != "" {
		return ofMark + f.SinceMark
	}
	return span
}

// marksShown is how many marks there are to choose from.
const marksShown = 10

// spansWith are those that a page offers: lengths of time, and the newest marks.
func spansWith(marks []reports.Mark) []choice {
	all := append([]choice(nil), spans...)
	for _, m := range marks[:min(len(marks), marksShown)] {
		all = append(all, choice{ofMark + m.Name, "since mark " + wording.VisibleText(m.Name)})
	}
	return all
}

// shortKey is a name, whatever stands in it, as it may stand in an id of a page.
func shortKey(name string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return strconv.FormatUint(h.Sum64(), 36)
}
