package compare

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTimestampStyles(t *testing.T) {
	// All of one line are one style; all lines are different styles.
	styles := [][]string{
		{"2026-03-04T05:06:07Z", "0000-01-01T00:00:00Z", "2016-12-31T23:59:60Z"},
		{"2026-03-04T05:06:07.1Z", "2026-03-04T05:06:07.123456789123Z"},
		{"2026-03-04t05:06:07Z"}, {"2026-03-04T05:06:07z"},
		{"2026-03-04T05:06:07"}, {"2026-03-04T05:06:07.5"},
		{"2026-03-04T05:06:07+00:00", "2026-03-04T05:06:07-00:00"},
		{"2026-03-04T05:06:07+01:00"}, {"2026-03-04T05:06:07-01:00"},
		{"2026-03-04T05:06:07+0000"}, {"2026-03-04T05:06:07+00"},
		{"2026-03-04 05:06:07"}, {"2026-03-04 05:06:07.25"}, {"2026-03-04 05:06:07+00"},
		{"2026-03-04 05:06:07 +0000"}, {"2026-03-04 05:06:07 UTC"}, {"2026-03-04 05:06:07Z"},
		{"Wed, 04 Mar 2026 05:06:07 GMT"}, {"Wed, 04-Mar-2026 05:06:07 GMT"}, {"Wednesday, 04-Mar-26 05:06:07 GMT"}, {"Wed Mar  4 05:06:07 2026"},
	}
	seen := map[style]string{}
	for _, line := range styles {
		var first stamp
		for i, s := range line {
			st, ok := parseStamp([]byte(s))
			if !ok {
				t.Errorf("%q is no timestamp", s)
			}
			if i == 0 {
				first = st
				if other, taken := seen[st.style]; taken {
					t.Errorf("%q and %q have one style", s, other)
				}
				seen[st.style] = s
			}
			if st.style != first.style {
				t.Errorf("%q and %q have two styles", line[0], s)
			}
		}
	}
	for _, s := range []string{
		"", "2026-03-04", "2026-13-04T05:06:07Z", "2026-02-29T05:06:07Z", "2026-03-04T24:00:00Z", "2026-03-04T05:60:07Z", "2026-03-04T05:06:61Z",
		"2026-03-04T05:06:07.Z", "2026-03-04T05:06:07X", "2026-03-04T05:06:07+1", "2026-03-04T05:06:07+24:00", "2026-03-04T05:06:07+00:60",
		"2026-03-04_05:06:07", "20260304T050607Z", "2026-03-04T05:06", "+026-03-04T05:06:07Z", "2026-03-04T05:06:07 ", "2026-03-04T05:06:07Zulu",
		"Wed, 32 Mar 2026 05:06:07 GMT", "yesterday at 12:00:00", "2026-03-04T5:06:07.1Z",
	} {
		if st, ok := parseStamp([]byte(s)); ok {
			t.Errorf("%q was taken for a timestamp: %+v", s, st)
		}
	}
}

func TestInstants(t *testing.T) {
	same := []string{"2026-03-04T05:06:07Z", "2026-03-04T06:06:07+01:00", "2026-03-03T23:36:07-0530", "2026-03-04 05:06:07 UTC", "Wed, 04 Mar 2026 05:06:07 GMT"}
	for _, s := range same {
		if st, _ := parseStamp([]byte(s)); st.instant != (instant{1772600767, 0}) {
			t.Errorf("%q is %+v", s, st.instant)
		}
	}
	for s, want := range map[string]instant{
		"1772600767": {1772600767, 0}, "946684800": {946684800, 0}, "1772600767.25": {1772600767, 250e6}, "1772600767123": {1772600767, 123e6},
		"1772600767123.5": {1772600767, 123500e3}, "1772600767123456": {1772600767, 123456e3}, "1772600767123456789": {1772600767, 123456789}, "4102444799": {4102444799, 0},
	} {
		if st, ok := parseEpoch([]byte(s)); !ok || st.instant != want {
			t.Errorf("%s is %+v, want %+v", s, st.instant, want)
		}
	}
	for _, s := range []string{"0", "946684799", "4102444800", "99999999999", "17726007671234", "9999999999999999999", "1.7726e9", "-1772600767", "1772600767e0"} {
		if st, ok := parseEpoch([]byte(s)); ok {
			t.Errorf("%s was taken for %+v", s, st)
		}
	}
	if d := (instant{-62167219200, 0}).apart(instant{253402300799, 0}); d < 250*365*24*time.Hour {
		t.Errorf("ten thousand years are %v", d)
	}
}

