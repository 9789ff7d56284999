package reports

import (
	"math"
	"time"
)

// Quantiles are those of a ratio, at most 5 % off; 0 when nothing was counted.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// sameClass is the class of equal latencies. Ratios are counted in a histogram
// as latencies are, in classes as wide; but a class stands around its middle, so
// that sides which are equally fast have the ratio 1 and not 1.05.
const sameClass = classMax / 2

// ratioClass is the class of new's latency divided by legacy's. Beyond 60,000
// times as much or as little all are in one class.
func ratioClass(legacy, new time.Duration) uint16 {
	if legacy <= 0 || new <= 0 {
		return 0 // a latency that is not known; nobody counts it
	}
	steps := math.Round(math.Log(float64(new)/float64(legacy)) / logGrowth)
	return uint16(min(max(steps+sameClass, 0), classMax))
}

// ratios are the quantiles of a histogram of ratios.
func (h histogram) ratios() Quantiles {
	at := func(q float64) float64 {
		class, counted := h.class(q)
		if !counted {
			return 0
		}
		return math.Pow(growth, float64(class)-sameClass)
	}
	return Quantiles{P50: at(0.5), P99: at(0.99)}
}
