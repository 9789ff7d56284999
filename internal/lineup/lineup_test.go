package lineup

import (
	"testing"

	"pgregory.net/rapid"
)

// Each element has one place, in its order; elements that Align says are equal are,
// and there are as many of them as can be.
func TestEachElementHasOnePlace(t *testing.T) {
	letters := rapid.SliceOfN(rapid.ByteRange('a', 'd'), 0, 12)
	rests := map[string]func(Span) []Pair{"in order": InOrder, "apart": Apart}
	rapid.Check(t, func(t *rapid.T) {
		legacy, new := letters.Draw(t, "legacy"), letters.Draw(t, "new")
		equal := func(i, j int) bool { return legacy[i] == new[j] }
		most := rapid.SampledFrom([]int{0, 1 << 20}).Draw(t, "most")
		rest := rests[rapid.SampledFrom([]string{"in order", "apart"}).Draw(t, "rest")]
		i, j, together := 0, 0, 0
		for _, p := range Align(Span{0, len(legacy), 0, len(new)}, most, equal, rest) {
			if p.Legacy < 0 && p.New < 0 || p.Legacy >= 0 && p.Legacy != i || p.New >= 0 && p.New != j {
				t.Fatalf("%+v stands where %d and %d are next", p, i, j)
			}
			if p.Legacy >= 0 {
				i++
			}
			if p.New >= 0 {
				j++
			}
			if p.Legacy >= 0 && p.New >= 0 && equal(p.Legacy, p.New) {
				together++
			}
		}
		if i != len(legacy) || j != len(new) {
			t.Fatalf("%d of %d and %d of %d have a place", i, len(legacy), j, len(new))
		}
		if want := lengthOfCommon(legacy, new); most > 0 && together < want {
			t.Fatalf("%d stand beside an equal one, %d can", together, want)
		}
	})
}

// lengthOfCommon tries everything.
func lengthOfCommon(a, b []byte) int {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	if a[0] == b[0] {
		return 1 + lengthOfCommon(a[1:], b[1:])
	}
	return max(lengthOfCommon(a[1:], b), lengthOfCommon(a, b[1:]))
}
