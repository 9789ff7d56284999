package render

import (
	_ "embed"
	"html/template"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

//go:embed runs.html
var runsHTML string

// The page's template has "runs", the comparison of runs, for those that have
// one.
var _ = template.Must(reportTemplate.New("runs").Parse(runsHTML))

// htmlChange is a change as the page shows it.
type htmlChange struct {
	reports.Change
	ShareBefore, ShareAfter, Text string
	Newest                        reports.Sample
}

type htmlChanges struct {
	Title   string
	Changes []htmlChange
	More    string // how many are left out, "" for none
}

// htmlRuns is a comparison of runs as the page shows it.
type htmlRuns struct {
	Headline, Before, After string
	Sections                []htmlChanges
}

func htmlRunsOf(c *reports.RunChanges) *htmlRuns {
	if c == nil {
		return nil
	}
	h := &htmlRuns{Headline: c.Headline(), Before: c.Before.Text(), After: c.After.Text()}
	for _, s := range changeSections(c) {
		shown := htmlChanges{Title: s.Title}
		if n := s.More(); n > 0 {
			shown.More = wording.Number(int64(n))
		}
		for _, change := range s.List {
			before, after := change.Shares()
			newest, _ := newestOf(change.Group)
			shown.Changes = append(shown.Changes, htmlChange{change, before, after, change.SaysWithVerdict(), newest})
		}
		h.Sections = append(h.Sections, shown)
	}
	return h
}
