package decimal

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// maxExact is how many decimal digits the arithmetic of a tolerance may span.
// Numbers that are further apart in size are never within a tolerance.
const maxExact = 5000

// Tolerance is how far apart two numbers may be.
type Tolerance struct {
	bound    Decimal // over 100 when relative
	relative bool    // to the larger of the two
}

// ParseTolerance parses "0.001" or "0.1%".
func ParseTolerance(s string) (*Tolerance, error) {
	number, relative := strings.CutSuffix(s, "%")
	if number == "" || jsontext.ScanNumber([]byte(number), 0) != len(number) {
		return nil, fmt.Errorf("%q is not a number\nwrite a difference such as 0.001, or a share of the larger value such as 0.1%%", s)
	}
	t := &Tolerance{bound: Parse([]byte(number)), relative: relative}
	hundred := Parse([]byte("100"))
	switch {
	case t.bound.zero() || t.bound.negative:
		return nil, fmt.Errorf("%q forgives nothing\nwrite a number above zero, or leave the rule out: numbers are equal by value, however they are written", s)
	case t.bound.huge || t.bound.point > 1000 || t.bound.lowest() < -1000:
		return nil, fmt.Errorf("%q is out of range\nwrite a number between 1e-1000 and 1e1000", s)
	case relative && t.bound.point >= hundred.point:
		return nil, fmt.Errorf("%q forgives any number\nwrite a share below 100%%", s)
	}
	return t, nil
}

// Holds compares two numbers in exact decimal arithmetic.
func (t *Tolerance) Holds(a, b []byte) bool {
	x, y := Parse(a), Parse(b)
	if x.Equal(&y) {
		return true
	}
	parts := []*Decimal{&x, &y, &t.bound}
	if t.relative {
		parts = parts[:2]
	}
	low, high := int64(1<<62), int64(-1<<62)
	for _, d := range parts {
		if d.huge {
			return false
		}
		if !d.zero() {
			low, high = min(low, d.lowest()), max(high, d.point)
		}
	}
	switch {
	case high-low <= 17 && !t.relative, high-low <= 9 && t.relative && t.bound.lowest() >= -6:
		return t.holdsSmall(x.small(low), y.small(low), low)
	case high-low > maxExact:
		return false
	}
	p, q := x.scaled(low), y.scaled(low)
	apart := new(big.Int).Sub(p, q)
	apart.Abs(apart)
	if !t.relative {
		return apart.Cmp(t.bound.scaled(low)) <= 0
	}
	larger := p.Abs(p)
	if q.CmpAbs(larger) > 0 {
		larger = q.Abs(q)
	}
	unit := min(t.bound.lowest(), 0) // apart/larger ≤ bound/100, both sides × 10^-unit
	apart.Mul(apart, powerOfTen(2-unit))
	larger.Mul(larger, t.bound.scaled(unit))
	return apart.Cmp(larger) <= 0
}

// holdsSmall is Holds for numbers of few digits, both divided by 10^low: nothing
// in it takes more than 18 digits.
func (t *Tolerance) holdsSmall(x, y, low int64) bool {
	apart, larger := max(x-y, y-x), max(x, -x, y, -y)
	if !t.relative {
		return apart <= t.bound.small(low)
	}
	unit := min(t.bound.lowest(), 0)
	return apart*smallPower(2-unit) <= larger*t.bound.small(unit)
}
