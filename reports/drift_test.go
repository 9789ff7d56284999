package reports_test

import (
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

// drifted is the n-th comparison, with timestamps at $.at so far apart.
func drifted(n int, apart ...time.Duration) reports.Comparison {
	c := forgiving(n)
	c.Forgiven[0].Count, c.Forgiven[0].Drift = len(apart), compare.Drift{}
	for _, d := range apart {
		c.Forgiven[0].Drift.Add(d)
	}
	return c
}

func TestDriftSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, dir)
	r := openReports(t, db, reports.Config{})
	r.Record(drifted(1, 3*time.Millisecond, 4*time.Millisecond))
	flush(t, r)
	r.Record(drifted(2, -time.Millisecond))
	r.Record(differing(3, "$.price", compare.KindValue, reports.Mismatch))
	flush(t, r)
	db.Close()

	r = openReports(t, openStore(t, dir), reports.Config{})
	r.Record(drifted(4, 40*time.Millisecond))
	r.Record(drifted(5, 12*time.Millisecond))
	for _, g := range differences(t, r, reports.Filter{}) {
		want := ""
		if g.Verdict == reports.VerdictForgiven {
			want = "p50 +4 ms, p99 +40 ms, least -1 ms, most +40 ms"
		}
		if got := g.Drift.String(); got != want {
			t.Errorf("%s %s drifts %q, want %q", g.Verdict, g.Path, got, want)
		}
		if g.Verdict == reports.VerdictForgiven && (g.Drift.Count != 5 || g.Count != 4) {
			t.Errorf("%d drifts in %d comparisons, want 5 in 4", g.Drift.Count, g.Count)
		}
	}
}

// TestBuiltinReasonsStayApart holds that what is forgiven at one place for
// several reasons is counted for each of them.
func TestBuiltinReasonsStayApart(t *testing.T) {
	r := fresh(t, reports.Config{})
	all := []string{
		compare.ReasonTimestamp, compare.ReasonGenerated, compare.ReasonVolatile, compare.ReasonLength,
		compare.ReasonValidator, compare.ReasonBody, compare.ReasonCoding,
	}
	for n, reason := range all {
		for k := range n + 1 {
			c := forgiving(100*n + k)
			c.Forgiven[0].Path, c.Forgiven[0].Reason, c.Forgiven[0].Count = "header:X", reason, 1
			r.Record(c)
		}
	}
	counted := map[string]int64{}
	for _, g := range differences(t, r, reports.Filter{}) {
		counted[g.Reason] = g.Count
	}
	for n, reason := range all {
		if counted[reason] != int64(n+1) {
			t.Errorf("%q counted %d times, want %d", reason, counted[reason], n+1)
		}
	}
}
