package render_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/quackproxy/quack/internal/golden"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/internal/sample"
	"github.com/quackproxy/quack/reports/render"
)

// exampleRuns is a report with a comparison of runs that has every kind of line.
func exampleRuns() render.Report {
	change := func(path string, before, beforeOf, after, afterOf int64) reports.Change {
		c := reports.Change{Group: reports.Group{ID: "x7vzbunecfsu4akm", Route: "accounts.show", Path: path, Kind: "value", Verdict: "mismatch"}, P: 1}
		c.Before, c.After = reports.Seen{Count: before, Compared: beforeOf}, reports.Seen{Count: after, Compared: afterOf}
		for _, s := range []*reports.Seen{&c.Before, &c.After} {
			if s.Compared > 0 {
				s.Share = float64(s.Count) / float64(s.Compared)
			}
		}
		if after > 0 {
			c.Group.Samples = []reports.Sample{{ID: "01JBX7", At: sample.Noon, Place: path, Legacy: `"10.00"`, New: "\x1b[31m<script>alert(1)</script>|" + strings.Repeat(" long", 40)}}
		}
		return c
	}
	with := func(c reports.Change, f func(*reports.Change)) reports.Change { f(&c); return c }
	c := &reports.RunChanges{
		Before: reports.Run{Span: reports.Span{From: "v1.3", To: "v1.4"}, Since: sample.Noon.Add(-time.Hour), Until: sample.Noon, Compared: 12_345, Differed: 12},
		After:  reports.Run{Span: reports.Span{From: "v1.4"}, Since: sample.Noon, Until: sample.Noon.Add(time.Hour), Compared: 2_000, Differed: 40},
		Regressions: []reports.Change{
			with(change("$.worse", 4, 12_345, 30, 2_000), func(c *reports.Change) { c.P, c.Rose = 2.1e-7, true }),
			change("$.fresh", 0, 12_345, 1, 2_000),
			with(change("$.elsewhere", 0, 0, 3, 200), func(c *reports.Change) { c.Group.Route = "orders|list" }),
			with(change("$.blamed", 0, 12_345, 3, 2_000), func(c *reports.Change) { c.Otherwise = "noise" }),
		},
		StillOpen: []reports.Change{
			with(change("$.same", 20, 12_345, 4, 2_000), func(c *reports.Change) { c.P = 0.43 }),
			change("$.rarer", 2_000, 12_345, 4, 2_000),
			with(change("$.noisy", 5, 12_345, 0, 2_000), func(c *reports.Change) { c.Otherwise = "noise" }),
			with(change("$.noisy", 0, 12_345, 4, 2_000), func(c *reports.Change) { c.Otherwise, c.Group.Verdict = "mismatch", "noise" }),
		},
		Unseen: []reports.Change{
			with(change("$.rare", 1, 12_345, 0, 2_000), func(c *reports.Change) { c.Needs = 34_981 }),
			with(change("$.nearly", 15, 10_000, 0, 1_995), func(c *reports.Change) { c.Needs = 1 }),
		},
		Fixed:    []reports.Change{change("$.fixed", 1_200, 12_345, 0, 2_000)},
		Forgiven: []reports.Change{with(change("$.ruled", 9, 12_345, 0, 2_000), func(c *reports.Change) { c.Otherwise = "forgiven" })},
		Totals:   reports.RunTotals{Regressions: 4, StillOpen: 4, Unseen: 2, Fixed: 1, Forgiven: 1},
	}
	for range 70 {
		c.Forgiven = append(c.Forgiven, c.Forgiven[0])
	}
	c.Totals.Forgiven = 1_071
	return render.Report{At: sample.Noon.Add(time.Hour), Since: sample.Noon, Mark: "v1.4", Runs: c}
}

func TestWriteRuns(t *testing.T) {
	var text, coloured, markdown bytes.Buffer
	if err := render.Table(&text, exampleRuns(), false); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "runs.txt", text.Bytes())
	for line := range strings.Lines(text.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 100 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	if err := render.Table(&coloured, exampleRuns(), true); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "\x1b") || !strings.Contains(coloured.String(), "\x1b[31m   1.5 %\x1b[0m") || strings.Contains(coloured.String(), "\x1b[31m<script>") {
		t.Errorf("colour is missing, or comes from the evidence:\n%q", coloured.String())
	}
	if err := render.Markdown(&markdown, exampleRuns()); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "runs.md", markdown.Bytes())

	none := exampleRuns()
	none.Runs = &reports.RunChanges{Before: none.Runs.Before, After: reports.Run{Span: reports.Span{From: "v1.4"}}}
	text.Reset()
	if err := render.Table(&text, none, false); err != nil || !strings.Contains(text.String(), "Nothing has been compared since") || !strings.Contains(text.String(), "v1.4 to now: nothing compared") {
		t.Errorf("after nothing: %v\n%s", err, text.String())
	}
	none.Runs.After.Compared = 5
	text.Reset()
	if err := render.Table(&text, none, false); err != nil || !strings.Contains(text.String(), "No difference in either run.") {
		t.Errorf("without a difference: %v\n%s", err, text.String())
	}
}

func TestWriteRunsAsHTMLAndJSON(t *testing.T) {
	var page, data bytes.Buffer
	if err := render.HTML(&page, exampleRuns()); err != nil {
		t.Fatal(err)
	}
	if _, err := html.Parse(bytes.NewReader(page.Bytes())); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Against the run before", "<h3>Regressions</h3>", "risen beyond chance", "v1.3 to v1.4: 12 of 12,345 compared differ", "and 1,021 more", "&lt;script&gt;", "since mark v1.4"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(page.String(), "<script") || strings.Contains(page.String(), "\x1b") {
		t.Error("the page has what the evidence has, as it is")
	}
	if err := render.JSON(&data, exampleRuns()); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Mark string `json:"since_mark"`
		Runs *reports.RunChanges
	}
	if err := json.Unmarshal(data.Bytes(), &read); err != nil || read.Mark != "v1.4" || read.Runs == nil || read.Runs.Regressions[0].P != 2.1e-7 || read.Runs.Before.From != "v1.3" {
		t.Errorf("%v: %+v", err, read)
	}
	data.Reset()
	if err := render.JSON(&data, render.Report{At: sample.Noon}); err != nil || strings.Contains(data.String(), "runs") || strings.Contains(data.String(), "mark") {
		t.Errorf("without a mark or runs: %v\n%s", err, data.String())
	}
}
