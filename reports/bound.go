package reports

import "math"

// upperBound is the exact upper bound, at 95 % confidence, of a share of which
// x in n were seen: the one-sided interval of Clopper and Pearson (Biometrika
// 26, 1934), the p at which no more than x in n would be seen one time in 20.
// For x = 0 it is 1-0.05^(1/n), about 3/n. 1 when n is 0 or x is n.
func upperBound(x, n int64) float64 { return upperAt(x, n, bounded) }

// bounded is the probability with which a bound may be wrong.
const bounded = 0.05

// upperAt is the bound that is wrong with probability alpha.
func upperAt(x, n int64, alpha float64) float64 {
	if n <= 0 || x >= n {
		return 1
	}
	if x <= 0 {
		return -math.Expm1(math.Log(alpha) / float64(n))
	}
	low, high := float64(x)/float64(n), 1.0
	p := low + 2*math.Sqrt(low*(1-low)/float64(n))
	for range 100 {
		if p <= low || p >= high {
			p = low + (high-low)/2
		}
		if p == low || p == high {
			break // nothing lies between them
		}
		// P(X <= x) falls as p grows: Newton's step, kept between what is known.
		over := atMost(x, n, p) - alpha
		if over > 0 {
			low = p
		} else {
			high = p
		}
		step := over / atMostFalls(x, n, p)
		if math.Abs(step) < 1e-15*p {
			break
		}
		p += step
	}
	return p
}

// atMostFalls is by how much atMost falls with p.
func atMostFalls(x, n int64, p float64) float64 {
	all, _ := math.Lgamma(float64(n) + 1)
	seen, _ := math.Lgamma(float64(x) + 1)
	rest, _ := math.Lgamma(float64(n - x))
	return math.Exp(all - seen - rest + float64(x)*math.Log(p) + float64(n-x-1)*math.Log1p(-p))
}

// atMost is the probability that at most x of n are seen when each is seen
// with probability p: the regularised incomplete beta function I(1-p; n-x, x+1).
func atMost(x, n int64, p float64) float64 {
	return incompleteBeta(1-p, float64(n-x), float64(x)+1)
}

// incompleteBeta is I(x; a, b), by its continued fraction (DLMF 8.17.22)
// evaluated with the method of Lentz.
func incompleteBeta(x, a, b float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 1 {
		return 1
	}
	if x > (a+1)/(a+b+2) { // where the fraction of the complement converges fast
		return 1 - incompleteBeta(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	return front * betaFraction(x, a, b)
}

func betaFraction(x, a, b float64) float64 {
	const tiny = 1e-300
	nonZero := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/nonZero(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m <= 1e6; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / nonZero(1+even*d)
		c = nonZero(1 + even/c)
		f *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / nonZero(1+odd*d)
		c = nonZero(1 + odd/c)
		step := d * c
		f *= step
		if math.Abs(step-1) < 1e-15 {
			break
		}
	}
	return f
}
