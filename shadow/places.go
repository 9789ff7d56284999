package shadow

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/quackproxy/quack/compare"
)

// movedAt reports whether own, a side's second answer compared with its first,
// differs at the place of x in the way that x does: at the same place, or by
// another answer, or by something else in the place of what x stands in. A
// weaker kind does not count: a number that is another each time does not
// excuse that the other side has null there.
func movedAt(own compare.Result, x compare.Difference) bool {
	return slices.ContainsFunc(own.Differences, func(o compare.Difference) bool {
		if contains(o.At, x.At) {
			return !ofList(o) && !(o.Kind == compare.KindAdded && isElement(o.At))
		}
		so, sx := strength(o.Kind), strength(x.Kind)
		if samePlace(own, o, x) && (so > sx || so == sx && (o.Kind == x.Kind || sx == presence)) {
			return true
		}
		// The index of what only one side has is that side's, and no place in the other.
		return sx == presence && o.Path == x.Path && o.Kind == x.Kind && o.Legacy == x.Legacy && o.New == x.New
	})
}

// movedAround reports whether own differs in the length or the order of a list
// that x stands in, so that x may have left it. Of an element that is known to
// be in the list still, it does not.
func movedAround(own compare.Result, x compare.Difference) bool {
	return slices.ContainsFunc(own.Differences, func(o compare.Difference) bool {
		return contains(o.At, x.At) && (o.Kind == compare.KindOrder || o.Kind == compare.KindLength && !stays(o, x))
	})
}

// ofList reports whether o says that a list has changed its length or order.
func ofList(o compare.Difference) bool {
	return o.Kind == compare.KindLength || o.Kind == compare.KindOrder
}

// isElement reports whether a place is an element of a list. The index of one
// that was added is that of the other answer, and says nothing of this one's.
func isElement(at string) bool { return strings.HasSuffix(at, "]") }

// stays reports whether the element of a list in which x stands is known to be
// there still, o being how the length of the list has changed.
func stays(o, x compare.Difference) bool {
	index, _, _ := strings.Cut(strings.TrimPrefix(x.At, o.At+"["), "]")
	n, err := strconv.Atoi(index)
	if err != nil {
		return false
	}
	gone, whole := onlyHere(o.Legacy)
	return whole && !slices.ContainsFunc(gone, func(e element) bool { return e.index == n })
}

// element is an element of a list that only one side has.
type element struct {
	index int
	value string // as written
}

var lengthStart = regexp.MustCompile(`^\d+ elements?(, only here: )?`)

// onlyHere reads what a difference in length says of one side: "3 elements,
// only here: [0] {…}, [2] {…}". It is whole when none was cut off.
func onlyHere(shown string) (list []element, whole bool) {
	start := lengthStart.FindString(shown)
	rest := shown[len(start):]
	for rest != "" {
		index, value, found := strings.Cut(strings.TrimPrefix(rest, "["), "] ")
		n, err := strconv.Atoi(index)
		if !found || err != nil {
			return list, false
		}
		d := json.NewDecoder(strings.NewReader(value))
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return list, false
		}
		list = append(list, element{n, string(raw)})
		rest = strings.TrimPrefix(value[d.InputOffset():], ", ")
	}
	return list, start != ""
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
	switch {
	case outer == inner:
		return false
	case outer == "status":
		return true
	case !inBody(outer) || !inBody(inner):
		return false
	case outer == "body":
		return true
	}
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && strings.IndexByte(".[/", rest[0]) >= 0
}

// inBody reports whether a place is in the body of an answer, whose parts have
// places within each other.
func inBody(at string) bool {
	space, _, _ := strings.Cut(at, ":")
	switch space {
	case "status", "header", "trailer", "cookie", "table", "writes":
		return false
	}
	return true
}

// shownWhole is below the length at which a difference's values are cut off.
// Such values may differ where they are not shown, and are not taken for the
// same.
const shownWhole = 1000

func shownWholly(x compare.Difference) bool {
	return len(x.Legacy) < shownWhole && len(x.New) < shownWhole
}

// recurring finds which of the first differences were found the second time
// too, with the same values on both sides: at the same place, or elsewhere in a
// list, where something has come in or left before it.
func recurring(first, second []compare.Difference) (same, alike []bool) {
	same, alike = make([]bool, len(first)), make([]bool, len(first))
	exact := make(map[finding]bool, len(second))
	free := make(map[finding]int, len(second)) // at the generalised place alone
	for _, s := range second {
		exact[findingOf(s)] = true
		free[findingOf(s).anywhere()]++
	}
	for i, x := range first {
		if shownWholly(x) && exact[findingOf(x)] {
			same[i] = true
			free[findingOf(x).anywhere()]--
		}
	}
	for i, x := range first {
		switch k := findingOf(x).anywhere(); {
		case same[i] || !shownWholly(x):
		case free[k] > 0:
			alike[i] = true
			free[k]--
		case x.Kind == compare.KindLength:
			alike[i] = lacksStill(x, second)
		}
	}
	return same, alike
}

// finding is what makes a difference the same when it is found again.
type finding struct {
	path, at, legacy, new string
	kind                  compare.Kind
}

func findingOf(x compare.Difference) finding {
	return finding{x.Path, x.At, x.Legacy, x.New, x.Kind}
}

// anywhere is the finding without its index in a list.
func (f finding) anywhere() finding {
	f.at = ""
	return f
}

// lacksStill reports whether an element that one of the sides lacked the first
// time is lacking there the second time, in a list that has changed otherwise.
func lacksStill(x compare.Difference, second []compare.Difference) bool {
	legacy, _ := onlyHere(x.Legacy)
	new, _ := onlyHere(x.New)
	return slices.ContainsFunc(second, func(s compare.Difference) bool {
		if s.Path != x.Path || s.Kind != x.Kind {
			return false
		}
		legacy2, _ := onlyHere(s.Legacy)
		new2, _ := onlyHere(s.New)
		return overlap(legacy, legacy2) || overlap(new, new2)
	})
}

func overlap(a, b []element) bool {
	return slices.ContainsFunc(a, func(x element) bool {
		return slices.ContainsFunc(b, func(y element) bool { return x.value == y.value })
	})
}

// present reports whether the place of x differs in the same way in second,
// whatever the values. shifted says that places in lists may be others now.
func present(second compare.Result, x compare.Difference, shifted bool) bool {
	return slices.ContainsFunc(second.Differences, func(s compare.Difference) bool {
		return s.Kind == x.Kind && (samePlace(second, s, x) || shifted && s.Path == x.Path)
	})
}

// shifted reports whether a list that x stands in has changed its length or
// its order, or has other elements.
func shifted(own compare.Result, x compare.Difference) bool {
	return slices.ContainsFunc(own.Differences, func(o compare.Difference) bool {
		if strength(o.Kind) == presence && isElement(o.At) {
			return contains(o.At[:strings.LastIndexByte(o.At, '[')], x.At)
		}
		return ofList(o) && contains(o.At, x.At)
	})
}
