package reports

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A latency stands in the bucket of the bounds that it lies between, but for
// the width of rounding at a bound.
func TestLatencyBuckets(t *testing.T) {
	bounds := LatencyBounds()
	if !slices.IsSorted(bounds) || bounds[0] > 0.001 || bounds[len(bounds)-1] < 60 {
		t.Fatalf("bounds %v", bounds)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "latency"))
		var h histogram
		h.add(classOf(d), 1)
		at := slices.Index(h.buckets(), 1)
		if len(h.buckets()) != len(bounds)+1 {
			t.Fatalf("%d buckets, %d bounds", len(h.buckets()), len(bounds))
		}
		s := d.Seconds()
		if at > 0 && s < bounds[at-1]*(1-1e-9) || at < len(bounds) && s > bounds[at]*(1+1e-9) {
			t.Fatalf("%v is in bucket %d of %v", d, at, bounds)
		}
	})
}

func TestAnswersBySide(t *testing.T) {
	r := &Reports{totals: map[string]*counts{}}
	// What was counted before sides were told apart stays in the quantiles.
	old := &counts{}
	old.Answered.add(classOf(time.Second), 1)
	r.totals["show"] = old
	r.Served("show", "ramp", "legacy", 200, time.Millisecond)
	r.Served("show", "ramp", "legacy", 404, 2*time.Millisecond)
	r.Served("show", "ramp", "new", 500, time.Minute)
	r.Served("list", "new", "new", 200, time.Millisecond)
	got := r.Answers()
	if len(got) != 3 || got[0].Route != "list" || got[1].Side != "legacy" || got[2].Side != "new" {
		t.Fatalf("%+v", got)
	}
	if got[1].Classes != [6]int64{2: 1, 4: 1} || got[1].Sum != 3*time.Millisecond || got[2].Classes != [6]int64{5: 1} || got[2].Sum != time.Minute {
		t.Errorf("%+v", got)
	}
	if n := got[1].Latencies; slices.Max(n) > 1 || n[len(n)-1] != 0 {
		t.Errorf("latencies of legacy: %v", n)
	}
	report := r.now("show")["show"].report("show")
	if report.Served != 3 || report.Answered.P99 < 50_000 || report.Answered.P50 > 5 {
		t.Errorf("%+v", report)
	}
}
