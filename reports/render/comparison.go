package render

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/export"
)

const (
	// nameColumn is the width of the names between the two sides.
	nameColumn = 22

	// bodyLines is how much of one body is shown unless all is asked for.
	bodyLines = 60

	// screenMin is the narrowest screen that is laid out for.
	screenMin = 60
)

// Screen is what a comparison is written on.
type Screen struct {
	Color   bool
	Columns int  // characters in a line; 0 is 100, and less than 60 is taken for 60
	All     bool // whole bodies: nothing is folded or cut
}

// Comparison writes one comparison for a terminal: the differences first,
// then the request, the two answers side by side, their bodies line by line, and
// for each side a command that asks it again.
func Comparison(w io.Writer, c *reports.Comparison, on Screen) error {
	if on.Columns == 0 {
		on.Columns = tableWidth
	}
	t := comparisonText{table{Writer: bufio.NewWriter(w), style: styleFor(on.Color)}, c, max(on.Columns, screenMin), on.All}
	t.head()
	t.found()
	t.forgiven()
	t.request()
	t.answers()
	t.bodies()
	t.commands()
	return t.Flush()
}

type comparisonText struct {
	table
	c       *reports.Comparison
	columns int
	all     bool
}

// value is the width of one side's column beside names.
func (t comparisonText) value() int { return (t.columns - nameColumn - 2*2) / 2 }

func (t comparisonText) title(s string) {
	t.line("")
	t.line("%s%s%s", t.bold, s, t.off)
}

func (t comparisonText) head() {
	c := t.c
	colour := map[reports.Verdict]string{reports.Match: t.green, reports.Mismatch: t.red, reports.Error: t.red}[c.Verdict]
	if colour == "" {
		colour = t.yellow
	}
	verdict := string(c.Verdict)
	if c.Unsteady {
		verdict += ", unsteady: new does not agree with itself"
	}
	if c.Suspect {
		verdict += ", suspect: " + reports.SuspectText
	}
	t.line("%sComparison %s%s  %s%s%s", t.bold, wording.Visible(c.ID), t.off, colour, verdict, t.off)
	facts := []string{wording.Visible(c.Route), "stage " + wording.Visible(c.Stage), c.At.UTC().Format("2006-01-02 15:04:05.000 UTC")}
	if c.Live == "" {
		facts = append(facts, "neither side was live")
	} else {
		facts = append(facts, "live "+wording.Visible(c.Live))
	}
	if c.First != "" {
		facts = append(facts, wording.Visible(c.First)+" ran first")
	}
	if text := c.RecheckText(); text != "" {
		facts = append(facts, text)
	}
	if text := c.WritesText(); text != "" {
		facts = append(facts, text)
	}
	t.line("%s%s%s", t.dim, strings.Join(facts, " · "), t.off)
	if c.WritesNote != "" {
		t.line("%sWritten rows were not compared: %s%s", t.yellow, wording.Visible(c.WritesNote), t.off)
	}
	if c.Err != "" {
		t.line("%sNot compared: %s%s", t.red, wording.Visible(c.Err), t.off)
	}
}

func (t comparisonText) found() {
	if len(t.c.Differences) == 0 {
		return
	}
	t.title("Differences")
	for _, d := range t.c.Differences {
		colour := t.yellow
		if d.Verdict == reports.Mismatch {
			colour = t.red
		}
		t.line("  %s%s%s  %s, %s", colour, wording.Visible(d.At), t.off, d.Kind, d.Verdict)
		t.both(d.Legacy, d.New)
	}
	for _, text := range []string{t.c.UnlistedText(), t.c.PositionText()} {
		if text != "" {
			t.line("  %s%s%s", t.yellow, wording.Visible(text), t.off)
		}
	}
}

func (t comparisonText) forgiven() {
	if len(t.c.Forgiven) == 0 {
		return
	}
	t.title("Forgiven")
	for _, f := range t.c.Forgiven {
		times := ""
		if f.Count > 1 {
			times = fmt.Sprintf(", %s times", wording.Number(int64(f.Count)))
		}
		t.line("  %s  %s: %s%s", wording.Visible(f.At), f.Kind, reports.ReasonText(f.Reason, f.Drift), times)
		t.both(f.Legacy, f.New)
	}
}

func (t comparisonText) both(legacy, new string) {
	t.line("    %slegacy%s  %s", t.dim, t.off, orAbsent(wording.Visible(legacy)))
	t.line("    %snew%s     %s", t.dim, t.off, orAbsent(wording.Visible(new)))
}

func (t comparisonText) request() {
	q := t.c.Request
	t.title("Request")
	t.line("  %s %s", wording.Visible(q.Method), wording.Visible(q.Target))
	if q.Host != "" {
		t.line("  Host: %s", wording.Visible(q.Host))
	}
	for _, name := range slices.Sorted(maps.Keys(q.Header)) {
		for _, value := range q.Header[name] {
			t.line("  %s: %s", wording.Visible(name), wording.Visible(value))
		}
	}
	if q.BodySize > 0 || q.BodyNote != "" {
		t.line("")
		t.body(q.Body, q.BodySize, q.BodyNote)
	}
}

