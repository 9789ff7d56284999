package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestQuantilesAreNearTheExactOnes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func() time.Duration{
		"small":   func() time.Duration { return time.Duration(random.IntN(300)) },
		"even":    func() time.Duration { return time.Duration(random.IntN(5_000_000)) },
		"skewed":  func() time.Duration { return time.Duration(math.Exp(random.NormFloat64()*2) * 1e6) },
		"all one": func() time.Duration { return 123_456_789 },
	} {
		var h histogram
		var exact []time.Duration
		for range 10_000 {
			d := next()
			h.add(d)
			exact = append(exact, d)
		}
		slices.Sort(exact)
		for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
			want := exact[max(int(math.Ceil(q*float64(len(exact))))-1, 0)]
			if got := h.quantile(q); got < want || float64(got) > float64(want)*(1+1.0/fine) {
				t.Errorf("%s: %v quantile %v, exactly %v", name, q, got, want)
			}
		}
	}
}

func TestBucketsCoverAllDurations(t *testing.T) {
	last := -1
	for _, v := range []uint64{0, 1, fine - 1, fine, fine + 1, 2*fine - 1, 2 * fine, 2*fine + 1, 2*fine + 2, 1 << 20, 1<<20 + 1<<14, 1 << 40, math.MaxInt64} {
		i := bucket(v)
		if i < last || i >= len(histogram{}.counts) || upper(i) < v || i > 0 && upper(i-1) >= v {
			t.Errorf("%d is in bucket %d, which ends at %d after one that ends at %d", v, i, upper(i), upper(max(i-1, 0)))
		}
		last = i
	}
	var h histogram
	if h.quantile(0.99) != 0 {
		t.Error("an empty histogram has a quantile")
	}
	h.add(-time.Second)
	if h.quantile(1) != 0 || h.total != 1 {
		t.Errorf("a negative duration: %v of %d", h.quantile(1), h.total)
	}
}
