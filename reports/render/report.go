// Package render writes reports for people and programs: a [Report] as a table for
// terminals, Markdown, an HTML page in one file, JSON, CSV and JUnit, and one
// comparison with both sides beside each other. [Watch] writes what changes from
// one report to the next.
//
// It only writes what it is given; package reports keeps and counts it.
package render

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// Report is what is written.
type Report struct {
	Routes []reports.RouteReport
	Groups []reports.Group
	Stale  []reports.Stale // rules that need attention
	Since  time.Time       // zero: of all time
	At     time.Time
	Mark   string              // the mark that Since is the instant of; "" for none
	Runs   *reports.RunChanges // against an earlier run; nil for none
	// Series are what routes counted over time, by the name of the route: for
	// charts. Routes without one have no chart.
	Series map[string][]reports.Point
}

// JSON writes {"at":…,"routes":[…],"differences":[…],"stale_rules":[…]}, the
// first two lists in the forms of the admin API.
func JSON(w io.Writer, r Report) error {
	out := struct {
		At          time.Time             `json:"at"`
		Since       time.Time             `json:"since,omitzero"`
		Mark        string                `json:"since_mark,omitempty"`
		Routes      []reports.RouteReport `json:"routes"`
		Differences []reports.Group       `json:"differences"`
		Stale       []reports.Stale       `json:"stale_rules"`
		Runs        *reports.RunChanges   `json:"runs,omitempty"`
	}{r.At, r.Since, r.Mark, r.Routes, r.Groups, r.Stale, r.Runs}
	if out.Routes == nil {
		out.Routes = []reports.RouteReport{}
	}
	if out.Stale == nil {
		out.Stale = []reports.Stale{}
	}
	if out.Differences == nil {
		out.Differences = []reports.Group{}
	}
	return wording.JSONInHTML(w, out)
}

// headline sums the report up in a sentence. Undecided is what is transient or
// noise: legacy differed from itself there.
func (r Report) headline() string {
	var compared, mismatched, open int64
	differ, leaks := 0, 0
	for _, route := range r.Routes {
		compared += route.Compared
		mismatched += route.Mismatched
		open += route.Noise + route.Transient
		if route.Mismatched > 0 {
			differ++
		}
		if route.Leak != "" {
			leaks++
		}
	}
	var s string
	switch {
	case compared == 0:
		s = "Nothing has been compared yet"
	case mismatched == 0:
		s = fmt.Sprintf("None of %s compared differs", wording.Count(compared, "request"))
	default:
		s = fmt.Sprintf("%s of %s compared differ, on %s", wording.Number(mismatched), wording.Count(compared, "request"), wording.Count(int64(differ), "route"))
	}
	if open > 0 {
		s += fmt.Sprintf("; %s undecided", wording.Number(open))
	}
	s += "."
	if leaks > 0 {
		s += fmt.Sprintf(" Leak suspected on %s.", wording.Count(int64(leaks), "route"))
	}
	return s
}

// readyText is "Ready: 3 of 9 routes."; "" where it is not known, or nothing
// is on its way.
func (r Report) readyText() string {
	ready, asked := int64(0), int64(0)
	for _, route := range r.Routes {
		if route.Readiness.Says == "" || !slices.Contains([]string{"shadow", "ramp", "verify"}, route.Stage) {
			continue
		}
		if asked++; route.Readiness.Ready {
			ready++
		}
	}
	if asked == 0 {
		return ""
	}
	return fmt.Sprintf("Ready: %s of %s.", wording.Number(ready), wording.Count(asked, "route"))
}

func (r Report) span() string {
	at := r.At.UTC().Format("2006-01-02 15:04:05 UTC")
	if r.Since.IsZero() {
		return "all time, up to " + at
	}
	if r.Mark != "" {
		return "since mark " + wording.Visible(r.Mark) + " (" + r.Since.UTC().Format("2006-01-02 15:04:05 UTC") + "), up to " + at
	}
	return "since " + r.Since.UTC().Format("2006-01-02 15:04:05 UTC") + ", up to " + at
}

// of is the number of comparisons of a route that its groups are a part of.
func (r Report) of(route string) int64 {
	for _, rr := range r.Routes {
		if rr.Name == route {
			return rr.Compared + rr.Errors
		}
	}
	return 0
}

// share is the share of comparisons that a group is in.
func (r Report) share(g reports.Group) string {
	if g.Share > 0 {
		return wording.Percent(min(g.Share, 1))
	}
	of := r.of(g.Route)
	if of == 0 {
		return ""
	}
	return wording.Percent(float64(g.Count) / float64(of))
}

// stage is "ramp 25%".
func stageText(r reports.RouteReport) string {
	if r.Percent != 0 && r.Stage == "ramp" {
		return fmt.Sprintf("%s %g%%", r.Stage, r.Percent)
	}
	return r.Stage
}

// skipped is "12 (budget 9, unsupported 3); unsupported 3 (copy 2, hijack 1)",
// the most frequent reason first.
func skippedText(r reports.RouteReport) string {
	text := wording.Tally(r.Skipped)
	if words := r.UnsupportedText(); words != "" {
		text += "; " + reports.SkipUnsupported + " " + words
	}
	return text
}

// skipReasons are the reasons for which requests were skipped on some route, of
// which it is known what they mean.
func (r Report) skipReasons() []string {
	counts := map[string]int64{}
	for _, route := range r.Routes {
		for reason, n := range route.Skipped {
			if n > 0 && reports.SkipMeans(reason) != "" {
				counts[reason] += n
			}
		}
	}
	return slices.Sorted(maps.Keys(counts))
}

// bound is the upper bound of the share of mismatches, with its confidence.
func boundText(r reports.RouteReport) string {
	if r.Compared == 0 {
		return ""
	}
	return wording.PercentUp(r.MismatchUpper)
}

// orAbsent shows an absent value as such.
func orAbsent(s string) string {
	if s == "" {
		return "(absent)"
	}
	return s
}

// newest is the newest sample of a group.
func newestOf(g reports.Group) (reports.Sample, bool) {
	if len(g.Samples) == 0 {
		return reports.Sample{}, false
	}
	return g.Samples[len(g.Samples)-1], true
}
