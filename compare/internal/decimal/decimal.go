// Package decimal compares JSON numbers by their exact values, of any size, and
// says how far apart they are: [Parse] takes one apart, [Equal] compares two,
// and a [Tolerance] says whether two are close enough.
package decimal

import (
	"bytes"
	"fmt"
	"math/big"

	"github.com/quackproxy/quack/compare/internal/bytewise"
)

// Decimal is a JSON number taken apart without copying. With all zeros in
// front and behind stripped, its digits are whole and then frac, and its value
// is ±0.DIGITS × 10^point. Zero has no digits, and no sign.
type Decimal struct {
	negative    bool
	whole, frac []byte
	// point is exact unless huge; then it is right modulo 2^64 only.
	point int64
	huge  bool // the exponent as written has more than 18 digits
	shift int64
	power []byte // the exponent as written, without sign and leading zeros
	minus bool   // its sign
}

// Parse takes a number that jsontext.ScanNumber has accepted.
func Parse(s []byte) Decimal {
	var d Decimal
	if s[0] == '-' {
		d.negative = true
		s = s[1:]
	}
	if i := bytewise.Digits(s, 0); i < len(s) {
		d.whole, s = s[:i], s[i:]
		if s[0] == '.' {
			i = bytewise.Digits(s, 1)
			d.frac, s = bytes.TrimRight(s[1:i], "0"), s[i:]
		}
		if len(s) > 0 {
			d.exponent(s[1:])
		}
	} else {
		d.whole = s
	}
	if d.whole[0] == '0' {
		d.whole = d.whole[1:] // JSON has no more than one
	}
	d.shift = int64(len(d.whole))
	if len(d.whole) == 0 {
		zeros := len(d.frac)
		d.frac = bytes.TrimLeft(d.frac, "0")
		d.shift = int64(len(d.frac) - zeros)
	}
	if len(d.frac) == 0 {
		for len(d.whole) > 0 && d.whole[len(d.whole)-1] == '0' {
			d.whole = d.whole[:len(d.whole)-1]
		}
	}
	if d.zero() {
		return Decimal{}
	}
	d.point += d.shift
	return d
}

func (d *Decimal) exponent(s []byte) {
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

func (d *Decimal) zero() bool  { return len(d.whole)+len(d.frac) == 0 }
func (d *Decimal) digits() int { return len(d.whole) + len(d.frac) }

// digit is the k-th significant digit, in ASCII.
func (d *Decimal) digit(k int) byte {
	if k < len(d.whole) {
		return d.whole[k]
	}
	return d.frac[k-len(d.whole)]
}

// Integer reports whether the number has no fraction.
func (d *Decimal) Integer() bool {
	return d.zero() || !d.huge && d.point >= int64(d.digits()) || d.huge && !d.minus
}

// Equal compares by exact value: 1.0, 1 and 10e-1 are equal, 2^53 and 2^53+1 are not.
func (d *Decimal) Equal(o *Decimal) bool {
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
func (d *Decimal) exactPoint() *big.Int {
	p, _ := new(big.Int).SetString("0"+string(d.power), 10)
	if d.minus {
		p.Neg(p)
	}
	return p.Add(p, big.NewInt(d.shift))
}

func Equal(a, b []byte) bool {
	if bytewise.Digits(a, 0) == len(a) && bytewise.Digits(b, 0) == len(b) {
		return string(a) == string(b) // JSON has no zeros in front
	}
	da, db := Parse(a), Parse(b)
	return da.Equal(&db)
}

// Hash is one number for all numbers of one value.
func (d *Decimal) Hash() uint64 {
	sum := bytewise.Mix(uint64(d.point), 9)
	if d.negative {
		sum = bytewise.Mix(sum, 10)
	}
	for k := range d.digits() {
		sum = bytewise.Mix(sum, uint64(d.digit(k)))
	}
	return sum
}

// Beyond reports whether the number is not between 10^-n and 10^n.
func (d *Decimal) Beyond(n int64) bool { return d.huge || d.point > n || d.point < -n }

// Canonical is one spelling for all numbers of one value.
func (d *Decimal) Canonical() string {
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

// scaled is the number divided by 10^unit. The caller has seen to it that the
// result is an integer of at most about maxExact digits.
func (d *Decimal) scaled(unit int64) *big.Int {
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

// small is scaled where the result has at most 18 digits.
func (d *Decimal) small(unit int64) int64 {
	if d.zero() {
		return 0
	}
	var n int64
	for k := range d.digits() {
		n = 10*n + int64(d.digit(k)-'0')
	}
	n *= smallPower(d.lowest() - unit)
	if d.negative {
		return -n
	}
	return n
}

func smallPower(n int64) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// lowest is the power of ten of the last significant digit.
func (d *Decimal) lowest() int64 { return d.point - int64(d.digits()) }

func powerOfTen(n int64) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil)
}
