package compare

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"
)

// decimal is a JSON number taken apart without copying. With all zeros in
// front and behind stripped, its digits are whole and then frac, and its value
// is ±0.DIGITS × 10^point. Zero has no digits, and no sign.
type decimal struct {
	negative    bool
	whole, frac []byte
	// point is exact unless huge; then it is right modulo 2^64 only.
	point int64
	huge  bool // the exponent as written has more than 18 digits
	shift int64
	power []byte // the exponent as written, without sign and leading zeros
	minus bool   // its sign
}

// parseDecimal takes a number that scanNumber has accepted.
func parseDecimal(s []byte) decimal {
	var d decimal
	if s[0] == '-' {
		d.negative = true
		s = s[1:]
	}
	if e := bytes.IndexAny(s, "eE"); e >= 0 {
		d.exponent(s[e+1:])
		s = s[:e]
	}
	d.whole = s
	if dot := bytes.IndexByte(s, '.'); dot >= 0 {
		d.whole, d.frac = s[:dot], bytes.TrimRight(s[dot+1:], "0")
	}
	d.whole = bytes.TrimLeft(d.whole, "0")
	d.shift = int64(len(d.whole))
	if len(d.whole) == 0 {
		zeros := len(d.frac)
		d.frac = bytes.TrimLeft(d.frac, "0")
		d.shift = int64(len(d.frac) - zeros)
	}
	if len(d.frac) == 0 {
		d.whole = bytes.TrimRight(d.whole, "0")
	}
	if d.zero() {
		return decimal{}
	}
	d.point += d.shift
	return d
}

func (d *decimal) exponent(s []byte) {
	if s[0] == '-' || s[0] == '+' {
		d.minus = s[0] == '-'
		s = s[1:]
	}
	d.power = bytes.TrimLeft(s, "0")
	d.huge = len(d.power) > 18
	for _, c := range d.power {
		d.point = d.point*10 + int64(c-'0')
	}
	if d.minus {
		d.point = -d.point
	}
}

func (d *decimal) zero() bool  { return len(d.whole)+len(d.frac) == 0 }
func (d *decimal) digits() int { return len(d.whole) + len(d.frac) }

// digit is the k-th significant digit, in ASCII.
func (d *decimal) digit(k int) byte {
	if k < len(d.whole) {
		return d.whole[k]
	}
	return d.frac[k-len(d.whole)]
}

// integer reports whether the number has no fraction.
func (d *decimal) integer() bool {
	return d.zero() || !d.huge && d.point >= int64(d.digits()) || d.huge && !d.minus
}

// equal compares by exact value: 1.0, 1 and 10e-1 are equal, 2^53 and 2^53+1 are not.
func (d *decimal) equal(o *decimal) bool {
	if d.negative != o.negative || d.digits() != o.digits() || d.point != o.point {
		return false
	}
	for k := range d.digits() {
		if d.digit(k) != o.digit(k) {
			return false
		}
	}
	if d.huge || o.huge {
		return d.exactPoint().Cmp(o.exactPoint()) == 0
	}
	return true
}

// exactPoint is point where an int64 does not hold it.
func (d *decimal) exactPoint() *big.Int {
	p, _ := new(big.Int).SetString("0"+string(d.power), 10)
	if d.minus {
		p.Neg(p)
	}
	return p.Add(p, big.NewInt(d.shift))
}

func equalNumbers(a, b []byte) bool {
	da, db := parseDecimal(a), parseDecimal(b)
	return da.equal(&db)
}

// canonical is one spelling for all numbers of one value.
func (d *decimal) canonical() string {
	sign := ""
	if d.negative {
		sign = "-"
	}
	point := fmt.Sprint(d.point)
	if d.huge {
		point = d.exactPoint().String()
	}
	return sign + string(d.whole) + string(d.frac) + "e" + point
}

// maxExact is how many decimal digits the arithmetic of a tolerance may span.
// Numbers that are further apart in size are never within a tolerance.
const maxExact = 5000

// scaled is the number divided by 10^unit. The caller has seen to it that the
// result is an integer of at most about maxExact digits.
func (d *decimal) scaled(unit int64) *big.Int {
	n := new(big.Int)
	if d.zero() {
		return n
	}
	text := make([]byte, 0, d.digits())
	n.SetString(string(append(append(text, d.whole...), d.frac...)), 10)
	n.Mul(n, powerOfTen(d.lowest()-unit))
	if d.negative {
		n.Neg(n)
	}
	return n
}

// lowest is the power of ten of the last significant digit.
func (d *decimal) lowest() int64 { return d.point - int64(d.digits()) }

func powerOfTen(n int64) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil)
}

// tolerance is how far apart two numbers may be.
type tolerance struct {
	bound    decimal // over 100 when relative
	relative bool    // to the larger of the two
}

// parseTolerance parses "0.001" or "0.1%".
func parseTolerance(s string) (*tolerance, error) {
	number, relative := strings.CutSuffix(s, "%")
	if number == "" || scanNumber([]byte(number), 0) != len(number) {
		return nil, fmt.Errorf("%q is not a number\nwrite a difference such as 0.001, or a share of the larger value such as 0.1%%", s)
	}
	t := &tolerance{bound: parseDecimal([]byte(number)), relative: relative}
	hundred := parseDecimal([]byte("100"))
	switch {
	case t.bound.zero() || t.bound.negative:
		return nil, fmt.Errorf("%q forgives nothing\nwrite a number above zero, or leave the rule out: numbers are equal by value, however they are written", s)
	case t.bound.huge || t.bound.point > 1000 || t.bound.lowest() < -1000:
		return nil, fmt.Errorf("%q is out of range\nwrite a number between 1e-1000 and 1e1000", s)
	case relative && (t.bound.point > hundred.point || t.bound.equal(&hundred)):
		return nil, fmt.Errorf("%q forgives any number\nwrite a share below 100%%", s)
	}
	return t, nil
}

// holds compares two numbers in exact decimal arithmetic.
func (t *tolerance) holds(a, b []byte) bool {
	x, y := parseDecimal(a), parseDecimal(b)
	if x.equal(&y) {
		return true
	}
	parts := []*decimal{&x, &y, &t.bound}
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
	if high-low > maxExact {
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
