package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func turnOf(contender string, round int, cpu time.Duration, compared int64) turn {
	return turn{Contender: contender, Round: round, CPU: cpu, Compared: compared, Load: &loadResult{Requests: 1000, Seconds: 2}}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		list []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 9, 2}, 3}} {
		before := slices.Clone(c.list)
		if got := median(c.list); got != c.want || !slices.Equal(before, c.list) {
			t.Errorf("median of %v is %v, and left %v", before, got, c.list)
		}
	}
}

// TestRatioIsRoundByRound: a slow round is slow for both, and must not become a
// ratio with a fast one.
func TestRatioIsRoundByRound(t *testing.T) {
	const ms = time.Millisecond
	all := turns{
		turnOf("a", 1, 20*ms, 0), turnOf("b", 1, 10*ms, 0),
		turnOf("a", 2, 200*ms, 0), turnOf("b", 2, 100*ms, 0),
		turnOf("a", 3, 30*ms, 0), turnOf("b", 3, 10*ms, 0),
		turnOf("a", 4, 900*ms, 0), // b took no part
	}
	if got := all.ratio("a", "b", cpuEach); got != 2 {
		t.Errorf("the ratio is %v", got)
	}
	if got := all.ratio("a", "nobody", cpuEach); got != 0 {
		t.Errorf("the ratio to nobody is %v", got)
	}
	if got := all.median("a", cpuEach); got != 115 {
		t.Errorf("the median is %v µs", got)
	}
	if got := all.median("a", throughput); got != 500 {
		t.Errorf("%v requests a second", got)
	}
	left := all.without(func(t turn) bool { return t.Contender == "b" && t.CPU == 100*ms })
	if len(left) != 5 || len(all) != 7 {
		t.Errorf("without a round %d turns are left, of %d", len(left), len(all))
	}
}

func TestShadowBudgetNeedsComparisons(t *testing.T) {
	round := func(n int, compared int64) turns {
		return turns{turnOf("quack", n, 50*time.Millisecond, compared), turnOf("nginx mirror", n, 100*time.Millisecond, 0)}
	}
	good, bad := slices.Concat(round(1, 1000), round(2, 990)), round(3, 989)
	for _, c := range []struct {
		reason  string
		all     turns
		verdict string
		got     string
	}{
		{"all were compared", good, met, "0.500"},
		{"one round of three was not", slices.Concat(good, bad), met, "0.500"},
		{"most rounds were not", slices.Concat(round(1, 1000), round(2, 10), bad), notMeasured, "all compared in 1 of 3 rounds"},
		{"no nginx", turns{good[0]}, notMeasured, ""},
	} {
		if b := shadowBudget("1 KiB", c.all); b.Verdict != c.verdict || b.Got != c.got {
			t.Errorf("%s: %+v", c.reason, b)
		}
	}
}

func TestBudgets(t *testing.T) {
	nan := 0.0
	nan /= nan
	for _, c := range []struct {
		reason string
		b      budget
		want   string
	}{
		{"at the limit", atMost("x", 1.5, 1.5, "%.2f"), met},
		{"above", atMost("x", 1.51, 1.5, "%.2f"), notMet},
		{"at the lower limit", atLeast("x", 200, 200, "%.0f"), met},
		{"below", atLeast("x", 199, 200, "%.0f"), notMet},
		{"what is no number meets nothing", atMost("x", nan, 1, "%.0f"), notMet},
		{"what is no number meets nothing", atLeast("x", nan, 1, "%.0f"), notMet},
	} {
		if c.b.Verdict != c.want {
			t.Errorf("%s: %+v", c.reason, c.b)
		}
	}
}

// TestMissingProgramTakesNoPart: the others are measured all the same, and the
// report says so.
func TestMissingProgramTakesNoPart(t *testing.T) {
	addr := serveRole(t, answering{Side: "legacy"}.args()...)
	s := &settings{progress: io.Discard, dir: t.TempDir()}
	missing := contender{name: "Nobody", program: "a-proxy-that-is-not-there"}
	proxies, notes, err := s.runAll(context.Background(), []contender{missing, direct}, backends{live: addr})
	if err != nil || len(proxies) != 1 || proxies[0].name != "direct" || len(notes) != 1 || !strings.Contains(notes[0], "Nobody is not installed") {
		t.Errorf("%v, %v, %v", proxies, notes, err)
	}
}
