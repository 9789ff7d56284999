package render_test

import (
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/render"
)

func TestDriftInTheReport(t *testing.T) {
	var a, b compare.Drift
	a.Add(3 * time.Millisecond)
	b.Add(-30 * time.Second)
	b.Add(-30 * time.Second)
	at := func(route string, d compare.Drift) reports.Group {
		return reports.Group{Route: route, Path: "$.at", Kind: "value", Verdict: reports.VerdictForgiven, Reason: compare.ReasonTimestamp, Count: d.Count, Drift: d}
	}
	report := render.Report{Groups: []reports.Group{at("a", a), at("b", b)}}
	for _, c := range []struct {
		form, want string
		write      func(*strings.Builder) error
	}{
		{"table", "$.at  2 routes · timestamp\n" + strings.Repeat(" ", 20) + "new - legacy: p50 -30 s, p99 +3 ms, least -30 s, most +3 ms\n",
			func(w *strings.Builder) error { return render.Table(w, report, false) }},
		{"markdown", "timestamp, new - legacy: always -30 s", func(w *strings.Builder) error { return render.Markdown(w, report) }},
		{"html", "timestamp, new - legacy: always -30 s", func(w *strings.Builder) error { return render.HTML(w, report) }},
		{"json", `"drift": {
        "count": 2,
        "p50_ms": -30000,
        "p99_ms": -30000,
        "least_ms": -30000,
        "most_ms": -30000,`, func(w *strings.Builder) error { return render.JSON(w, report) }},
	} {
		var out strings.Builder
		if err := c.write(&out); err != nil || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s (%v): no %q in\n%s", c.form, err, c.want, out.String())
		}
	}
	alone := render.Report{Groups: []reports.Group{{Route: "a", Path: "$.id", Verdict: reports.VerdictForgiven, Reason: compare.ReasonGenerated}}}
	var out strings.Builder
	if err := render.JSON(&out, alone); err != nil || strings.Contains(out.String(), "drift") {
		t.Errorf("what has no drift says so:\n%s", out.String())
	}
}