func TestTimeNames(t *testing.T) {
	for _, n := range []string{"created_at", "createdAt", "CreatedAt", "updated_on", "time", "Time", "startTime", "start-time", "date", "expires", "expires_in_date", "last_modified", "timestamp", "ts", "exp", "due_at"} {
		if !isTimeName([]byte(n)) {
			t.Errorf("%q is not taken for a name of a time", n)
		}
	}
	for _, n := range []string{"", "at", "on", "candidate", "update_count", "timeout", "runtime", "views", "station", "id", "datum", "times"} {
		if isTimeName([]byte(n)) {
			t.Errorf("%q is taken for a name of a time", n)
		}
	}
}

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
		tol, err := parseTolerance(bound)
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
		if got, want := tol.holds([]byte(a), []byte(b)), apart.Abs(apart).Cmp(limit) <= 0; got != want {
			rt.Fatalf("%s and %s within %s: %v, want %v", a, b, bound, got, want)
		}
	})
}

func TestToleranceOfNumbersTooFarApartEnds(t *testing.T) {
	tol, err := parseTolerance("1%")
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{"1e999999999", "1"}, {"1e99999999999999999999", "1"}, {"1e-999999999", "0.5"}, {"1e99999999999999999999", "1e-99999999999999999999"}} {
		if tol.holds([]byte(pair[0]), []byte(pair[1])) {
			t.Errorf("%s and %s are within 1%%", pair[0], pair[1])
		}
	}
}

func TestAlign(t *testing.T) {
	word := func(s string) []uint64 {
		h := make([]uint64, len(s))
		for i := range s {
			h[i] = uint64(s[i])
		}
		return h
	}
	text := func(l, n string, pairs []partners) (top, bottom string) {
		for _, p := range pairs {
			a, b := byte('.'), byte('.')
			if p.legacy >= 0 {
				a = l[p.legacy]
			}
			if p.new >= 0 {
				b = n[p.new]
			}
			top, bottom = top+string(a), bottom+string(b)
		}
		return top, bottom
	}
	tests := []struct{ reason, legacy, new, top, bottom string }{
		{"inserted in front", "bcdef", "abcdef", ".bcdef", "abcdef"},
		{"removed in the middle", "abcdef", "abdef", "abcdef", "ab.def"},
		{"two edits apart", "abcdefgh", "bcdxfgh", "abcdefgh", ".bcdxfgh"},
		{"moved one on", "abcdef", "bcdefg", "abcdef.", ".bcdefg"},
		{"two changed", "abcd", "axyd", "abcd", "axyd"},
		{"nothing in common", "abc", "xy", "abc", "xy."},
		{"both empty", "", "", "", ""},
		{"one empty", "", "ab", "..", "ab"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			if top, bottom := text(tt.legacy, tt.new, align(word(tt.legacy), word(tt.new))); top != tt.top || bottom != tt.bottom {
				t.Errorf("got\n%s\n%s\nwant\n%s\n%s", top, bottom, tt.top, tt.bottom)
			}
		})
	}
}

// distance is Levenshtein's, the plain way.
func distance(l, n []uint64) int {
	row := make([]int, len(n)+1)
	for j := range row {
		row[j] = j
	}
	for i := range l {
		last := row[0]
		row[0] = i + 1
		for j := range n {
			cost := last
			if l[i] != n[j] {
				cost++
			}
			last = row[j+1]
			row[j+1] = min(cost, last+1, row[j]+1)
		}
	}
	return row[len(n)]
}

