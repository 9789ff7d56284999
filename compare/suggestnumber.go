package compare

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/quackproxy/quack/compare/internal/decimal"
	"github.com/quackproxy/quack/compare/internal/stamp"
)

// bounds are what a bound of time is rounded up to.
var bounds = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// suggestWithin covers timestamps that are at most a day apart.
func suggestWithin(o *Observation) (Rule, bool) {
	spread, ok := o.spread()
	if !ok {
		return Rule{}, false
	}
	for _, b := range bounds {
		if spread <= b {
			return Rule{Path: o.Path, Within: shortDuration(b)}, true
		}
	}
	return Rule{}, false
}

// shortDuration is a duration without its zeros: 2m and not 2m0s.
func shortDuration(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// spread is how far apart the timestamps of the samples are; false when some
// are none, or in another format.
func (o *Observation) spread() (time.Duration, bool) {
	var most time.Duration
	for _, p := range o.whole() {
		l, n, ok := o.times(p)
		if !ok || l.Style != n.Style {
			return 0, false
		}
		most = max(most, l.Apart(n.Instant))
	}
	return most, most > 0
}

// times are the timestamps, or dates, of a pair.
func (o *Observation) times(p Sample) (l, n stamp.Stamp, ok bool) {
	j := judge{name: []byte(o.name())}
	j.legacy, j.new = o.scalars(p)
	if j.legacy.class == isNumber && !stamp.IsName(j.name) {
		return l, n, false
	}
	return j.stamps(j.legacy.class == isString)
}

// maxRelative is the share beyond which numbers are no longer near each other.
const maxRelative = 0.5

// suggestTolerance covers numbers that are near each other, by the smaller of
// an absolute and a relative bound: that which leaves less room at the values
// that were seen.
func suggestTolerance(o *Observation) (Rule, bool) {
	if !o.isJSON() || len(o.Samples) == 0 {
		return Rule{}, false
	}
	var absolute, relative, larger float64
	for _, p := range o.Samples {
		apart, most, ok := farApart(o.scalars(p))
		if !ok {
			return Rule{}, false
		}
		absolute = max(absolute, apart)
		relative = max(relative, apart/most)
		larger += most
	}
	if relative > maxRelative || absolute == 0 {
		return Rule{}, false
	}
	bound, unit := absolute, ""
	if roundUp(relative)*larger < roundUp(absolute)*float64(len(o.Samples)) {
		bound, unit = relative*100, "%"
	}
	// Binary arithmetic may have made the bound too small by its last digit.
	for _, least := range []float64{bound, bound * (1 + 1e-9)} {
		written := strconv.FormatFloat(roundUp(least), 'f', -1, 64) + unit
		if t, err := decimal.ParseTolerance(written); err == nil && o.holds(t) {
			return Rule{Path: o.Path, Tolerance: written}, true
		}
	}
	return Rule{}, false
}

// holds reports whether a tolerance covers all samples.
func (o *Observation) holds(t *decimal.Tolerance) bool {
	for _, p := range o.whole() {
		l, n := o.scalars(p)
		if t == nil || l.number() == nil || n.number() == nil || !t.Holds(l.number(), n.number()) {
			return false
		}
	}
	return true
}

// farApart is how far apart two numbers, or strings that are numbers, are, and
// the larger of them by amount.
func farApart(a, b scalar) (apart, larger float64, ok bool) {
	l, okL := a.ratio()
	n, okN := b.ratio()
	if !okL || !okN {
		return 0, 0, false
	}
	apart, _ = new(big.Rat).Abs(new(big.Rat).Sub(l, n)).Float64()
	most, _ := new(big.Rat).Abs(l).Float64()
	other, _ := new(big.Rat).Abs(n).Float64()
	larger = max(most, other)
	return apart, larger, larger > 0 && !math.IsInf(larger, 0) && apart > 0
}

// ratio is a number exactly, when it is one of an ordinary size.
func (s scalar) ratio() (*big.Rat, bool) {
	text := s.number()
	if text == nil || len(text) > 40 {
		return nil, false
	}
	if d := decimal.Parse(text); d.Beyond(100) {
		return nil, false
	}
	return new(big.Rat).SetString(string(text))
}

// roundUp gives the next of 1, 2 and 5 and their tenfolds.
func roundUp(v float64) float64 {
	power := math.Pow10(int(math.Floor(math.Log10(v))))
	for _, step := range []float64{1, 2, 5} {
		if v <= step*power*(1+1e-12) {
			return decimalOf(step * power)
		}
	}
	return decimalOf(10 * power)
}

// decimalOf takes off what binary arithmetic has added behind the first digit.
func decimalOf(v float64) float64 {
	d, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 1, 64), 64)
	return d
}
