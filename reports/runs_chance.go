package reports

import (
	"cmp"
	"math"
	"slices"
)

// riseChance is the probability to see x2 or more of n2 after x1 of n1 were
// seen, if the share is the same in both: Fisher's exact test (R. A. Fisher, The
// Design of Experiments, 1935), one-sided. It is 1 where the share has not
// risen, of which nobody needs to be warned.
func riseChance(x1, n1, x2, n2 int64) float64 {
	// A batch can have a difference of which the comparison is in the next.
	n1, n2 = max(n1, x1), max(n2, x2)
	if x1 < 0 || x2 <= 0 || n1 == 0 || float64(x2)*float64(n1) <= float64(x1)*float64(n2) {
		return 1
	}
	// x1 + x2 are drawn from n1 + n2; the tail from x2 on lies above the mean, so
	// that each term is smaller than the one before.
	drawn := x1 + x2
	term := math.Exp(logChoose(n2, x2) + logChoose(n1, x1) - logChoose(n1+n2, drawn))
	sum := 0.0
	for k := x2; k <= min(drawn, n2); k++ {
		sum += term
		if term < sum*1e-17 {
			break
		}
		left := drawn - k // of the first run
		term *= float64(n2-k) / float64(k+1) * float64(left) / float64(n1-left+1)
	}
	return min(sum, 1)
}

// logChoose is the logarithm of the number of ways to choose k of n.
func logChoose(n, k int64) float64 {
	a, _ := math.Lgamma(float64(n) + 1)
	b, _ := math.Lgamma(float64(k) + 1)
	c, _ := math.Lgamma(float64(n-k) + 1)
	return a - b - c
}

// riseLevel is how likely it is at most that a comparison of two runs calls any
// rise one where there is none.
const riseLevel = 0.01

// beyondChance says which of so many rises, by their chance, are beyond it: the
// least likely is held against riseLevel divided by their number, the next
// against riseLevel divided by one less, and so on (Holm, Scandinavian Journal
// of Statistics 6, 1979). A hundred groups looked at one by one would give a
// false alarm each time.
func beyondChance(chances []float64) []bool {
	order := make([]int, len(chances))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(chances[a], chances[b]) })
	beyond := make([]bool, len(chances))
	for rank, i := range order {
		if chances[i] >= riseLevel/float64(len(chances)-rank) {
			break
		}
		beyond[i] = true
	}
	return beyond
}

// unseenChance is how likely it is at most that a difference whose share is what
// it was is not seen, for it to be called fixed.
const unseenChance = 0.05

// enough is how many comparisons without a difference show, with 95 %
// confidence, that it has become rarer than a share that x of n stand for.
//
// At a share of x/n none in so many would be seen one time in 20. Of few
// comparisons that is too little: 2 of 2 do not mean that all have it. So what x
// of n leave open about the share is considered as well: by the rule of
// succession (Laplace, 1774) the next comparison is without it with probability
// (n-x+1)/(n+2), the one after that with (n-x+2)/(n+3), and so on; the product is
// to be at most one in 20.
func enough(x, n int64) int64 {
	if x <= 0 || n <= 0 {
		return math.MaxInt64 // what was not seen before can not become rarer
	}
	x = min(x, n)
	low, high := int64(0), int64(1) // none are too few; high are enough, once found
	for unseen(x, n, high) > math.Log(unseenChance) {
		low, high = high, 2*high
	}
	for high-low > 1 {
		if middle := low + (high-low)/2; unseen(x, n, middle) > math.Log(unseenChance) {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// isEnough reports whether m are enough(x, n), at a tenth of the price.
func isEnough(x, n, m int64) bool {
	return x > 0 && n > 0 && unseen(min(x, n), n, m) <= math.Log(unseenChance)
}

// unseen is the logarithm of the probability to see none in m after x of n, the
// larger one of both.
func unseen(x, n, m int64) float64 {
	const rounding = 1e-9 // where the product is one in 20 exactly
	logGamma := func(of int64) float64 { v, _ := math.Lgamma(float64(of)); return v }
	succession := logGamma(n-x+1+m) - logGamma(n-x+1) - logGamma(n+2+m) + logGamma(n+2)
	atShare := math.Inf(-1)
	if x < n {
		atShare = float64(m) * math.Log1p(-float64(x)/float64(n))
	}
	return max(succession, atShare) - rounding
}
