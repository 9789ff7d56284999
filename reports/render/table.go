package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// tableWidth is the width that a report is laid out for, in characters.
const tableWidth = 100

// style are the escape sequences of a terminal, empty without colour.
type style struct{ bold, dim, red, yellow, green, off string }

func styleFor(color bool) style {
	if !color {
		return style{}
	}
	return style{bold: "\x1b[1m", dim: "\x1b[2m", red: "\x1b[31m", yellow: "\x1b[33m", green: "\x1b[32m", off: "\x1b[0m"}
}

// Table writes the report for a terminal of 100 columns.
func Table(w io.Writer, r Report, color bool) error {
	t := table{Writer: bufio.NewWriter(w), r: r, style: styleFor(color)}
	t.line("%s%s%s", t.bold, r.headline(), t.off)
	if ready := r.readyText(); ready != "" {
		t.line("%s", ready)
	}
	t.line("%s%s%s", t.dim, r.span(), t.off)
	if len(r.Routes) > 0 {
		t.routes()
	}
	for _, section := range sections {
		if section.verdict == reports.VerdictForgiven {
			t.forgiven(section.title)
			continue
		}
		t.section(section.verdict, section.title)
	}
	t.attention()
	t.runs()
	return t.Flush()
}

// sections are the groups of a report by verdict.
var sections = []struct{ verdict, title string }{
	{string(reports.Mismatch), "Differences"},
	{string(reports.Noise), "Noise: legacy keeps differing from itself there"},
	{string(reports.Transient), "Transient: legacy differed from its own first answer there"},
	{reports.VerdictForgiven, "Forgiven"},
}

type table struct {
	*bufio.Writer
	style
	r Report
}

func (t *table) line(format string, args ...any) {
	fmt.Fprintln(t, strings.TrimRight(fmt.Sprintf(format, args...), " "))
}

// columnsWidth is the width of the columns of numbers.
const columnsWidth = 9 + 10 + 9 + 7 + 7 + 8 + 6*2

func (t *table) routes() {
	name, stage := len("ROUTE"), len("STAGE")
	for _, r := range t.r.Routes {
		name = max(name, utf8.RuneCountInString(wording.Visible(r.Name)))
		stage = max(stage, utf8.RuneCountInString(wording.Visible(stageText(r))))
	}
	// What is left for the name; longer names have a line of their own.
	name = min(name, tableWidth-stage-2-columnsWidth)
	t.line("")
	t.line("%s%-*s  %-*s  %9s  %10s  %9s  %7s  %7s  %8s%s", t.dim, name, "ROUTE", stage, "STAGE",
		"COMPARED", "MISMATCHED", "TRANSIENT", "NOISE", "ERRORS", "AT MOST*", t.off)
	for _, r := range t.r.Routes {
		t.route(r, name, stage)
	}
	t.line("%s* so many of all requests mismatch at most, at 95 %% confidence (exact binomial bound)%s", t.dim, t.off)
	for _, reason := range t.r.skipReasons() {
		t.line("%sskipped, %s: %s%s", t.dim, wording.Visible(reason), reports.SkipMeans(reason), t.off)
	}
}

func (t *table) route(r reports.RouteReport, name, stage int) {
	shown := wording.Visible(r.Name)
	if utf8.RuneCountInString(shown) > name {
		t.line("%s%s%s", t.bold, shown, t.off)
		shown = ""
	}
	colour := t.green
	switch {
	case r.Mismatched > 0:
		colour = t.red
	case r.Compared == 0:
		colour = ""
	}
	t.line("%s%-*s%s  %-*s  %9s  %s%10s%s  %9s  %7s  %7s  %8s", t.bold, name, shown, t.off, stage, wording.Visible(stageText(r)),
		wording.Number(r.Compared), colour, wording.Number(r.Mismatched), t.off, wording.Number(r.Transient), wording.Number(r.Noise), wording.Number(r.Errors), boundText(r))
	if r.Leak != "" {
		t.line("  %s%sLEAK SUSPECTED: %s%s", t.bold, t.red, wording.Visible(r.Leak), t.off)
	}
	if stands, says := standsOf(r); r.Readiness.Says != "" {
		if stands == standsMute {
			says = r.Readiness.Says
		}
		colour := map[standing]string{standsWell: t.green, standsBad: t.red, standsOpen: t.yellow, standsMute: t.dim}[stands]
		t.flow(2, " ", colour, strings.Fields(wording.Visible(says)))
	}
	t.details(r)
}

// apart are what else was counted of a route, each with its name, what is 0 left
// out.
func apartOf(r reports.RouteReport) []string {
	var parts []string
	for _, c := range []struct {
		name string
		n    int64
	}{{"timed out", r.TimedOut}, {"not re-checked", r.Unchecked}, {"suspect", r.Suspect}, {"unverified", r.Unverified}, {"unmarked", r.Unmarked}} {
		if c.n > 0 {
			parts = append(parts, c.name+" "+wording.Number(c.n))
		}
	}
	for _, c := range []struct{ name, text string }{
		{"fallback", fallbackText(r)}, {"statuses", differingStatuses(r)}, {"ran first", countsText(r.First)}, {"writes compared", writesText(r)},
	} {
		if c.text != "" {
			parts = append(parts, c.name+" "+wording.Visible(c.text))
		}
	}
	return parts
}

