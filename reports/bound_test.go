package reports

import (
	"math"
	"math/big"
	"testing"
)

func TestUpperBoundAgainstTables(t *testing.T) {
	// One-sided 95 % limits are the upper ends of two-sided 90 % intervals,
	// which tables of exact binomial confidence limits give.
	for _, c := range []struct {
		x, n int64
		want float64
	}{
		{0, 1, 0.95}, {0, 10, 0.2589}, {1, 10, 0.3942}, {2, 10, 0.5069}, {5, 10, 0.7776}, {9, 10, 0.9949},
		{0, 20, 0.1391}, {1, 20, 0.2161}, {5, 20, 0.4556},
		{0, 100, 0.0295}, {1, 100, 0.0466}, {5, 100, 0.1023}, {10, 100, 0.1637},
		{10, 10, 1}, {0, 0, 1}, {1000, 1000, 1},
	} {
		if got := upperBound(c.x, c.n); math.Abs(got-c.want) > 5e-5 {
			t.Errorf("upperBound(%d, %d) = %.5f, want %.4f", c.x, c.n, got, c.want)
		}
	}
}

// TestUpperBoundAgainstSums adds up the binomial probabilities at the bound
// with 300 bits: they are to be one in 20.
func TestUpperBoundAgainstSums(t *testing.T) {
	for _, c := range [][2]int64{{0, 100}, {3, 1000}, {1, 7}, {17, 40}, {39, 40}, {250, 1000}, {1999, 2000}, {60, 100000}} {
		x, n := c[0], c[1]
		p := upperBound(x, n)
		if sum := binomialSum(x, n, p); math.Abs(sum-0.05) > 1e-9 {
			t.Errorf("upperBound(%d, %d) = %g, where P(X <= %d) = %.12f, want 0.05", x, n, p, x, sum)
		}
	}
	if got := upperBound(3, 1000); math.Abs(got-0.007735) > 5e-7 {
		t.Errorf("upperBound(3, 1000) = %.6f, want 0.007735", got)
	}
}

func binomialSum(x, n int64, p float64) float64 {
	number := func(v float64) *big.Float { return new(big.Float).SetPrec(300).SetFloat64(v) }
	bigP := number(p)
	q := new(big.Float).SetPrec(300).Sub(number(1), bigP)
	ratio := new(big.Float).SetPrec(300).Quo(bigP, q)
	term := number(1) // q^n
	for range n {
		term.Mul(term, q)
	}
	sum := number(0)
	for k := int64(0); k <= x; k++ {
		sum.Add(sum, term)
		term.Mul(term, ratio)
		term.Mul(term, number(float64(n-k)))
		term.Quo(term, number(float64(k+1)))
	}
	v, _ := sum.Float64()
	return v
}

func TestUpperBoundOfMany(t *testing.T) {
	last := 1.0
	for _, n := range []int64{1e3, 1e5, 1e7, 1e9} {
		zero, some := upperBound(0, n), upperBound(n/1000, n)
		if math.Abs(zero*float64(n)-2.996) > 0.01 {
			t.Errorf("0 of %d: %g, want about 3/n", n, zero)
		}
		if some <= 0.001 || some >= last {
			t.Errorf("%d of %d: %g, want above 0.001 and below %g", n/1000, n, some, last)
		}
		last = some
	}
}

// TestNoiseProvesNothing: requests whose verdict is noise or transient are no
// evidence that the new side is right, so they do not lower the bound.
func TestNoiseProvesNothing(t *testing.T) {
	c := counts{Noise: 58, Transient: 2}
	if r := c.report("page"); r.Compared != 60 || r.MismatchUpper != 1 {
		t.Errorf("compared %d, bound %g; want 60, 1", r.Compared, r.MismatchUpper)
	}
	c.Matched = 100
	if r := c.report("page"); math.Abs(r.MismatchUpper-0.02951) > 5e-5 {
		t.Errorf("bound %.5f with 100 matches, want 0.0295", r.MismatchUpper)
	}
}
