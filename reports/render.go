package reports

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Report is what the writers write: WriteTable, WriteMarkdown, WriteHTML,
// WriteJSON, WriteCSV, WriteDifferencesCSV and WriteJUnit.
type Report struct {
	Routes []RouteReport
	Groups []Group
	Stale  []Stale   // rules that need attention
	Since  time.Time // zero: of all time
	At     time.Time
	Mark   string      // the mark that Since is the instant of; "" for none
	Runs   *RunChanges // against an earlier run; nil for none
	// Series are what routes counted over time, by the name of the route: for
	// charts. Routes without one have no chart.
	Series map[string][]Point
}

// WriteJSON writes {"at":…,"routes":[…],"differences":[…],"stale_rules":[…]}, the
// first two lists in the forms of the admin API.
func WriteJSON(w io.Writer, r Report) error {
	out := struct {
		At          time.Time     `json:"at"`
		Since       time.Time     `json:"since,omitzero"`
		Mark        string        `json:"since_mark,omitempty"`
		Routes      []RouteReport `json:"routes"`
		Differences []Group       `json:"differences"`
		Stale       []Stale       `json:"stale_rules"`
		Runs        *RunChanges   `json:"runs,omitempty"`
	}{r.At, r.Since, r.Mark, r.Routes, r.Groups, r.Stale, r.Runs}
	if out.Routes == nil {
		out.Routes = []RouteReport{}
	}
	if out.Stale == nil {
		out.Stale = []Stale{}
	}
	if out.Differences == nil {
		out.Differences = []Group{}
	}
	return encodeJSON(w, out, true)
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
		s = fmt.Sprintf("None of %s compared differs", count(compared, "request"))
	default:
		s = fmt.Sprintf("%s of %s compared differ, on %s", number(mismatched), count(compared, "request"), count(int64(differ), "route"))
	}
	if open > 0 {
		s += fmt.Sprintf("; %s undecided", number(open))
	}
	s += "."
	if leaks > 0 {
		s += fmt.Sprintf(" Leak suspected on %s.", count(int64(leaks), "route"))
	}
	return s
}

func (r Report) span() string {
	at := r.At.UTC().Format("2006-01-02 15:04:05 UTC")
	if r.Since.IsZero() {
		return "all time, up to " + at
	}
	if r.Mark != "" {
		return "since mark " + visible(r.Mark) + " (" + r.Since.UTC().Format("2006-01-02 15:04:05 UTC") + "), up to " + at
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
func (r Report) share(g Group) string {
	if g.Share > 0 {
		return percent(min(g.Share, 1))
	}
	of := r.of(g.Route)
	if of == 0 {
		return ""
	}
	return percent(float64(g.Count) / float64(of))
}

// stage is "ramp 25%".
func (r RouteReport) stage() string {
	if r.Percent != 0 && r.Stage == "ramp" {
		return fmt.Sprintf("%s %g%%", r.Stage, r.Percent)
	}
	return r.Stage
}

// skipped is "12 (budget 9, unsupported 3); unsupported 3 (copy 2, hijack 1)",
// the most frequent reason first.
func (r RouteReport) skipped() string {
	text := reasonsText(r.Skipped)
	if words := r.UnsupportedText(); words != "" {
		text += "; " + SkipUnsupported + " " + words
	}
	return text
}

// UnsupportedText is "3 (copy 2, hijack 1)", "" where no adapter has said why.
func (r RouteReport) UnsupportedText() string {
	if len(r.Unsupported) == 0 {
		return ""
	}
	return reasonsText(r.Unsupported)
}

// skipReasons are the reasons for which requests were skipped on some route, of
// which it is known what they mean.
func (r Report) skipReasons() []string {
	counts := map[string]int64{}
	for _, route := range r.Routes {
		for reason, n := range route.Skipped {
			if n > 0 && SkipMeans(reason) != "" {
				counts[reason] += n
			}
		}
	}
	return slices.Sorted(maps.Keys(counts))
}

// reasonsText is the sum of counts by reason, and each of them.
func reasonsText(counts map[string]int64) string {
	sum := total(counts)
	if sum == 0 {
		return "0"
	}
	reasons := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(reasons, func(a, b string) int { return int(counts[b] - counts[a]) })
	for i, reason := range reasons {
		reasons[i] = reason + " " + number(counts[reason])
	}
	return number(sum) + " (" + strings.Join(reasons, ", ") + ")"
}

// bound is the upper bound of the share of mismatches, with its confidence.
func (r RouteReport) bound() string {
	if r.Compared == 0 {
		return ""
	}
	return percentUp(r.MismatchUpper)
}

// number writes thousands apart: 12,345.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return number(n) + " " + what + "s"
}

// percent writes a share with two digits that count.
func percent(share float64) string {
	p := share * 100
	switch {
	case p == 0 || p == 100:
		return fmt.Sprintf("%.0f %%", p)
	case p >= 99.95:
		return ">99.9 %"
	case p >= 10:
		return fmt.Sprintf("%.1f %%", p)
	case p >= 1:
		return fmt.Sprintf("%.2f %%", p)
	}
	return fmt.Sprintf("%.2g %%", p)
}

// millisText writes milliseconds with three digits that count at most.
func millisText(ms float64) string {
	switch {
	case ms == 0:
		return "–"
	case ms >= 100:
		return fmt.Sprintf("%.0f", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.2f", ms)
}

// visible is s with what a terminal would act upon, or nobody would see,
// spelled out.
func visible(s string) string {
	if strings.IndexFunc(s, invisible) < 0 {
		return s
	}
	var b strings.Builder
	for i, c := range s {
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(c):
			b.WriteRune(c)
		default:
			q := strconv.QuoteRune(c)
			b.WriteString(q[1 : len(q)-1])
		}
	}
	return b.String()
}

// cut shortens s to so many characters.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	runes := []rune(s)
	return string(runes[:max(most-1, 0)]) + "…"
}

// orAbsent shows an absent value as such.
func orAbsent(s string) string {
	if s == "" {
		return "(absent)"
	}
	return s
}

// newest is the newest sample of a group.
func (g Group) newest() (Sample, bool) {
	if len(g.Samples) == 0 {
		return Sample{}, false
	}
	return g.Samples[len(g.Samples)-1], true
}
