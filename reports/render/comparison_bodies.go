package render

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"github.com/quackproxy/quack/internal/lineup"
	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// keepBeside is how many equal lines are shown beside one that differs.
const keepBeside = 3

// pairsMax is how many rows of two bodies are shown unless all are asked for.
const pairsMax = 200

// bodies are both bodies line by line beside each other, equal stretches folded.
func (t comparisonText) bodies() {
	l, n := &t.c.Legacy, &t.c.New
	if l.Answer.Size == 0 && n.Answer.Size == 0 {
		return
	}
	if bytes.Equal(l.Answer.Body, n.Answer.Body) && l.BodyNote == n.BodyNote && l.Answer.Body != nil {
		t.title("Body of both answers")
		t.body(l.Answer.Body, l.Answer.Size, l.BodyNote)
		return
	}
	if !shown(l) || !shown(n) {
		t.title("Body of legacy's answer")
		t.body(l.Answer.Body, l.Answer.Size, l.BodyNote)
		t.title("Body of new's answer")
		t.body(n.Answer.Body, n.Answer.Size, n.BodyNote)
		return
	}
	t.line("")
	side := t.half()
	t.line("%s%s   %s%s", t.bold, padded("Body of legacy's answer", side), "Body of new's answer", t.off)
	for _, note := range []struct{ name, text string }{{"legacy", l.BodyNote}, {"new", n.BodyNote}} {
		if note.text != "" {
			t.line("%s%s: %s%s", t.dim, note.name, wording.Visible(note.text), t.off)
		}
	}
	t.rows(bodyLinesOf(l.Answer.Body, n.Answer.Body))
}

// shown reports whether a side's body is there as text.
func shown(s *reports.Side) bool {
	return s.Answer.Size == 0 || len(s.Answer.Body) > 0 && utf8.Valid(s.Answer.Body)
}

// half is the width of one side's column.
func (t comparisonText) half() int { return (t.columns - 3) / 2 }

// rows are two texts beside each other.
func (t comparisonText) rows(legacy, new []string) {
	pairs := lineUp(legacy, new)
	equal := func(p lineup.Pair) bool { return p.Legacy >= 0 && p.New >= 0 && legacy[p.Legacy] == new[p.New] }
	written := 0
	for i := 0; i < len(pairs); i++ {
		if !t.all && written >= pairsMax {
			t.line("%s… %s more; --all shows them%s", t.dim, wording.Count(int64(len(pairs)-i), "line"), t.off)
			return
		}
		if skip := t.folded(pairs, i, equal); skip > 0 {
			t.line("%s… %s%s", t.dim, wording.Count(int64(skip), "equal line"), t.off)
			i += skip - 1
			continue
		}
		p := pairs[i]
		left, right := "", ""
		if p.Legacy >= 0 {
			left = legacy[p.Legacy]
		}
		if p.New >= 0 {
			right = new[p.New]
		}
		t.pair(p, left, right, equal(p))
		written++
	}
}

// folded is how many equal lines are left out from i on.
func (t comparisonText) folded(pairs []lineup.Pair, i int, equal func(lineup.Pair) bool) int {
	if t.all || !equal(pairs[i]) {
		return 0
	}
	begin, end := i, i
	for begin > 0 && equal(pairs[begin-1]) {
		begin--
	}
	for end < len(pairs) && equal(pairs[end]) {
		end++
	}
	first, last := begin, end
	if begin > 0 {
		first += keepBeside
	}
	if end < len(pairs) {
		last -= keepBeside
	}
	if i != first || last-first < keepBeside { // as short as the line that would stand for it
		return 0
	}
	return last - first
}

// pair is one line of both sides. What differs within it is marked.
func (t comparisonText) pair(p lineup.Pair, left, right string, equal bool) {
	left, right = wording.Visible(left), wording.Visible(right)
	mark, colour := " ", ""
	var inLeft, inRight stretch
	switch {
	case equal:
	case p.New < 0:
		mark, colour, inLeft = "<", t.red, stretch{0, utf8.RuneCountInString(left)}
	case p.Legacy < 0:
		mark, colour, inRight = ">", t.green, stretch{0, utf8.RuneCountInString(right)}
	default:
		mark, colour = "≠", t.yellow
		inLeft, inRight = differing(left, right)
	}
	if colour != "" {
		mark = colour + mark + t.off
	}
	l, n := t.broken(left, inLeft, t.red), t.broken(right, inRight, t.green)
	for i := range max(len(l), len(n)) {
		if i >= len(l) {
			l = append(l, strings.Repeat(" ", t.half()))
		}
		if i >= len(n) {
			n = append(n, "")
		}
		t.line("%s %s %s", l[i], mark, n[i])
	}
}

// stretch is a part of a text, in characters.
type stretch struct{ from, to int }

// differing are the parts of two lines between what they begin and end with
// alike.
func differing(left, right string) (inLeft, inRight stretch) {
	l, r := []rune(left), []rune(right)
	head := 0
	for head < len(l) && head < len(r) && l[head] == r[head] {
		head++
	}
	tail := 0
	for tail < len(l)-head && tail < len(r)-head && l[len(l)-1-tail] == r[len(r)-1-tail] {
		tail++
	}
	return stretch{head, len(l) - tail}, stretch{head, len(r) - tail}
}

// broken breaks a line at the width of a column, each piece filled up to it, and
// colours a part.
func (t comparisonText) broken(text string, marked stretch, colour string) []string {
	var pieces []string
	var b strings.Builder
	used, on := 0, false
	paint := func(want bool) {
		if want != on && colour != "" {
			b.WriteString(map[bool]string{true: colour + t.bold, false: t.off}[want])
		}
		on = want
	}
	end := func() {
		paint(false)
		b.WriteString(strings.Repeat(" ", max(t.half()-used, 0)))
		pieces = append(pieces, b.String())
		b.Reset()
		used = 0
	}
	at := 0
	for _, c := range text {
		w := cells(c)
		if used+w > t.half() {
			end()
		}
		paint(marked.from <= at && at < marked.to)
		b.WriteRune(c)
		used += w
		at++
	}
	end()
	return pieces
}

// cells is how many places of a terminal a character takes.
func cells(c rune) int {
	switch {
	case unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case c < 0x1100:
		return 1
	}
	switch width.LookupRune(c).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// padded is text of one line, filled up to a width.
func padded(text string, width int) string {
	used := 0
	for _, c := range text {
		used += cells(c)
	}
	return text + strings.Repeat(" ", max(width-used, 0))
}

func (t comparisonText) body(body []byte, size int64, note string) {
	switch {
	case note != "":
		t.line("  %s(%s bytes, %s)%s", t.dim, wording.Number(size), wording.Visible(note), t.off)
	case size == 0:
		t.line("  %s(empty)%s", t.dim, t.off)
	}
	if len(body) == 0 {
		return
	}
	if !utf8.Valid(body) {
		t.line("  %s(not UTF-8)%s", t.dim, t.off)
	}
	lines := indented(body)
	for i, line := range lines {
		if i == bodyLines && !t.all {
			t.line("  %s… %s more; --all shows them%s", t.dim, wording.Count(int64(len(lines)-i), "line"), t.off)
			return
		}
		t.line("  %s", wording.Visible(line))
	}
}
