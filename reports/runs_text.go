package reports

import (
	"bufio"
	"fmt"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/wording"
)

// changesShown is how many changes of a list are written out in a report for
// people.
const changesShown = 50

// changeSection is one list of RunChanges as a report has it.
type changeSection struct {
	Title string
	List  []Change // cut to changesShown
	Total int
}

// More is how many are left out.
func (s changeSection) More() int { return s.Total - len(s.List) }

// sections are the lists that are not empty, the worst first.
func (c *RunChanges) sections() []changeSection {
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

// Headline sums the comparison up in a sentence.
func (c *RunChanges) Headline() string {
	t := c.Totals
	switch {
	case c.After.Compared == 0:
		return "Nothing has been compared since, so nothing can be said of the run before."
	case t == RunTotals{}:
		return "No difference in either run."
	}
	s := fmt.Sprintf("%s, %s still open, %s fixed", wording.Count(int64(t.Regressions), "regression"), wording.Number(int64(t.StillOpen)), wording.Number(int64(t.Fixed)))
	if t.Unseen > 0 {
		s += fmt.Sprintf(", %s too little compared to say", wording.Number(int64(t.Unseen)))
	}
	if t.Forgiven > 0 {
		s += fmt.Sprintf(", %s forgiven now", wording.Number(int64(t.Forgiven)))
	}
	return s + "."
}

// Text is "v1.3 to v1.4: 12 of 12,345 compared differ (0.097 %)".
func (r Run) Text() string {
	from, to := "the start", "now"
	if r.From != "" {
		from = wording.Visible(r.From)
	}
	if r.To != "" {
		to = wording.Visible(r.To)
	}
	s := from + " to " + to + ": "
	if r.Compared == 0 {
		return s + "nothing compared"
	}
	return s + fmt.Sprintf("%s of %s compared differ (%s)", wording.Number(r.Differed), wording.Number(r.Compared), wording.Percent(float64(r.Differed)/float64(r.Compared)))
}

// Times is how often it was seen: "4 of 101 → 30 of 100".
func (c Change) Times() string {
	return fmt.Sprintf("%s of %s → %s of %s", wording.Number(c.Before.Count), wording.Number(c.Before.Compared), wording.Number(c.After.Count), wording.Number(c.After.Compared))
}

// Shares are those of both runs: "3.96 %" and "30.0 %"; "–" where nothing was
// compared.
func (c Change) Shares() (before, after string) {
	share := func(s Seen) string {
		if s.Compared == 0 {
			return "–"
		}
		return wording.Percent(min(1, s.Share))
	}
	return share(c.Before), share(c.After)
}

// Says is what is to be known of it besides its numbers.
func (c Change) Says() string {
	before, after := c.Before, c.After
	switch {
	case c.Rose:
		return fmt.Sprintf("risen beyond chance (p = %.1e, Fisher's exact test)", c.P)
	case before.Count == 0 && before.Compared == 0:
		return "the route was not compared before"
	case before.Count == 0 && c.Otherwise != "":
		return c.Otherwise + " there before"
	case before.Count == 0:
		return "not seen before"
	case after.Count > 0 && after.Share > before.Share:
		return fmt.Sprintf("more often, perhaps by chance (p = %.2g)", c.P)
	case after.Count > 0:
		return "not more often"
	case c.Otherwise == VerdictForgiven:
		return "forgiven there now"
	case c.Otherwise != "":
		return c.Otherwise + " there now"
	case c.Needs > 0:
		return wording.Number(c.Needs) + " more without it would show that it is fixed"
	}
	return "fixed, with 95 % confidence"
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
	for i, s := range c.sections() {
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
func (t *table) change(c Change, colour string) {
	before, after := c.Shares()
	g := c.Group
	t.line("%8s → %s%8s%s  %-9s  %s  %s%s%s", before, colour, after, t.off, wording.Visible(g.Kind), wording.Visible(g.Path), t.dim, wording.Visible(g.Route), t.off)
	about := c.Times() + " · " + c.verdictSays()
	if utf8.RuneCountInString(about) > tableWidth-21 {
		t.line("%21s%s%s%s", "", t.dim, c.Times(), t.off)
		about = c.verdictSays()
	}
	t.line("%21s%s%s%s", "", t.dim, about, t.off)
	if s, some := g.newest(); some && c.After.Count > 0 {
		const room = tableWidth - 21 - 3
		legacy, new := orAbsent(wording.Visible(s.Legacy)), orAbsent(wording.Visible(s.New))
		legacy = wording.Cut(legacy, max(room/2, room-utf8.RuneCountInString(new)))
		new = wording.Cut(new, max(room/2, room-utf8.RuneCountInString(legacy)))
		t.line("%21s%s → %s", "", legacy, new)
		t.line("%21s%squack diff %s%s", "", t.dim, wording.Visible(s.ID), t.off)
	}
}

// verdictSays is Says with the verdict, where it is not the usual one.
func (c Change) verdictSays() string {
	if c.Group.Verdict == string(Mismatch) {
		return c.Says()
	}
	return c.Group.Verdict + ": " + c.Says()
}

// writeRuns writes the comparison of runs as Markdown.
func writeRuns(b *bufio.Writer, c *RunChanges) {
	if c == nil {
		return
	}
	fmt.Fprintf(b, "\n## Against the run before\n\n**%s**\n\n- before: %s\n- after: %s\n", plain(c.Headline()), plain(c.Before.Text()), plain(c.After.Text()))
	for _, s := range c.sections() {
		fmt.Fprintf(b, "\n### %s\n\n| before | after | seen | path | kind | route | | comparison |\n| ---: | ---: | --- | --- | --- | --- | --- | --- |\n", s.Title)
		for _, change := range s.List {
			before, after := change.Shares()
			id := ""
			if sample, some := change.Group.newest(); some {
				id = sample.ID
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", before, after, plain(change.Times()),
				code(change.Group.Path), plain(change.Group.Kind), code(change.Group.Route), plain(change.verdictSays()), code(id))
		}
		if s.More() > 0 {
			fmt.Fprintf(b, "\nand %s more\n", wording.Number(int64(s.More())))
		}
	}
}