func fallbackText(r reports.RouteReport) string {
	if len(r.Fallbacks) == 0 {
		return ""
	}
	return wording.Tally(r.Fallbacks)
}

// details are the counters that are not in a column, wrapped.
func (t *table) details(r reports.RouteReport) {
	parts := []string{"served " + wording.Number(r.Served), "forgiven " + wording.Number(r.Forgiven), "skipped " + wording.Visible(skippedText(r)), "dropped " + wording.Number(r.Dropped)}
	parts = append(parts, apartOf(r)...)
	if r.Compared > 0 {
		parts = append(parts,
			"p50 "+wording.Millis(r.Legacy.P50)+" → "+wording.Millis(r.New.P50)+" ms",
			"p99 "+wording.Millis(r.Legacy.P99)+" → "+wording.Millis(r.New.P99)+" ms")
	}
	if text := ratioText(r); text != "" {
		parts = append(parts, "new takes "+text)
	}
	t.wrapped(parts)
}

// wrapped are facts in as few lines as they need.
func (t *table) wrapped(parts []string) { t.flow(2, " · ", t.dim, parts) }

// flow writes parts, one after the other, in as few lines as they need; none is
// broken.
func (t *table) flow(indent int, between, colour string, parts []string) {
	line := strings.Repeat(" ", indent)
	for i, part := range parts {
		if i > 0 {
			if utf8.RuneCountInString(line+between+part) > tableWidth {
				t.line("%s%s%s", colour, line, t.off)
				line = strings.Repeat(" ", indent)
			} else {
				line += between
			}
		}
		line += part
	}
	t.line("%s%s%s", colour, line, t.off)
}

func (t *table) section(verdict, title string) {
	begun := false
	for _, g := range t.r.Groups {
		if g.Verdict != verdict {
			continue
		}
		if !begun {
			t.line("")
			t.line("%s%s%s", t.bold, title, t.off)
			begun = true
		}
		t.group(g)
	}
}

// group is one group: where and how often, then an example.
func (t *table) group(g reports.Group) {
	colour := ""
	switch g.Verdict {
	case string(reports.Mismatch):
		colour = t.red
	case string(reports.Noise), string(reports.Transient):
		colour = t.yellow
	}
	t.line("%s%9s%s %8s  %-9s  %s  %s%s%s", colour, wording.Number(g.Count), t.off, t.r.share(g), wording.Visible(g.Kind), wording.Visible(g.Path), t.dim, wording.Visible(g.Route), t.off)
	s, some := newestOf(g)
	if !some {
		t.facts(factsOf(g))
		return
	}
	// Both values get half of the line; the short one leaves room for the other.
	const room = tableWidth - 20 - 3
	legacy, new := orAbsent(wording.Visible(s.Legacy)), orAbsent(wording.Visible(s.New))
	half := room / 2
	most := max(half, room-utf8.RuneCountInString(new))
	legacy = wording.Cut(legacy, most)
	new = wording.Cut(new, max(half, room-utf8.RuneCountInString(legacy)))
	t.line("%20s%s → %s", "", legacy, new)
	t.facts(append([]string{"quack diff " + wording.Visible(s.ID)}, factsOf(g)...))
}

// facts are what else is known of a group, wrapped below it.
func (t *table) facts(facts []string) { t.flow(20, " · ", t.dim, facts) }

// forgiven are the forgiven groups, a line each: they are what a reader looks
// through, not into. What happened at the same place for the same reason on
// several routes, as the Date field does on all, is one line.
func (t *table) forgiven(title string) {
	type place struct{ path, kind, reason string }
	type merged struct {
		place
		count  int64
		drift  compare.Drift
		routes []string
	}
	var list []*merged
	at := make(map[place]*merged)
	for _, g := range t.r.Groups {
		if g.Verdict != reports.VerdictForgiven {
			continue
		}
		p := place{g.Path, g.Kind, g.Reason}
		m := at[p]
		if m == nil {
			m = &merged{place: p}
			at[p] = m
			list = append(list, m)
		}
		m.count += g.Count
		m.drift.Merge(g.Drift)
		m.routes = append(m.routes, g.Route)
	}
	if len(list) == 0 {
		return
	}
	t.line("")
	t.line("%s%s%s", t.bold, title, t.off)
	for _, m := range list {
		where := wording.Visible(m.routes[0])
		if len(m.routes) > 1 {
			where = fmt.Sprintf("%d routes", len(m.routes))
		}
		t.line("%9s  %-9s  %s  %s%s · %s%s", wording.Number(m.count), wording.Visible(m.kind), wording.Visible(m.path), t.dim, where, wording.Visible(m.reason), t.off)
		if m.drift.Count > 0 {
			t.line("%20s%snew - legacy: %s%s", "", t.dim, m.drift, t.off)
		}
	}
}
