package wording

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFigures(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Number(0), "0"}, {Number(999), "999"}, {Number(-1000), "-1,000"}, {Number(-123), "-123"}, {Number(1234567), "1,234,567"},
		{Count(1, "route"), "1 route"}, {Count(0, "route"), "0 routes"}, {Count(2000, "route"), "2,000 routes"},
		{Percent(0), "0 %"}, {Percent(1), "100 %"}, {Percent(0.9996), ">99.9 %"}, {Percent(0.99999999), ">99.9 %"}, {Percent(0.996), "99.6 %"},
		{Percent(1e-7), "<0.0001 %"}, {Percent(0.0004), "0.04 %"}, {Percent(0.012), "1.2 %"}, {Percent(0.125), "12.5 %"},
		{PercentDown(0.99996), "99.99 %"}, {PercentDown(1), "100 %"}, {PercentDown(0.5), "50 %"}, {PercentDown(0), "0 %"},
		{PercentUp(0), "0 %"}, {PercentUp(0.0009971), "0.0998 %"}, {PercentUp(0.53412), "53.5 %"}, {PercentUp(1), "100 %"}, {PercentUp(0.05), "5 %"},
		{Millis(0), "–"}, {Millis(0.056), "0.06"}, {Millis(12.34), "12.3"}, {Millis(187.2), "187"},
		{Times(0.816), "0.82 ×"}, {Times(1.24), "1.2 ×"}, {Times(1562.4), "1,562 ×"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestVisible(t *testing.T) {
	for s, want := range map[string]string{
		"Grüße, 世界":      "Grüße, 世界",
		"a\x1b[31mb":     `a\x1b[31mb`,
		"a\u202eb":       `a\u202eb`,
		"a\nb\tc":        `a\nb\tc`,
		"\xff":           `\xff`,
		"\ufffd":         "\ufffd",
		"zero\u200bwide": `zero\u200bwide`,
	} {
		if got := Visible(s); got != want {
			t.Errorf("%q is shown as %q, want %q", s, got, want)
		}
	}
}

func TestVisibleText(t *testing.T) {
	if got, want := VisibleText("a\n\tb\x1b\r\u202e\xff"), "a\n\tb"+`\x1b\r\u202e\xff`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("a\x1b\u202e\xff\ufffd")
	f.Fuzz(func(t *testing.T, s string) {
		got := Visible(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(c rune) bool { return c != utf8.RuneError && Invisible(c) }) {
			t.Errorf("%q is shown as %q", s, got)
		}
		if again := Visible(got); again != got {
			t.Errorf("%q is shown as %q, and that as %q", s, got, again)
		}
	})
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		s    string
		most int
		want string
	}{{"short", 5, "short"}, {"longer", 5, "long…"}, {"Grüße", 4, "Grü…"}, {"a", 0, "…"}} {
		if got := Cut(c.s, c.most); got != c.want {
			t.Errorf("%q cut to %d is %q, want %q", c.s, c.most, got, c.want)
		}
	}
}
