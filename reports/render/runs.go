package render

import (
	"bufio"
	"fmt"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// changesShown is how many changes of a list are written out in a report for
// people.
const changesShown = 50

// changeSection is one list of RunChanges as a report has it.
type changeSection struct {
	Title string
	List  []reports.Change // cut to changesShown
	Total int
}

// More is how many are left out.
func (s changeSection) More() int { return s.Total - len(s.List) }

// sections are the lists that are not empty, the worst first.
func changeSections(c *reports.RunChanges) []changeSection {
	all := []changeSection{
		{"Regressions", c.Regressions, c.Totals.Regressions},
		{"Still open", c.StillOpen, c.Totals.StillOpen},
		{"Not seen again, too little compared to say", c.Unseen, c.Totals.Unseen},
		{"Fixed", c.Fixed, c.Totals.Fixed},
		{"Forgiven now", c.Forgiven, c.Totals.Forgiven},
	}
	var some []changeSection
	for _, s := range all {
		if s.Total > 0 {
			s.List = s.List[:min(len(s.List), changesShown)]
			some = append(some, s)
		}
	}
	return some
}

func (t *table) runs() {
	c := t.r.Runs
	if c == nil {
		return
	}
	t.line("")
	t.line("%sAgainst the run before%s", t.bold, t.off)
	t.line("%s", c.Headline())
	t.line("%s  before  %s%s", t.dim, c.Before.Text(), t.off)
	t.line("%s  after   %s%s", t.dim, c.After.Text(), t.off)
	for i, s := range changeSections(c) {
		colour := ""
		if i == 0 && c.Totals.Regressions > 0 {
			colour = t.red
		}
		t.line("")
		t.line("%s%s%s", t.bold, s.Title, t.off)
		for _, change := range s.List {
			t.change(change, colour)
		}
		if s.More() > 0 {
			t.line("%20s%sand %s more (--format json has the first 1,000)%s", "", t.dim, wording.Number(int64(s.More())), t.off)
		}
	}
}

// change is one change: where and how often, what to make of it, an example.
func (t *table) change(c reports.Change, colour string) {
	before, after := c.Shares()
	g := c.Group
	t.line("%8s → %s%8s%s  %-9s  %s  %s%s%s", before, colour, after, t.off, wording.Visible(g.Kind), wording.Visible(g.Path), t.dim, wording.Visible(g.Route), t.off)
	about := c.Times() + " · " + c.SaysWithVerdict()
	if utf8.RuneCountInString(about) > tableWidth-21 {
		t.line("%21s%s%s%s", "", t.dim, c.Times(), t.off)
		about = c.SaysWithVerdict()
	}
	t.line("%21s%s%s%s", "", t.dim, about, t.off)
	if s, some := newestOf(g); some && c.After.Count > 0 {
		const room = tableWidth - 21 - 3
		legacy, new := orAbsent(wording.Visible(s.Legacy)), orAbsent(wording.Visible(s.New))
		legacy = wording.Cut(legacy, max(room/2, room-utf8.RuneCountInString(new)))
		new = wording.Cut(new, max(room/2, room-utf8.RuneCountInString(legacy)))
		t.line("%21s%s → %s", "", legacy, new)
		t.line("%21s%squack diff %s%s", "", t.dim, wording.Visible(s.ID), t.off)
	}
}

// writeRuns writes the comparison of runs as Markdown.
func writeRuns(b *bufio.Writer, c *reports.RunChanges) {
	if c == nil {
		return
	}
	fmt.Fprintf(b, "\n## Against the run before\n\n**%s**\n\n- before: %s\n- after: %s\n", plain(c.Headline()), plain(c.Before.Text()), plain(c.After.Text()))
	for _, s := range changeSections(c) {
		fmt.Fprintf(b, "\n### %s\n\n| before | after | seen | path | kind | route | | comparison |\n| ---: | ---: | --- | --- | --- | --- | --- | --- |\n", s.Title)
		for _, change := range s.List {
			before, after := change.Shares()
			id := ""
			if sample, some := newestOf(change.Group); some {
				id = sample.ID
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", before, after, plain(change.Times()),
				code(change.Group.Path), plain(change.Group.Kind), code(change.Group.Route), plain(change.SaysWithVerdict()), code(id))
		}
		if s.More() > 0 {
			fmt.Fprintf(b, "\nand %s more\n", wording.Number(int64(s.More())))
		}
	}
}
