package shadow

import (
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

func TestMoved(t *testing.T) {
	diff := func(kind compare.Kind, at, legacy, new string) compare.Difference {
		return compare.Difference{Path: at, At: at, Kind: kind, Legacy: legacy, New: new}
	}
	for _, c := range []struct {
		reason string
		own    compare.Difference // legacy's second answer against its first
		place  compare.Difference // new's against legacy's
		want   bool
	}{
		{"the same value moved", diff(compare.KindValue, "$.n", "1", "2"), diff(compare.KindValue, "$.n", "1", "3"), true},
		{"another value moved", diff(compare.KindValue, "$.m", "1", "2"), diff(compare.KindValue, "$.n", "1", "3"), false},
		{"another element moved", diff(compare.KindValue, "$.a[1]", "1", "2"), diff(compare.KindValue, "$.a[10]", "1", "3"), false},
		{"a name that begins alike", diff(compare.KindLength, "$.item", "1", "2"), diff(compare.KindValue, "$.items[0]", "1", "3"), false},
		{"the array around it grew", diff(compare.KindLength, "$.a", "1", "2"), diff(compare.KindValue, "$.a[0].n", "1", "3"), true},
		{"a value in it moved, its length did not", diff(compare.KindValue, "$.a[0]", "1", "2"), diff(compare.KindLength, "$.a", "1", "3"), false},
		{"a value that is another each time does not excuse null", diff(compare.KindValue, "$.n", "1", "2"), diff(compare.KindType, "$.n", "1", "null"), false},
		{"nor a missing field", diff(compare.KindValue, "$.n", "1", "2"), diff(compare.KindMissing, "$.n", "1", ""), false},
		{"legacy leaves it out at times itself", diff(compare.KindMissing, "$.n", "1", ""), diff(compare.KindValue, "$.n", "1", "2"), true},
		{"legacy adds it at times, new lacks it", diff(compare.KindAdded, "$.n", "", "1"), diff(compare.KindMissing, "$.n", "1", ""), true},
		{"legacy's type changes", diff(compare.KindType, "$.n", "1", "null"), diff(compare.KindValue, "$.n", "1", "2"), true},
		{"another status is another answer", diff(compare.KindStatus, "status", "200", "500"), diff(compare.KindValue, "$.n", "1", "2"), true},
		{"another body", diff(compare.KindBody, "body", "a", "b"), diff(compare.KindValue, "$.n", "1", "2"), true},
		{"another body says nothing of a header", diff(compare.KindBody, "body", "a", "b"), diff(compare.KindHeader, "header:ETag", "a", "b"), false},
		{"a line of text in another body", diff(compare.KindBody, "body", "a", "b"), diff(compare.KindValue, "body:12", "a", "b"), true},
		{"a header's value moved", diff(compare.KindHeader, "header:ETag", "a", "b"), diff(compare.KindHeader, "header:ETag", "a", "c"), true},
		{"a header's value moved, new lacks it", diff(compare.KindHeader, "header:ETag", "a", "b"), diff(compare.KindMissing, "header:ETag", "a", ""), false},
		{"legacy lacks the header at times", diff(compare.KindMissing, "header:ETag", "a", ""), diff(compare.KindHeader, "header:ETag", "a", "c"), true},
	} {
		if got := movedAt(result(c.own), c.place) || movedAround(result(c.own), c.place); got != c.want {
			t.Errorf("%s: moved(%+v, %+v) = %v", c.reason, c.own, c.place, got)
		}
	}
}

// TestPlacesNotListed: of a place that differs everywhere only the first are
// listed, so the others are found by their generalised path.
func TestPlacesNotListed(t *testing.T) {
	listed := compare.Difference{Path: "$.a[*]", At: "$.a[1]", Kind: compare.KindValue, Legacy: "1", New: "2"}
	other := compare.Difference{Path: "$.a[*]", At: "$.a[99]", Kind: compare.KindValue, Legacy: "1", New: "3"}
	own := result(listed)
	if movedAt(own, other) || present(own, other, false) {
		t.Error("another element was taken for the place although all are listed")
	}
	own.Truncated = 7
	if !movedAt(own, other) || !present(own, other, false) {
		t.Error("an element that may not be listed was taken for steady")
	}
}

func result(d ...compare.Difference) compare.Result { return compare.Result{Differences: d} }

func TestNoiseIsWhatKeepsMoving(t *testing.T) {
	var n noise
	k := noiseKey{"accounts.show", "$.hits", "value"}
	for i, step := range []struct {
		moved, noisy bool
	}{
		{true, false}, {true, false}, {true, true}, {false, false}, {true, true},
		{false, false}, {false, false}, {false, false}, {false, false}, {false, false},
		{false, false}, {false, false}, {true, false}, // the first three are out of the last ten, the fifth is in
	} {
		if got, _ := n.note(k, step.moved, false); got != step.noisy {
			t.Errorf("re-check %d, moved %v: noise %v, want %v", i+1, step.moved, got, step.noisy)
		}
	}
	for i := range 2 * noisePlaces {
		n.note(noiseKey{path: strings.Repeat("x", i%100) + string(rune(i))}, true, false)
	}
	if len(n.seen) > noisePlaces {
		t.Errorf("%d places are remembered, more than %d", len(n.seen), noisePlaces)
	}
}

// TestSuspectThatRepeats: m is a re-check in which legacy moved, s a suspect
// one, - one in which neither was so.
func TestSuspectThatRepeats(t *testing.T) {
	for _, c := range []struct{ reason, steps, repeated string }{
		{"the second time", "ss", "01"},
		{"others do not come between", "s---s", "00001"},
		{"too long ago", "s---------s", "00000000000"},
		{"legacy moves there as often", "msms", "0000"},
		{"legacy moves there now and then", "sms", "001"},
		{"every time", "sssss", "01111"},
	} {
		var n noise
		got := ""
		for _, step := range c.steps {
			if _, repeated := n.note(noiseKey{path: "$.n"}, step == 'm', step == 's'); repeated {
				got += "1"
			} else {
				got += "0"
			}
		}
		if got != c.repeated {
			t.Errorf("%s: %s repeated %s, want %s", c.reason, c.steps, got, c.repeated)
		}
	}
}

func TestTallySpeaksAtPowersOfTen(t *testing.T) {
	var tl tally
	var spoke []int
	for range 1000 {
		if n, notable := tl.add("unsupported", "accounts.create"); notable {
			spoke = append(spoke, n)
		}
	}
	if len(spoke) != 4 || spoke[3] != 1000 {
		t.Errorf("spoke at %v, want 1, 10, 100, 1000", spoke)
	}
}
