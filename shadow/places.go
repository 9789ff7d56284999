package shadow

import (
	"slices"
	"strings"

	"github.com/quackproxy/quack/compare"
)

// differsAt reports whether own, a side's second answer compared with its
// first, differs at the place of x in the way that x does: at the same place
// or one that contains it, and not by a weaker kind. A number that is another
// each time does not excuse that the other side has null there.
func differsAt(own compare.Result, x compare.Difference) bool {
	return slices.ContainsFunc(own.Differences, func(o compare.Difference) bool {
		if contains(o.At, x.At) {
			return true
		}
		so, sx := strength(o.Kind), strength(x.Kind)
		return samePlace(own, o, x) && (so > sx || so == sx && (o.Kind == x.Kind || sx == presence))
	})
}

// samePlace reports whether o, of r, is at the place of x. When r does not
// list all it found, the generalised place has to do.
func samePlace(r compare.Result, o, x compare.Difference) bool {
	return o.At == x.At || r.Truncated > 0 && o.Path == x.Path
}

// presence is the strength of a difference by which one side lacks the place.
const presence = 3

// strength orders kinds of difference at one place: what is stronger takes the
// weaker with it.
func strength(k compare.Kind) int {
	switch k {
	case compare.KindMissing, compare.KindAdded:
		return presence
	case compare.KindType:
		return 2
	case compare.KindLength, compare.KindFormat:
		return 1
	}
	return 0
}

// contains reports whether the place outer is around the place inner. Another
// status makes another answer altogether.
func contains(outer, inner string) bool {
	if outer == inner {
		return false
	}
	switch outer {
	case "status":
		return true
	case "body":
		return strings.HasPrefix(inner, "$") || strings.HasPrefix(inner, "body:")
	}
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && strings.HasPrefix(outer, "$") && (rest[0] == '.' || rest[0] == '[')
}

// again reports whether x was found the second time too, with the same values
// on both sides. Values that are shown cut off may differ where they are not
// shown, and are not taken for the same.
func again(second compare.Result, x compare.Difference) bool {
	if len(x.Legacy) >= shownWhole || len(x.New) >= shownWhole {
		return false
	}
	return slices.ContainsFunc(second.Differences, func(s compare.Difference) bool {
		return s.At == x.At && s.Kind == x.Kind && s.Legacy == x.Legacy && s.New == x.New
	})
}

// shownWhole is below the length at which a difference's values are cut off.
const shownWhole = 1000

// present reports whether the place of x differs in the same way in second,
// whatever the values.
func present(second compare.Result, x compare.Difference) bool {
	return slices.ContainsFunc(second.Differences, func(s compare.Difference) bool {
		return samePlace(second, s, x) && s.Kind == x.Kind
	})
}