func TestAlignIsMinimalAndSymmetric(t *testing.T) {
	letters := rapid.SliceOfN(rapid.Uint64Range(1, 6), 0, 40)
	rapid.Check(t, func(t *rapid.T) {
		l, n := letters.Draw(t, "legacy"), letters.Draw(t, "new")
		pairs := align(l, n)
		var gotL, gotN []int32
		cost := 0
		for _, p := range pairs {
			if p.legacy >= 0 {
				gotL = append(gotL, p.legacy)
			}
			if p.new >= 0 {
				gotN = append(gotN, p.new)
			}
			if p.legacy < 0 || p.new < 0 || l[p.legacy] != n[p.new] {
				cost++
			}
		}
		for i, k := range gotL {
			if int(k) != i {
				t.Fatalf("legacy's elements come as %v", gotL)
			}
		}
		for i, k := range gotN {
			if int(k) != i {
				t.Fatalf("new's elements come as %v", gotN)
			}
		}
		if len(gotL) != len(l) || len(gotN) != len(n) || cost != distance(l, n) {
			t.Fatalf("%d edits, want %d: %v", cost, distance(l, n), pairs)
		}
		back := align(n, l)
		for i := range back {
			back[i].legacy, back[i].new = back[i].new, back[i].legacy
		}
		sorted := func(p []partners) []partners {
			slices.SortFunc(p, func(a, b partners) int {
				if a.legacy != b.legacy {
					return int(a.legacy - b.legacy)
				}
				return int(a.new - b.new)
			})
			return p
		}
		if !slices.Equal(sorted(pairs), sorted(back)) {
			t.Fatalf("swapped, it is %v and not %v", back, pairs)
		}
	})
}

func TestAlignIsBounded(t *testing.T) {
	long := func(n int, f func(i int) uint64) []uint64 {
		h := make([]uint64, n)
		for i := range h {
			h[i] = f(i)
		}
		return h
	}
	l := long(100_000, func(i int) uint64 { return uint64(i) * 2 })
	if pairs := align(l, slices.Insert(slices.Clone(l), 0, 1)); pairs[0].legacy != -1 || len(pairs) != 100_001 {
		t.Errorf("one inserted in 100,000: %d pairs, the first %v", len(pairs), pairs[0])
	}
	shifted := long(20_000, func(i int) uint64 { return uint64(i) + 5000 })
	if pairs := align(long(20_000, func(i int) uint64 { return uint64(i) }), shifted); !isByIndex(pairs) {
		t.Error("20,000 elements shifted by 5,000 were not paired by index")
	}
}

func TestNamesOfDataBothWays(t *testing.T) {
	name := rapid.StringMatching(`[a-zA-Z_0-9.\- é$]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		n := name.Draw(t, "name")
		text := []byte(`"` + n + `":12345678`)
		if end, plain := scanPlainName(text, 0); end != len(n)+3 || plain && looksLikeData([]byte(n)) {
			t.Fatalf("%q ends at %d; plain: %v", n, end, plain)
		}
	})
}

// TestPairingStaysWithinItsBounds compares many arrays of which each would
// fill a table by itself: together they take no more than one walk may.
func TestPairingStaysWithinItsBounds(t *testing.T) {
	for _, element := range []string{`{"a%d":%s,"b":1},`, `{"id":%d,"v":%s},`, `1%d%s,`, `[1%d%s],`} {
		text := func(v string) []byte {
			var list strings.Builder
			for i := range 400 {
				fmt.Fprintf(&list, element, i, v)
			}
			return []byte("[" + strings.Repeat("["+list.String()+`"end"],`, 100) + `"end"]`)
		}
		a, b := text("1"), text("2")
		w := newWalk(a, b, nil)
		if failed := w.compare(); failed != 0 {
			t.Fatalf("%s: %d", element, failed)
		}
		if w.steps < 0 || w.counting() != 40_000 {
			t.Errorf("%s: %d steps left, %d differences", element, w.steps, w.counting())
		}
		w.free()
	}
}
