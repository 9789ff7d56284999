package main

import (
	"strings"
	"testing"
)

// TestWatchOnATerminal: what happens is on the screen, and the terminal is as it
// was afterwards.
func TestWatchOnATerminal(t *testing.T) {
	q, _ := shows(t, "same")
	s := q.onTerminal(t, 80, 24, "watch", "--every", "100ms")
	s.sees("\x1b[?1049h\x1b[?25l", "None of 1 request compared differs", "show shadow")
	q.ask("GET", "/products/7", "")
	s.sees("1 of 2 requests compared differ", "+1  1", "Newest differences", "1 × value $.price", "quack diff ")
	q.kill()
	s.sees("the proxy does not answer")
	s.interrupt()
	if after, _, _ := strings.Cut(s.text()[strings.LastIndex(s.text(), "\x1b[?1049l")+8:], "\x00"); !strings.HasPrefix(s.text(), "\x1b[?1049h") ||
		!strings.Contains(after, "1 of 2 requests compared differ") || strings.Contains(after, "\x1b[H") {
		t.Errorf("afterwards the terminal is sent %q", after)
	}
	for _, row := range strings.Split(s.text(), "\x1b[H")[1:] {
		if n := strings.Count(row, "\r\n"); n > 24 {
			t.Fatalf("%d lines on a screen of 24: %q", n, row)
		}
	}
}

// TestDiffFitsTheTerminal: the width is the terminal's, the colours are ours.
func TestDiffFitsTheTerminal(t *testing.T) {
	t.Parallel()
	q, groups := shows(t, "7")
	s := q.onTerminal(t, 72, 24, "diff", groups[0].Samples[0].ID)
	s.ends(0)
	half := (72 - 3) / 2
	row := `  "price": "9.` + "\x1b[31m\x1b[1m90\x1b[0m" + `"` + strings.Repeat(" ", half-len(`  "price": "9.90"`)) + " \x1b[33m≠\x1b[0m " + `  "price": "9.` + "\x1b[32m\x1b[1m09\x1b[0m" + `"`
	if !strings.Contains(s.text(), row+"\r\n") {
		t.Errorf("not %q in\n%q", row, s.text())
	}
	if out, code := q.run("diff", groups[0].Samples[0].ID, "--width", "72"); code != 0 || !strings.Contains(out, `"9.90"`+strings.Repeat(" ", half-len(`  "price": "9.90"`))+` ≠   "price": "9.09"`+"\n") || strings.Contains(out, "\x1b") {
		t.Errorf("--width 72: code %d\n%s", code, out)
	}
}
