package reports

import (
	"fmt"

	"github.com/quackproxy/quack/internal/wording"
)

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

// SaysWithVerdict is Says with the verdict, where it is not the usual one.
func (c Change) SaysWithVerdict() string {
	if c.Group.Verdict == string(Mismatch) {
		return c.Says()
	}
	return c.Group.Verdict + ": " + c.Says()
}
