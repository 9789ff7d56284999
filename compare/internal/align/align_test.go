package align

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestAlign(t *testing.T) {
	word := func(s string) []uint64 {
		h := make([]uint64, len(s))
		for i := range s {
			h[i] = uint64(s[i])
		}
		return h
	}
	text := func(l, n string, pairs []Pair) (top, bottom string) {
		for _, p := range pairs {
			a, b := byte('.'), byte('.')
			if p.Legacy >= 0 {
				a = l[p.Legacy]
			}
			if p.New >= 0 {
				b = n[p.New]
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
			if top, bottom := text(tt.legacy, tt.new, Edits(word(tt.legacy), word(tt.new))); top != tt.top || bottom != tt.bottom {
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
		pairs := Edits(l, n)
		var gotL, gotN []int32
		cost := 0
		for _, p := range pairs {
			if p.Legacy >= 0 {
				gotL = append(gotL, p.Legacy)
			}
			if p.New >= 0 {
				gotN = append(gotN, p.New)
			}
			if p.Legacy < 0 || p.New < 0 || l[p.Legacy] != n[p.New] {
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
		back := Edits(n, l)
		for i := range back {
			back[i].Legacy, back[i].New = back[i].New, back[i].Legacy
		}
		sorted := func(p []Pair) []Pair {
			slices.SortFunc(p, func(a, b Pair) int {
				if a.Legacy != b.Legacy {
					return int(a.Legacy - b.Legacy)
				}
				return int(a.New - b.New)
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
	if pairs := Edits(l, slices.Insert(slices.Clone(l), 0, 1)); pairs[0].Legacy != -1 || len(pairs) != 100_001 {
		t.Errorf("one inserted in 100,000: %d pairs, the first %v", len(pairs), pairs[0])
	}
	shifted := long(20_000, func(i int) uint64 { return uint64(i) + 5000 })
	if pairs := Edits(long(20_000, func(i int) uint64 { return uint64(i) }), shifted); !IsByIndex(pairs) {
		t.Error("20,000 elements shifted by 5,000 were not paired by index")
	}
}
