package reports

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The bound that is found by Newton's steps is the one that halving finds.
func TestBoundBySteps(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		n := int64(math.Exp(random.Float64()*16)) + 1
		x := random.Int64N(n)
		if random.IntN(2) == 0 {
			x = random.Int64N(min(n, 40))
		}
		got, want := upperBound(x, n), halved(x, n)
		if math.Abs(got-want) > 1e-7*want {
			t.Errorf("%d of %d: %.17g, halving finds %.17g", x, n, got, want)
		}
	}
}

func halved(x, n int64) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		if p := (low + high) / 2; atMost(x, n, p) > 0.05 {
			low = p
		} else {
			high = p
		}
	}
	return high
}
