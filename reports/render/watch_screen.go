package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// WriteScreen writes the state for a screen of so many lines, and no more: what
// has happened, the routes, worst first, and the newest differences.
func (w *Watch) WriteScreen(out io.Writer, on Screen, lines int) error {
	s := watchScreen{w: w, style: styleFor(on.Color), columns: max(on.Columns, screenMin)}
	s.add(s.bold, w.now.headline())
	s.add(s.dim, fmt.Sprintf("%s · served %.3g/s, compared %.3g/s · since %s +%s, +%s differ", w.clock(),
		w.perSecond(servedOf), w.perSecond(comparedOf), w.first.At.In(time.Local).Format(time.TimeOnly),
		wording.Number(s.sum(comparedOf)), wording.Number(s.sum(differOf))))
	if w.away != "" {
		s.add(s.red, wording.Visible(w.away))
	}
	s.routes((lines - len(s.lines) - 4) / 2)
	s.differences(lines - len(s.lines) - 1)
	b := bufio.NewWriter(out)
	for i, line := range s.lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line)
	}
	return b.Flush()
}

type watchScreen struct {
	w *Watch
	style
	columns int
	lines   []string
}

// add adds a line, cut to the width.
func (s *watchScreen) add(colour, text string) {
	text = wording.Cut(text, s.columns)
	if colour != "" {
		text = colour + text + s.off
	}
	s.lines = append(s.lines, text)
}

func (s *watchScreen) sum(counter func(reports.RouteReport) int64) int64 {
	var sum int64
	for name := range s.w.now.route {
		sum += s.w.grown(name, s.w.first, counter)
	}
	return sum
}

// watchNumbers is the width of the columns of numbers.
const watchNumbers = 10 + 7 + 12 + 7 + 8 + 5*2

// routes takes at most so many lines for routes.
func (s *watchScreen) routes(most int) {
	list := s.w.busy()
	if len(list) == 0 || most < 1 {
		return
	}
	name := max(s.columns-watchNumbers, 12)
	s.add("", "")
	s.add(s.dim, fmt.Sprintf("%-*s  %10s  %7s  %12s  %7s  %8s", name, "ROUTE", "COMPARED", "/S", "MISMATCHED", "NOISE", "AT MOST"))
	for i, r := range list {
		if i == most-1 && len(list) > most {
			s.add(s.dim, fmt.Sprintf("… %s more", wording.Count(int64(len(list)-i), "route")))
			return
		}
		colour := ""
		switch {
		case s.w.grown(r.Name, s.w.first, against) > 0 || r.Leak != "":
			colour = s.red
		case against(r) > 0:
			colour = s.yellow
		case r.Compared > 0:
			colour = s.green
		}
		mismatched := wording.Number(r.Mismatched)
		if n := s.w.grown(r.Name, s.w.first, func(r reports.RouteReport) int64 { return r.Mismatched }); n > 0 {
			mismatched = "+" + wording.Number(n) + "  " + mismatched
		}
		if r.Leak != "" {
			mismatched = "LEAK"
		}
		shown := wording.Cut(wording.Visible(r.Name+" "+stageText(r)), name)
		s.add(colour, fmt.Sprintf("%s  %10s  %7s  %12s  %7s  %8s", padded(shown, name), wording.Number(r.Compared), s.rate(r.Name), mismatched, wording.Number(r.Noise), boundText(r)))
	}
}

// rate is how many requests of a route were compared in a second.
func (s *watchScreen) rate(route string) string {
	span := s.w.now.At.Sub(s.w.before.At)
	n := s.w.grown(route, s.w.before, comparedOf)
	if n == 0 || span <= 0 {
		return ""
	}
	return fmt.Sprintf("%.3g", float64(n)/span.Seconds())
}

// differences takes at most so many lines for the newest differences, two each.
func (s *watchScreen) differences(most int) {
	list := s.w.fresh()
	if len(list) == 0 || most < 4 {
		return
	}
	s.add("", "")
	s.add(s.bold, "Newest differences")
	for i, g := range list {
		if 2*(i+2) > most {
			return
		}
		colour := s.yellow
		if g.Verdict == string(reports.Mismatch) {
			colour = s.red
		}
		s.add(colour, fmt.Sprintf("%s  %-9s  %s × %s %s  %s", g.LastSeen.In(time.Local).Format(time.TimeOnly), wording.Visible(g.Verdict), wording.Number(g.Count), wording.Visible(g.Kind), wording.Visible(g.Path), wording.Visible(g.Route)))
		s.add(s.dim, "          "+exampleOf(g, s.columns-10))
	}
}

// exampleOf is "1 → 2  quack diff ID" in so many characters; the id stays whole.
func exampleOf(g reports.Group, columns int) string {
	sample, some := newestOf(g)
	if !some {
		return "(no sample kept)"
	}
	command := "  quack diff " + wording.Visible(sample.ID)
	half := max((columns-utf8.RuneCountInString(command)-3)/2, 4)
	return wording.Cut(orAbsent(wording.Visible(sample.Legacy)), half) + " → " + wording.Cut(orAbsent(wording.Visible(sample.New)), half) + command
}

// WriteLines writes what is new in the newest report: a line for each route that
// was compared, for each kind of difference that was not there before, and for a
// proxy that is away. Nothing new is no line.
func (w *Watch) WriteLines(out io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, w.clock()+" "+format+"\n", args...) }
	if w.away != "" {
		fmt.Fprintf(&b, "%s\n", wording.Visible(w.away))
		_, err := io.WriteString(out, b.String())
		return err
	}
	if w.seen == 1 {
		line("%s", w.now.headline())
	}
	for _, r := range w.now.Routes {
		compared, errors := w.grown(r.Name, w.before, comparedOf), w.grown(r.Name, w.before, func(r reports.RouteReport) int64 { return r.Errors })
		if compared+errors > 0 {
			line("%s: +%s compared, +%s mismatched, +%s noise, +%s errors; %s of %s mismatch", wording.Visible(r.Name), wording.Number(compared),
				wording.Number(w.grown(r.Name, w.before, func(r reports.RouteReport) int64 { return r.Mismatched })),
				wording.Number(w.grown(r.Name, w.before, func(r reports.RouteReport) int64 { return r.Noise })), wording.Number(errors), wording.Number(r.Mismatched), wording.Number(r.Compared))
		}
		if r.Leak != "" && w.before.route[r.Name].Leak == "" {
			line("%s: LEAK SUSPECTED: %s", wording.Visible(r.Name), wording.Visible(r.Leak))
		}
	}
	for _, g := range w.fresh() {
		if w.isNew(g) {
			line("%s: new %s: %s %s: %s", wording.Visible(g.Route), wording.Visible(g.Verdict), wording.Visible(g.Kind), wording.Visible(g.Path), exampleOf(g, 160))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}
