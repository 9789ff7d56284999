package routes

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestPace: whoever reads a table at a pace can rest before each route, in each
// of the passes over them: text, values, settings, search.
func TestPace(t *testing.T) {
	const n, prefixes = 200, 20
	src := thousands(n)
	// Each line; each node as text, as values and as settings; each route once
	// for those of any method, of GET for HEAD, and of a method.
	steps := strings.Count(src, "\n") + 3*(n+prefixes) + 3*n
	for _, c := range []struct {
		reason  string
		pace    *pace
		atLeast time.Duration
		atMost  time.Duration
	}{
		{"no pace, no rest", nil, 0, 0},
		{"a stroke that is never over (the clock of the test stands still), but for the first", &pace{stroke: time.Second, rest: time.Millisecond}, time.Millisecond, time.Millisecond},
		{"a stroke that is over at once", &pace{rest: time.Millisecond}, time.Duration(steps) * time.Millisecond, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			if _, err := parseAt(c.pace, "routes.yaml", []byte(src)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took < c.atLeast || took > c.atMost {
				t.Errorf("%s: rested for %s, want %s to %s", c.reason, took, c.atLeast, c.atMost)
			}
		})
	}
}
