package render_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/render"
)

// later is the example a second later: two more mismatches of accounts.show at
// a place that is new, and a leak.
func later() render.Report {
	r := example()
	r.At = r.At.Add(time.Second)
	for i := range r.Routes {
		switch route := &r.Routes[i]; route.Name {
		case "accounts.show":
			route.Served += 200
			route.Compared += 100
			route.Matched += 98
			route.Mismatched += 2
		case "(default)":
			route.Leak = "no\x1backnowledgement"
		}
	}
	g := reports.Group{Route: "accounts.show", Path: "$.brand\x1b[31mnew", Kind: "value", Verdict: "mismatch", Count: 2, LastSeen: r.At,
		Samples: []reports.Sample{{ID: "01JBZZ", Legacy: strings.Repeat("old ", 100), New: "\x1b]0;x\a"}}}
	r.Groups = append([]reports.Group{g}, r.Groups...)
	return r
}

func clock(at time.Time) string { return at.In(time.Local).Format(time.TimeOnly) }

func TestWatchLines(t *testing.T) {
	var w render.Watch
	lines := func() string {
		var b bytes.Buffer
		if err := w.WriteLines(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	first, then := example(), later()
	w.See(first)
	if got, want := lines(), clock(first.At)+" 12 of 20,348 requests compared differ, on 1 route; 12 undecided. Leak suspected on 1 route.\n"; got != want {
		t.Errorf("at first:\n%swant:\n%s", got, want)
	}
	w.See(first)
	if got := lines(); got != "" {
		t.Errorf("nothing new:\n%s", got)
	}
	w.See(then)
	at := clock(then.At)
	want := at + ` (default): LEAK SUSPECTED: no\x1backnowledgement` + "\n" +
		at + " accounts.show: +100 compared, +2 mismatched, +0 noise, +0 errors; 14 of 12,445 mismatch\n" +
		at + ` accounts.show: new mismatch: value $.brand\x1b[31mnew: ` + strings.Repeat("old ", 17) + `… → \x1b]0;x\a  quack diff 01JBZZ` + "\n"
	if got := lines(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	third := later()
	third.At = then.At.Add(time.Second)
	for i := range third.Routes {
		if third.Routes[i].Name == "accounts.show" {
			third.Routes[i].Compared += 10
		}
	}
	w.See(third)
	if got, want := lines(), clock(third.At)+" accounts.show: +10 compared, +0 mismatched, +0 noise, +0 errors; 14 of 12,455 mismatch\n"; got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	w.Away("gone\x07")
	if got := lines(); got != `gone\a`+"\n" {
		t.Errorf("away: %q", got)
	}
	w.See(example()) // counters that shrink are of another store
	if got := lines(); strings.Contains(got, "compared") {
		t.Errorf("of another store:\n%s", got)
	}
}

func TestWatchScreen(t *testing.T) {
	for _, size := range []struct{ columns, lines int }{{100, 40}, {80, 24}, {60, 12}, {40, 5}} {
		var w render.Watch
		w.See(example())
		w.See(later())
		w.Away("the proxy does not answer\nreally")
		var b bytes.Buffer
		if err := w.WriteScreen(&b, render.Screen{Columns: size.columns}, size.lines); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "\n") + 1; n > size.lines {
			t.Errorf("%d lines on a screen of %d:\n%s", n, size.lines, b.String())
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > max(size.columns, 60) {
				t.Errorf("%d characters on a screen of %d: %s", n, size.columns, line)
			}
		}
		if strings.ContainsAny(b.String(), "\x1b\a") {
			t.Error("the evidence reaches the terminal as escape sequences")
		}
		if size.lines < 24 {
			continue
		}
		for _, want := range []string{"14 of 20,448 requests", "served 200/s, compared 100/s · since", "+100, +2 differ", `the proxy does not answer\nreally`,
			"+2  14", "LEAK", `2 × value $.brand\x1b[31mnew`, "quack diff 01JBZZ"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%d by %d does not say %q:\n%s", size.columns, size.lines, want, b.String())
			}
		}
		show, other := strings.Index(b.String(), "accounts.show ramp"), strings.Index(b.String(), "accounts.create")
		if show < 0 || other >= 0 && show > other {
			t.Errorf("what got worse does not stand first:\n%s", b.String())
		}
	}
	var colored bytes.Buffer
	var w render.Watch
	w.See(example())
	if err := w.WriteScreen(&colored, render.Screen{Columns: 80, Color: true}, 24); err != nil || !strings.Contains(colored.String(), "\x1b[32m") {
		t.Errorf("%v, or no colour in\n%s", err, colored.String())
	}
}
