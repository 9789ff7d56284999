package reports

import (
	"math"
	"math/big"
	"slices"
	"testing"
)

func TestRiseChanceAgainstTables(t *testing.T) {
	for _, c := range []struct {
		reason         string
		x1, n1, x2, n2 int64
		want           float64
	}{
		{"the lady tasting tea: 3 of 4 cups", 1, 4, 3, 4, 17.0 / 70},
		{"all 4 cups", 0, 4, 4, 4, 1.0 / 70},
		{"all of one kind", 0, 10, 1, 10, 0.5},
		{"1 in 12, and 9 in 12", 1, 12, 9, 12, 0.00138}, // 0.001379728, as R's fisher.test has it for matrix(c(1,11,9,3),2)
		{"as before", 5, 100, 5, 100, 1},
		{"rarer", 9, 100, 1, 100, 1},
		{"nothing compared before", 0, 0, 7, 100, 1},
		{"nothing compared after", 3, 100, 0, 0, 1},
		{"a difference without its comparison", 1, 100, 5, 4, 0}, // as if of 5
	} {
		got := riseChance(c.x1, c.n1, c.x2, c.n2)
		if c.want == 0 {
			c.want = riseChance(c.x1, c.n1, c.x2, c.x2)
		}
		if math.Abs(got-c.want) > 5e-6 {
			t.Errorf("%s: %.8f, want %.8f", c.reason, got, c.want)
		}
	}
}

// TestRiseChanceAgainstSums adds up the hypergeometric probabilities in whole
// numbers.
func TestRiseChanceAgainstSums(t *testing.T) {
	for _, c := range [][4]int64{
		{1, 12, 9, 12}, {0, 500, 1, 3}, {3, 1000, 12, 900}, {40, 2000, 90, 2500}, {999, 1000, 50, 50}, {0, 100_000, 4, 20_000}, {700, 60_000, 900, 60_000},
	} {
		x1, n1, x2, n2 := c[0], c[1], c[2], c[3]
		sum, all := new(big.Int), new(big.Int).Binomial(n1+n2, x1+x2)
		for k := x2; k <= min(x1+x2, n2); k++ {
			ways := new(big.Int).Binomial(n2, k)
			sum.Add(sum, ways.Mul(ways, new(big.Int).Binomial(n1, x1+x2-k)))
		}
		want, _ := new(big.Rat).SetFrac(sum, all).Float64()
		if got := riseChance(x1, n1, x2, n2); math.Abs(got/want-1) > 1e-7 {
			t.Errorf("%v: %g, want %g", c, got, want)
		}
	}
}

// Millions of comparisons take no longer to judge, and give a number.
func TestRiseChanceOfMany(t *testing.T) {
	last := 1.0
	for _, x := range []int64{1_000_001, 1_001_000, 1_003_000, 1_010_000, 2_000_000} {
		p := riseChance(1_000_000, 1e9, x, 1e9)
		if math.IsNaN(p) || p < 0 || p > last {
			t.Errorf("%d of 1e9: %g after %g", x, p, last)
		}
		last = p
	}
	if p := riseChance(1_000_000, 1e9, 1_001_000, 1e9); math.Abs(p-0.2397) > 0.002 { // the normal approximation says 0.2399
		t.Errorf("0.7 standard deviations above: %g", p)
	}
	if last != 0 && last > 1e-300 {
		t.Errorf("twice as many of a thousand million: %g", last)
	}
}

func TestBeyondChance(t *testing.T) {
	for _, c := range []struct {
		reason  string
		chances []float64
		want    []bool
	}{
		{"none", nil, []bool{}},
		{"one below 1 %", []float64{0.009}, []bool{true}},
		{"one at 1 %", []float64{0.01}, []bool{false}},
		{"two that would be alone", []float64{0.009, 0.008}, []bool{false, false}},
		{"the second is held against less", []float64{0.0099, 0.004}, []bool{true, true}},
		{"the third stops the fourth", []float64{0.001, 0.5, 0.009, 0.002}, []bool{true, false, false, true}},
	} {
		if got := beyondChance(c.chances); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.reason, got, c.want)
		}
	}
}

// TestEnough multiplies the probabilities out: with so many both are at most one
// in 20, with one less one of them is not.
func TestEnough(t *testing.T) {
	within := func(x, n, m int64) bool {
		product := big.NewRat(1, 1)
		for i := range m {
			product.Mul(product, big.NewRat(n-x+1+i, n+2+i))
		}
		return product.Cmp(big.NewRat(1, 20)) <= 0 && upperBound(0, m) <= float64(x)/float64(n)*(1+1e-12)
	}
	for _, c := range [][2]int64{{1, 1}, {2, 2}, {4, 4}, {20, 20}, {1, 2}, {9, 10}, {1, 30}, {1, 1000}, {3, 1000}, {500, 1000}, {50, 2000}} {
		if m := enough(c[0], c[1]); !within(c[0], c[1], m) || within(c[0], c[1], m-1) {
			t.Errorf("%d of %d: %d", c[0], c[1], m)
		}
	}
	for _, c := range []struct {
		reason     string
		x, n, want int64
	}{
		{"once is not all", 1, 1, 5}, // 2/(6·7) = 0.048
		{"nor is twice", 2, 2, 3},    // 6/(4·5·6) = 0.05
		{"twenty times nearly is", 20, 20, 1},
		{"a tenth, well known", 100_000, 1_000_000, 29}, // ln 0.05 / ln 0.9 = 28.4
		{"a thousandth, well known", 1_000_000, 1_000_000_000, 2995},
		{"a thousandth, seen once", 1, 1000, 3474}, // about 1001·(√20 - 1)
	} {
		if got := enough(c.x, c.n); got != c.want {
			t.Errorf("%s: %d of %d: %d, want %d", c.reason, c.x, c.n, got, c.want)
		}
		if !isEnough(c.x, c.n, c.want) || isEnough(c.x, c.n, c.want-1) {
			t.Errorf("%s: of %d of %d %d are not just enough", c.reason, c.x, c.n, c.want)
		}
	}
	if isEnough(1, 0, 1_000_000) || isEnough(1, 1, 0) {
		t.Error("what was not compared is known")
	}
	// A batch can have a difference of which the comparison is in the next.
	if enough(3, 2) != enough(2, 2) {
		t.Error("more than were compared")
	}
}
