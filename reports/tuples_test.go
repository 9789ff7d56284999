package reports

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// What is written is what encoding/json reads, and the reverse.
func TestTuplesAreJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.Custom(func(t *rapid.T) [3]int64 {
			n := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, 1, -1, math.MinInt64, math.MaxInt64}))
			return [3]int64{n.Draw(t, "a"), n.Draw(t, "b"), n.Draw(t, "c")}
		})).Draw(t, "list")
		b := encodeTuples(len(list), func(i int) []int64 { return list[i][:] })
		var plain [][3]int64
		if err := json.Unmarshal(b, &plain); err != nil || !slices.Equal(plain, list) {
			t.Fatalf("%s is read as %v, %v", b, plain, err)
		}
		spaced, err := json.MarshalIndent(list, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		var back [][3]int64
		if err := decodeTuples(spaced, 3, func(v []int64) { back = append(back, [3]int64(v)) }); err != nil || len(back) != len(list) || !slices.Equal(back, list) {
			t.Fatalf("%s is read as %v, %v", spaced, back, err)
		}
	})
}

func TestWhatIsNoTuples(t *testing.T) {
	for _, bad := range []string{`[1,2]`, `[[1]]`, `[[1,2,3]]`, `[[1,2,3,4,5,6]]`, `[[1.5,2]]`, `[["a",1]]`, `[[1,9223372036854775808]]`, `[[[1,2]]]`, `{"a":[1,2]}`, `[[1e3,2]]`, `[[-,1]]`} {
		if err := decodeTuples([]byte(bad), 2, func([]int64) {}); err == nil {
			t.Errorf("%s is read", bad)
		}
		if err := json.Unmarshal([]byte(bad), &histogram{}); err == nil {
			t.Errorf("%s is read as a histogram", bad)
		}
	}
	for _, empty := range []string{`[]`, `null`, ` [ ] `} {
		if err := json.Unmarshal([]byte(empty), &histogram{}); err != nil {
			t.Errorf("%s: %v", empty, err)
		}
	}
}
