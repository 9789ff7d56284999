package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

// outcome is what a part has found.
type outcome struct {
	Raw     []any // as measured
	Tables  []*table
	Budgets []budget
	Others  float64 // the share of the machine's time that others used meanwhile
}

func (o *outcome) add(raw any, t *table) {
	o.Raw = append(o.Raw, raw)
	o.Tables = append(o.Tables, t)
}

// table is figures for a reader, with what has to be known beside them.
type table struct {
	Title string
	Head  []string
	Rows  [][]string
	Notes []string
}

func (t *table) note(notes ...string) *table {
	t.Notes = append(t.Notes, notes...)
	return t
}

// write writes names to the left of their columns and figures to the right.
func (t *table) write(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n", t.Title)
	rows := append([][]string{t.Head}, t.Rows...)
	widths := make([]int, len(t.Head))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		line := fmt.Sprintf("  %-*s", widths[0], row[0])
		for i, cell := range row[1:] {
			line += fmt.Sprintf("  %*s", widths[i+1], cell)
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
	for _, note := range t.Notes {
		fmt.Fprintln(w, "  "+note)
	}
}

// turnsTable shows the medians of each proxy's turns.
func turnsTable(title string, all turns, proxies []*proxy) (*table, error) {
	t := &table{Title: title, Head: []string{"", "CPU µs/request", "requests/s", "p50 µs", "p99 µs", "peak MiB", "failed"}}
	for _, p := range proxies {
		m, err := p.memory()
		if err != nil {
			return nil, err
		}
		t.Rows = append(t.Rows, []string{
			p.name, decimal(all.median(p.name, cpuEach)), whole(all.median(p.name, throughput)),
			whole(all.median(p.name, p50)), whole(all.median(p.name, p99)), decimal(float64(m.Peak) / (1 << 20)), whole(sum(all.of(p.name, failed))),
		})
		for why, n := range failures(all, p.name) {
			t.note(fmt.Sprintf("%s: %d failed: %s", p.name, n, why))
		}
	}
	return t, nil
}

// failures are a contender's failed requests, by reason.
func failures(all turns, contender string) map[string]int64 {
	by := map[string]int64{}
	for _, t := range all {
		if t.Contender == contender {
			for why, n := range t.Load.Failed {
				by[why] += n
			}
		}
	}
	return by
}

func sum(list []float64) (s float64) {
	for _, v := range list {
		s += v
	}
	return s
}

func whole(v float64) string   { return fmt.Sprintf("%.0f", v) }
func decimal(v float64) string { return fmt.Sprintf("%.1f", v) }

// budget is a figure of DESIGN 7, and what was measured.
type budget struct {
	What    string
	Limit   string
	Got     string
	Verdict string // one of the constants below
}

const (
	met         = "met"
	notMet      = "NOT met"
	notMeasured = "not measured"
)

// within is the budget for a ratio of two contenders.
func (all turns) within(what, a, b string, figure func(turn) float64, limit float64) budget {
	if !all.has(a) || !all.has(b) {
		return budget{What: what + b, Limit: fmt.Sprintf("≤ %.3f", limit), Got: "", Verdict: notMeasured}
	}
	return atMost(what+b, all.ratio(a, b, figure), limit, "%.3f")
}

// atMost is the budget for a figure with an upper limit.
func atMost(what string, got, limit float64, format string) budget {
	b := budget{What: what, Limit: fmt.Sprintf("≤ "+format, limit), Got: fmt.Sprintf(format, got), Verdict: met}
	if !(got <= limit) {
		b.Verdict = notMet
	}
	return b
}

// atLeast is the budget for a figure with a lower limit.
func atLeast(what string, got, limit float64, format string) budget {
	b := budget{What: what, Limit: fmt.Sprintf("≥ "+format, limit), Got: fmt.Sprintf(format, got), Verdict: met}
	if !(got >= limit) {
		b.Verdict = notMet
	}
	return b
}

// quiet is the share of the machine's time that others may use without a word
// about it.
const quiet = 0.05

// report is what a run leaves. It is written as the run goes on.
type report struct {
	At       time.Time
	Machine  machine
	Settings string
	Parts    map[string]outcome

	order []string
	to    io.Writer
	text  bytes.Buffer // what has been written to to
}

func (r *report) begin(out io.Writer) {
	r.Parts, r.to = map[string]outcome{}, io.MultiWriter(out, &r.text)
	fmt.Fprintf(r.to, "%s\n%s\n", r.At.Format("2006-01-02 15:04"), r.Settings)
	r.Machine.write(r.to)
}

func (r *report) add(part string, o outcome) {
	r.Parts[part] = o
	r.order = append(r.order, part)
	for _, t := range o.Tables {
		t.write(r.to)
	}
	if o.Others > quiet {
		fmt.Fprintf(r.to, "\n  %s: others used %.0f %% of the machine meanwhile; take the figures as a hint, and the ratios with care\n", part, o.Others*100)
	}
}

// end writes the budgets, and keeps all of the report in the folder.
func (r *report) end(folder string) error {
	budgets := &table{Title: "budgets", Head: []string{"", "budget", "measured", ""}}
	for _, part := range r.order {
		for _, b := range r.Parts[part].Budgets {
			budgets.Rows = append(budgets.Rows, []string{b.What, b.Limit, b.Got, b.Verdict})
		}
	}
	budgets.write(r.to)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("keep the results: %w", err)
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(folder, r.At.Format("2006-01-02-150405")+"-"+strings.Join(r.order, "-"))
	fmt.Fprintf(r.to, "\nraw figures: %s.json\n", name)
	for suffix, content := range map[string][]byte{".json": raw, ".txt": r.text.Bytes()} {
		if err := os.WriteFile(name+suffix, content, 0o644); err != nil {
			return fmt.Errorf("keep the results: %w", err)
		}
	}
	return nil
}
