package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quackproxy/quack/reports"
)

// Two sides that differ in created_at alone: nothing is a mismatch, and what
// was forgiven is counted. Then one price changes: exactly that is found.
func TestTimestampForgivenPriceFound(t *testing.T) {
	t.Parallel()
	var price atomic.Value
	price.Store("9.90")
	side := func(fraction string, price func() string) func(*http.Request) (int, string) {
		return func(*http.Request) (int, string) {
			return 200, fmt.Sprintf(`{"id":7,"created_at":"2026-05-01T10:00:00.%sZ","price":%s}`, fraction, price())
		}
	}
	legacy := serveJSON(t, side("123", func() string { return "9.90" }))
	newer := serveJSON(t, side("131", func() string { return price.Load().(string) }))
	q := start(t, table(legacy, newer, "", "  - {name: show, match: \"GET /products/{id}\", stage: shadow}\n"))

	for range 20 {
		q.ask("GET", "/products/7", "")
	}
	r := q.until("show", "20 compared", func(r reports.RouteReport) bool { return r.Compared == 20 })
	if r.Matched != 20 || r.Mismatched != 0 {
		t.Fatalf("matched %d, mismatched %d; want 20, 0", r.Matched, r.Mismatched)
	}
	// Date fields that fall into two seconds are forgiven too.
	if n := q.forgiven("$.created_at"); n != 20 || r.Forgiven < 20 {
		t.Fatalf("$.created_at forgiven %d times (%d in all), want 20", n, r.Forgiven)
	}

	price.Store("9.91")
	q.ask("GET", "/products/7", "")
	q.until("show", "one mismatch", func(r reports.RouteReport) bool { return r.Mismatched == 1 })
	var found []reports.Group
	for _, g := range q.differences() {
		if g.Verdict == "mismatch" {
			found = append(found, g)
		}
	}
	if len(found) != 1 || found[0].Path != "$.price" || found[0].Kind != "value" || len(found[0].Samples) != 1 {
		t.Fatalf("found %+v, want one $.price value", found)
	}
	if s := found[0].Samples[0]; s.Legacy != "9.90" || s.New != "9.91" {
		t.Errorf("values %q and %q, want 9.90 and 9.91", s.Legacy, s.New)
	}
	out, code := q.run("diff", found[0].Samples[0].ID)
	if code != 0 || !strings.Contains(out, "$.price") {
		t.Fatalf("quack diff: code %d\n%s", code, out)
	}
	runCurls(t, out, map[string]string{legacy: `"price":9.90`, newer: `"price":9.91`})
}

// forgiven waits until the groups of what was forgiven are written, and counts
// those at the path.
func (q *running) forgiven(path string) int64 {
	q.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for _, g := range q.differences() {
			if g.Verdict == reports.VerdictForgiven && g.Path == path {
				return g.Count
			}
		}
	}
	return 0
}

// runCurls runs the curl commands that a comparison offers: they must work.
func runCurls(t *testing.T, text string, want map[string]string) {
	t.Helper()
	curls := strings.Split(text, "curl ")[1:]
	if len(curls) != 2 {
		t.Fatalf("%d curl commands, want one for each side:\n%s", len(curls), text)
	}
	seen := 0
	for _, c := range curls {
		command := "curl --silent " + c
		if end := strings.Index(command, "\n\n"); end >= 0 {
			command = command[:end]
		}
		for url, answer := range want {
			if !strings.Contains(command, url) {
				continue
			}
			seen++
			out, err := exec.Command("sh", "-c", command).CombinedOutput()
			if err != nil || !strings.Contains(string(out), answer) {
				t.Errorf("%s\ngave %v: %s\nwant %s", command, err, out, answer)
			}
		}
	}
	if seen != 2 {
		t.Errorf("the curl commands do not name both sides:\n%s", text)
	}
}
