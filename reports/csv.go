package reports

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/wording"
)

// column is one column of a CSV file: its heading and what stands in it.
type column[T any] struct {
	name string
	cell func(T) string
}

// WriteCSV writes a line for each route, below a line of names (RFC 4180).
// Shares are from 0 to 1, times in milliseconds, and what was not counted is
// empty.
func WriteCSV(w io.Writer, r Report) error { return writeCSV(w, routeColumns, r.Routes) }

// WriteDifferencesCSV writes a line for each group of differences, below a line
// of names, with the newest sample.
func WriteDifferencesCSV(w io.Writer, r Report) error { return writeCSV(w, groupColumns, r.Groups) }

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

var routeColumns = []column[RouteReport]{
	{"route", func(r RouteReport) string { return inert(r.Name) }},
	{"stage", func(r RouteReport) string { return inert(r.Stage) }},
	{"percent", func(r RouteReport) string {
		if r.Stage != "ramp" {
			return ""
		}
		return decimal(r.Percent)
	}},
	{"ready", func(r RouteReport) string { return strconv.FormatBool(r.Readiness.Ready) }},
	{"says", func(r RouteReport) string { _, says := r.stands(); return inert(says) }},
	{"served", func(r RouteReport) string { return whole(r.Served) }},
	{"compared", func(r RouteReport) string { return whole(r.Compared) }},
	{"matched", func(r RouteReport) string { return whole(r.Matched) }},
	{"mismatched", func(r RouteReport) string { return whole(r.Mismatched) }},
	{"transient", func(r RouteReport) string { return whole(r.Transient) }},
	{"noise", func(r RouteReport) string { return whole(r.Noise) }},
	{"forgiven", func(r RouteReport) string { return whole(r.Forgiven) }},
	{"errors", func(r RouteReport) string { return whole(r.Errors) }},
	{"timed_out", func(r RouteReport) string { return whole(r.TimedOut) }},
	{"skipped", func(r RouteReport) string { return whole(total(r.Skipped)) }},
	{"dropped", func(r RouteReport) string { return whole(r.Dropped) }},
	{"unchecked", func(r RouteReport) string { return whole(r.Unchecked) }},
	{"suspect", func(r RouteReport) string { return whole(r.Suspect) }},
	{"unverified", func(r RouteReport) string { return whole(r.Unverified) }},
	{"unmarked", func(r RouteReport) string { return whole(r.Unmarked) }},
	{"fallbacks", func(r RouteReport) string { return whole(total(r.Fallbacks)) }},
	{"share", func(r RouteReport) string { return ofCompared(r, r.Share()) }},
	{"mismatch_upper95", func(r RouteReport) string { return ofCompared(r, r.MismatchUpper) }},
	{"legacy_p50_ms", func(r RouteReport) string { return ofCompared(r, r.Legacy.P50) }},
	{"legacy_p99_ms", func(r RouteReport) string { return ofCompared(r, r.Legacy.P99) }},
	{"new_p50_ms", func(r RouteReport) string { return ofCompared(r, r.New.P50) }},
	{"new_p99_ms", func(r RouteReport) string { return ofCompared(r, r.New.P99) }},
	{"ratio_p50", func(r RouteReport) string { return measured(r.Ratio.P50) }},
	{"ratio_p99", func(r RouteReport) string { return measured(r.Ratio.P99) }},
	{"legacy_first", func(r RouteReport) string { return whole(r.First["legacy"]) }},
	{"new_first", func(r RouteReport) string { return whole(r.First["new"]) }},
	{"statuses_differ", func(r RouteReport) string { return inert(r.differingStatuses()) }},
	{"writes_compared", func(r RouteReport) string { return whole(total(r.WritesCompared)) }},
	{"leak", func(r RouteReport) string { return inert(r.Leak) }},
}

var groupColumns = []column[Group]{
	{"id", func(g Group) string { return inert(g.ID) }},
	{"route", func(g Group) string { return inert(g.Route) }},
	{"path", func(g Group) string { return inert(g.Path) }},
	{"kind", func(g Group) string { return inert(g.Kind) }},
	{"verdict", func(g Group) string { return inert(g.Verdict) }},
	{"reason", func(g Group) string { return inert(g.Reason) }},
	{"count", func(g Group) string { return whole(g.Count) }},
	{"share", func(g Group) string { return measured(g.Share) }},
	{"weight", func(g Group) string { return measured(g.Weight) }},
	{"is_new", func(g Group) string { return strconv.FormatBool(g.New) }},
	{"known", func(g Group) string {
		if g.Known == nil {
			return ""
		}
		return inert(g.Known.By + ": " + g.Known.Why)
	}},
	{"last_24h", func(g Group) string { return whole(sumOf(g.Recent[:])) }},
	{"first_seen", func(g Group) string { return instant(g.FirstSeen) }},
	{"last_seen", func(g Group) string { return instant(g.LastSeen) }},
	{"place", func(g Group) string { s, _ := g.newest(); return inert(s.Place) }},
	{"legacy", func(g Group) string { s, _ := g.newest(); return inert(s.Legacy) }},
	{"new", func(g Group) string { s, _ := g.newest(); return inert(s.New) }},
	{"comparison", func(g Group) string { s, _ := g.newest(); return inert(s.ID) }},
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
func ofCompared(r RouteReport, v float64) string {
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

func total(counts map[string]int64) int64 {
	var sum int64
	for _, n := range counts {
		sum += n
	}
	return sum
}