// answers are the heads of both answers, line by line beside each other.
func (t comparisonText) answers() {
	l, n := t.c.Legacy, t.c.New
	t.line("")
	t.line("%s%-*s  %-*s  %s%s", t.bold, nameColumn, "Answers", t.value(), "legacy", "new", t.off)
	t.row("backend", l.Backend, n.Backend)
	t.row("time", wording.Millis(float64(l.Latency)/1e6)+" ms", wording.Millis(float64(n.Latency)/1e6)+" ms")
	t.differing("status", statusText(l.Answer.Status), statusText(n.Answer.Status))
	if l.Answer.Incomplete != "" || n.Answer.Incomplete != "" {
		t.differing("broke off", l.Answer.Incomplete, n.Answer.Incomplete)
	}
	t.fields("", l.Answer.Header, n.Answer.Header)
	t.fields("trailer ", l.Answer.Trailer, n.Answer.Trailer)
	t.differing("body bytes", wording.Number(l.Answer.Size), wording.Number(n.Answer.Size))
	t.counts("rows ", rowCounts(l.Answer.Footprint), rowCounts(n.Answer.Footprint))
	t.counts("effect ", effectCounts(l.Answer.Effects), effectCounts(n.Answer.Effects))
	t.written()
}

func marked(name string, differs bool) string {
	if differs {
		return "≠ " + strings.TrimSpace(name)
	}
	return name
}

// written are the rows of both sides beside each other, table by table.
func (t comparisonText) written() {
	rows := t.c.WrittenRows()
	if len(rows) == 0 && t.c.Legacy.WritesNote == "" && t.c.New.WritesNote == "" {
		return
	}
	t.line("")
	t.line("%s%-*s  %-*s  %s%s", t.bold, nameColumn, "Rows written", t.value(), "legacy", "new", t.off)
	for _, r := range rows {
		t.row(marked(r.Table, r.Differs), r.Legacy, r.New)
		for _, col := range r.Columns {
			t.row(marked("  "+col.Name, col.Differs), col.Legacy, col.New)
		}
	}
	if t.c.Legacy.WritesNote != "" || t.c.New.WritesNote != "" {
		t.row("(as stored)", t.c.Legacy.WritesNote, t.c.New.WritesNote)
	}
}

func statusText(code int) string {
	if code == 0 {
		return ""
	}
	return strings.TrimSpace(fmt.Sprint(code, " ", http.StatusText(code)))
}

func (t comparisonText) fields(prefix string, legacy, new http.Header) {
	names := map[string]bool{}
	for _, h := range []http.Header{legacy, new} {
		for name := range h {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		t.differing(prefix+name, strings.Join(legacy[name], ", "), strings.Join(new[name], ", "))
	}
}

// differing is a row that is marked when the sides differ.
func (t comparisonText) differing(name, legacy, new string) {
	if legacy != new {
		name = "≠ " + name
	}
	t.row(name, legacy, new)
}

// row wraps both values in their columns.
func (t comparisonText) row(name, legacy, new string) {
	colour := ""
	if strings.HasPrefix(name, "≠ ") {
		colour = t.yellow
	}
	names, left, right := wrap(wording.Visible(name), nameColumn), wrap(wording.Visible(legacy), t.value()), wrap(wording.Visible(new), t.value())
	for i := range max(len(names), len(left), len(right)) {
		t.line("%s%s%s  %s  %s", colour, padded(at(names, i), nameColumn), t.off, padded(at(left, i), t.value()), at(right, i))
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// wrap breaks s into lines of so many characters.
func wrap(s string, width int) []string {
	var lines []string
	used, from := 0, 0
	for i, c := range s {
		if used+cells(c) > width {
			lines = append(lines, s[from:i])
			used, from = 0, i
		}
		used += cells(c)
	}
	return append(lines, s[from:])
}

// counts are numbers that each side has under a name.
func (t comparisonText) counts(what string, legacy, new map[string]string) {
	names := maps.Clone(legacy)
	maps.Copy(names, new)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		t.differing(what+name, legacy[name], new[name])
	}
}

func rowCounts(f compare.Footprint) map[string]string {
	counts := map[string]string{}
	for _, t := range f {
		counts[t.Table] = fmt.Sprintf("+%d ~%d -%d", t.Inserted, t.Updated, t.Deleted)
	}
	return counts
}

func effectCounts(all compare.Effects) map[string]string {
	counts := map[string]string{}
	for _, e := range all {
		counts[e.Name] = wording.Number(e.Count)
	}
	return counts
}

func (t comparisonText) commands() {
	for _, side := range []struct {
		name string
		*reports.Side
	}{{"legacy", &t.c.Legacy}, {"new", &t.c.New}} {
		if command := export.Curl(t.c, side.Side); command != "" {
			t.title("Ask " + side.name + " again")
			fmt.Fprintln(t, command)
		}
	}
}
