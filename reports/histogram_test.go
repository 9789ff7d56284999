package reports

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestQuantilesAreWithin5Percent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		latencies := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
			scale := rapid.SampledFrom([]time.Duration{time.Microsecond, time.Millisecond, time.Second}).Draw(t, "scale")
			return scale + time.Duration(rapid.Int64Range(0, int64(60*scale)).Draw(t, "latency"))
		}), 1, 300).Draw(t, "latencies")
		var h histogram
		for _, d := range latencies {
			h.add(classOf(d), 1)
		}
		slices.Sort(latencies)
		for _, q := range []float64{0.5, 0.9, 0.99, 1} {
			rank := int(math.Ceil(q * float64(len(latencies))))
			want := float64(latencies[rank-1]) / float64(time.Millisecond)
			if got := h.quantile(q); math.Abs(got-want) > 0.05*want {
				t.Fatalf("quantile %g of %d = %g ms, want %g", q, len(latencies), got, want)
			}
		}
	})
}

func TestHistogramEdges(t *testing.T) {
	if got := (histogram{}).latency(); got != (Latency{}) {
		t.Errorf("quantiles of nothing: %v", got)
	}
	var h, other histogram
	for _, d := range []time.Duration{-1, 0, time.Nanosecond, math.MaxInt64} {
		h.add(classOf(d), 1)
	}
	if len(h) != 2 || h[0] != (classCount{0, 3}) || h[1] != (classCount{classMax, 1}) {
		t.Errorf("classes of extreme latencies: %v", h)
	}
	other.add(classOf(time.Second), 7)
	h.merge(other)
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var back histogram
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h, back, cmp.AllowUnexported(classCount{})); diff != "" {
		t.Errorf("%s: %s", b, diff)
	}
}
