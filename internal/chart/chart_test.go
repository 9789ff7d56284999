package chart_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/internal/chart"
	"github.com/quackproxy/quack/internal/golden"
)

var start = time.Date(2026, 11, 26, 13, 3, 0, 0, time.UTC)

func frame(steps int, step time.Duration, marks ...chart.Mark) chart.Frame {
	return chart.Frame{ID: "t", Title: "Compared, by time", Text: `A test & "quotes"`, Start: start, Step: step, Steps: steps, Marks: marks}
}

func at(d time.Duration, name string) chart.Mark { return chart.Mark{At: start.Add(d), Name: name} }

// check holds a chart to its file, and to what every chart is: well-formed,
// and without what the policy of the pages refuses.
func check(t *testing.T, name, svg string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s is not well-formed: %v\n%s", name, err, svg)
		}
		element, is := token.(xml.StartElement)
		if !is {
			continue
		}
		for _, a := range element.Attr {
			if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") || element.Name.Local == "script" {
				t.Errorf("%s: <%s %s>", name, element.Name.Local, a.Name.Local)
			}
			if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
				t.Errorf("%s: <%s %s=%q>", name, element.Name.Local, a.Name.Local, a.Value)
			}
		}
	}
	lines := strings.ReplaceAll(svg, "><", ">\n<") + "\n" // to be read in a diff
	golden.Check(t, name+".svg", []byte(lines))
}

func TestCharts(t *testing.T) {
	bars := []chart.Stack{
		{Class: "c-bad", Name: "mismatched", Counts: []int64{0, 3, 0, 0, 1, 0}},
		{Class: "c-good", Name: "matched", Counts: []int64{1200, 30000, 0, 7, 0, 250}},
	}
	for _, c := range []struct{ name, reason, svg string }{
		{"bars", "3 in 30,003 are seen, a step of nothing is left empty", chart.Bars(frame(6, time.Minute), bars)},
		{"bars-none", "nothing was counted", chart.Bars(frame(3, time.Hour), []chart.Stack{{Class: "c", Name: "n", Counts: []int64{0, 0, 0}}})},
		{"bars-one", "counts are whole: the grid has no half of one", chart.Bars(frame(2, time.Hour), []chart.Stack{{Class: "c", Name: "n", Counts: []int64{0, 1}}})},
		{"bars-marks", "names that would meet: the newest is written, all have a line; outside is left out; what is shown is escaped", chart.Bars(
			frame(6, 12*time.Hour, at(-time.Hour, "before"), at(24*time.Hour, "v1.3"), at(26*time.Hour, "v1.4"), at(71*time.Hour, "<a name of many letters>"), at(100*time.Hour, "after")), bars)},
		{"lines", "a gap, a value between two gaps, a line of nothing", chart.Lines(frame(6, time.Minute), []chart.Line{
			{Class: "c-legacy", Name: "legacy p50", Millis: []float64{12, 13, 0, 12.5, 0, 12}},
			{Class: "c-new", Name: "new p50", Millis: []float64{31, 30, 0, 300, 2000, 0.9}},
			{Class: "c-none", Name: "none", Millis: make([]float64, 6)},
		})},
		{"lines-same", "one value alone has a scale", chart.Lines(frame(1, time.Hour), []chart.Line{{Class: "c", Name: "p50", Millis: []float64{10}}})},
		{"lines-none", "nothing was measured", chart.Lines(frame(2, time.Hour), []chart.Line{{Class: "c", Name: "p50", Millis: []float64{0, 0}}})},
		{"spark", "one bad in thousands is seen", chart.Spark([]int64{0, 10, 5000, 2500}, []int64{0, 0, 1, 0}, "<last hour>")},
		{"shares", "one of a million is seen, none is left out", chart.Shares([]chart.Part{{"c-bad", 1}, {"c-warn", 0}, {"c-good", 999999}}, "1 of 1,000,000")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Log(c.reason)
			check(t, c.name, c.svg)
		})
	}
}

func TestNothingIsNoChart(t *testing.T) {
	if svg := chart.Spark(make([]int64, 60), make([]int64, 60), "x"); svg != "" {
		t.Errorf("a spark of nothing: %s", svg)
	}
	if svg := chart.Shares([]chart.Part{{"c", 0}}, "x"); svg != "" {
		t.Errorf("shares of nothing: %s", svg)
	}
}

// The parts of a bar fill it, however many there are, and none reaches out of it.
func FuzzShares(f *testing.F) {
	f.Add(int64(1), int64(0), int64(999999))
	f.Add(int64(1)<<40, int64(3), int64(1))
	f.Fuzz(func(t *testing.T, a, b, c int64) {
		if a < 0 || b < 0 || c < 0 || a > 1<<50 || b > 1<<50 || c > 1<<50 || a+b+c == 0 {
			return
		}
		var drawn struct {
			Parts []struct {
				X     float64 `xml:"x,attr"`
				Width float64 `xml:"width,attr"`
			} `xml:"rect"`
		}
		if err := xml.Unmarshal([]byte(chart.Shares([]chart.Part{{"a", a}, {"b", b}, {"c", c}}, "x")), &drawn); err != nil {
			t.Fatal(err)
		}
		end := 0.0
		for _, p := range drawn.Parts {
			if p.X < end-0.02 || p.X > end+0.02 || p.Width < 2.9 {
				t.Errorf("%d, %d, %d: a part from %g, %g wide; the one before ends at %g", a, b, c, p.X, p.Width, end)
			}
			end = p.X + p.Width
		}
		if end < 99.9 || end > 100.1 {
			t.Errorf("%d, %d, %d: ends at %g", a, b, c, end)
		}
	})
}
