package render

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// column is one column of a CSV file: its heading and what stands in it.
type column[T any] struct {
	name string
	cell func(T) string
}

// CSV writes a line for each route, below a line of names (RFC 4180).
// Shares are from 0 to 1, times in milliseconds, and what was not counted is
// empty.
func CSV(w io.Writer, r Report) error { return writeCSV(w, routeColumns, r.Routes) }

// DifferencesCSV writes a line for each group of differences, below a line
// of names, with the newest sample.
func DifferencesCSV(w io.Writer, r Report) error { return writeCSV(w, groupColumns, r.Groups) }

func writeCSV[T any](w io.Writer, columns []column[T], rows []T) error {
	out := csv.NewWriter(w)
	line := make([]string, len(columns))
	for i, c := range columns {
		line[i] = c.name
	}
	out.Write(line) // an error stays until Error
	for _, row := range rows {
		for i, c := range columns {
			line[i] = c.cell(row)
		}
		out.Write(line)
	}
	out.Flush()
	return out.Error()
}

var routeColumns = []column[reports.RouteReport]{
	{"route", func(r reports.RouteReport) string { return inert(r.Name) }},
	{"stage", func(r reports.RouteReport) string { return inert(r.Stage) }},
	{"percent", func(r reports.RouteReport) string {
		if r.Stage != "ramp" {
			return ""
		}
		return decimal(r.Percent)
	}},
	{"ready", func(r reports.RouteReport) string { return strconv.FormatBool(r.Readiness.Ready) }},
	{"says", func(r reports.RouteReport) string { _, says := standsOf(r); return inert(says) }},
	{"served", func(r reports.RouteReport) string { return whole(r.Served) }},
	{"compared", func(r reports.RouteReport) string { return whole(r.Compared) }},
	{"matched", func(r reports.RouteReport) string { return whole(r.Matched) }},
	{"mismatched", func(r reports.RouteReport) string { return whole(r.Mismatched) }},
	{"transient", func(r reports.RouteReport) string { return whole(r.Transient) }},
	{"noise", func(r reports.RouteReport) string { return whole(r.Noise) }},
	{"forgiven", func(r reports.RouteReport) string { return whole(r.Forgiven) }},
	{"errors", func(r reports.RouteReport) string { return whole(r.Errors) }},
	{"timed_out", func(r reports.RouteReport) string { return whole(r.TimedOut) }},
	{"skipped", func(r reports.RouteReport) string { return wholeSum(r.Skipped) }},
	{"dropped", func(r reports.RouteReport) string { return whole(r.Dropped) }},
	{"unchecked", func(r reports.RouteReport) string { return whole(r.Unchecked) }},
	{"suspect", func(r reports.RouteReport) string { return whole(r.Suspect) }},
	{"unverified", func(r reports.RouteReport) string { return whole(r.Unverified) }},
	{"unmarked", func(r reports.RouteReport) string { return whole(r.Unmarked) }},
	{"fallbacks", func(r reports.RouteReport) string { return wholeSum(r.Fallbacks) }},
	{"share", func(r reports.RouteReport) string { return ofCompared(r, r.Share()) }},
	{"mismatch_upper95", func(r reports.RouteReport) string { return ofCompared(r, r.MismatchUpper) }},
	{"legacy_p50_ms", func(r reports.RouteReport) string { return ofCompared(r, r.Legacy.P50) }},
	{"legacy_p99_ms", func(r reports.RouteReport) string { return ofCompared(r, r.Legacy.P99) }},
	{"new_p50_ms", func(r reports.RouteReport) string { return ofCompared(r, r.New.P50) }},
	{"new_p99_ms", func(r reports.RouteReport) string { return ofCompared(r, r.New.P99) }},
	{"ratio_p50", func(r reports.RouteReport) string { return measured(r.Ratio.P50) }},
	{"ratio_p99", func(r reports.RouteReport) string { return measured(r.Ratio.P99) }},
	{"legacy_first", func(r reports.RouteReport) string { return whole(r.First["legacy"]) }},
	{"new_first", func(r reports.RouteReport) string { return whole(r.First["new"]) }},
	{"statuses_differ", func(r reports.RouteReport) string { return inert(differingStatuses(r)) }},
	{"writes_compared", func(r reports.RouteReport) string { return wholeSum(r.WritesCompared) }},
	{"leak", func(r reports.RouteReport) string { return inert(r.Leak) }},
}

var groupColumns = []column[reports.Group]{
	{"id", func(g reports.Group) string { return inert(g.ID) }},
	{"route", func(g reports.Group) string { return inert(g.Route) }},
	{"path", func(g reports.Group) string { return inert(g.Path) }},
	{"kind", func(g reports.Group) string { return inert(g.Kind) }},
	{"verdict", func(g reports.Group) string { return inert(g.Verdict) }},
	{"reason", func(g reports.Group) string { return inert(g.Reason) }},
	{"count", func(g reports.Group) string { return whole(g.Count) }},
	{"share", func(g reports.Group) string { return measured(g.Share) }},
	{"weight", func(g reports.Group) string { return measured(g.Weight) }},
	{"is_new", func(g reports.Group) string { return strconv.FormatBool(g.New) }},
	{"known", func(g reports.Group) string {
		if g.Known == nil {
			return ""
		}
		return inert(g.Known.By + ": " + g.Known.Why)
	}},
	{"last_24h", func(g reports.Group) string { return whole(sumOf(g.Recent[:])) }},
	{"first_seen", func(g reports.Group) string { return instant(g.FirstSeen) }},
	{"last_seen", func(g reports.Group) string { return instant(g.LastSeen) }},
	{"place", func(g reports.Group) string { s, _ := newestOf(g); return inert(s.Place) }},
	{"legacy", func(g reports.Group) string { s, _ := newestOf(g); return inert(s.Legacy) }},
	{"new", func(g reports.Group) string { s, _ := newestOf(g); return inert(s.New) }},
	{"comparison", func(g reports.Group) string { s, _ := newestOf(g); return inert(s.ID) }},
}

// inert is text that a spreadsheet shows and does not take for a formula: what
// begins as one is put behind an apostrophe, and so is what already has one, so
// that nothing is taken for another value. Spreadsheets look behind spaces, and
// those of East Asia take the wide forms as well. It is of one line.
func inert(s string) string {
	s = wording.Visible(s)
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " "))
	if s != "" && strings.ContainsRune("=+-@'\uff1d\uff0b\uff0d\uff20", first) {
		return "'" + s
	}
	return s
}

func whole(n int64) string { return strconv.FormatInt(n, 10) }

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// ofCompared is v, which has a meaning only where requests were compared.
func ofCompared(r reports.RouteReport, v float64) string {
	if r.Compared == 0 {
		return ""
	}
	return decimal(v)
}

// measured is v, which is 0 where nothing was measured.
func measured(v float64) string {
	if v == 0 {
		return ""
	}
	return decimal(v)
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// wholeSum writes how much there is of all of it together.
func wholeSum(counts map[string]int64) string {
	var sum int64
	for _, n := range counts {
		sum += n
	}
	return whole(sum)
}
