package decimal

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// decimalText draws a JSON number.
func decimalText(t *rapid.T, label string) string {
	return rapid.StringMatching(`-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`).Draw(t, label)
}

func exact(t testing.TB, s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("big.Rat does not read %q", s)
	}
	return r
}

func TestToleranceIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := decimalText(rt, "a")
		b := decimalText(rt, "b")
		if rapid.Bool().Draw(rt, "near") {
			b = new(big.Rat).Add(exact(t, a), exact(t, rapid.SampledFrom([]string{"0.001", "-0.001", "0.0010000001", "0.0009"}).Draw(rt, "by"))).FloatString(40)
		}
		bound := rapid.SampledFrom([]string{"0.001", "1", "1e3", "0.1%", "5%", "99.9%"}).Draw(rt, "bound")
		tol, err := ParseTolerance(bound)
		if err != nil {
			rt.Fatal(err)
		}
		x, y := exact(t, a), exact(t, b)
		apart := new(big.Rat).Sub(x, y)
		limit := exact(t, strings.TrimSuffix(bound, "%"))
		if strings.HasSuffix(bound, "%") {
			larger := x.Abs(x)
			if y.Abs(y).Cmp(larger) > 0 {
				larger = y
			}
			limit.Mul(limit, larger).Quo(limit, big.NewRat(100, 1))
		}
		if got, want := tol.Holds([]byte(a), []byte(b)), apart.Abs(apart).Cmp(limit) <= 0; got != want {
			rt.Fatalf("%s and %s within %s: %v, want %v", a, b, bound, got, want)
		}
	})
}

func TestToleranceOfNumbersTooFarApartEnds(t *testing.T) {
	tol, err := ParseTolerance("1%")
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{"1e999999999", "1"}, {"1e99999999999999999999", "1"}, {"1e-999999999", "0.5"}, {"1e99999999999999999999", "1e-99999999999999999999"}} {
		if tol.Holds([]byte(pair[0]), []byte(pair[1])) {
			t.Errorf("%s and %s are within 1%%", pair[0], pair[1])
		}
	}
}
