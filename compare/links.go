package compare

import "github.com/quackproxy/quack/compare/internal/bytewise"

// linkValue is a value under a rule with same. Its zero value is none that can
// be mapped.
type linkValue struct {
	class linkClass
	text  string // the value: two spellings of one number have the same
}

// linkClass is what must agree between the two sides of a mapping.
type linkClass uint8

const (
	unlinkable linkClass = iota
	linkInteger
	linkString
	linkUUID
)

// linkText is the linkValue of a string.
func linkText(s string) linkValue {
	if s == "" {
		return linkValue{} // no id at all
	}
	if isUUID(s) {
		return linkValue{linkUUID, s}
	}
	return linkValue{linkString, s}
}

// isUUID reports whether s has the form of RFC 9562 section 4.
func isUUID[T string | []byte](s T) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return false
			}
		} else if bytewise.HexDigit(s[i]) < 0 {
			return false
		}
	}
	return true
}

// links are the one-to-one mappings of one comparison, by name.
//
// Equal values always match, wherever they stand, so they are entered first,
// all of them. The others are entered in the order of the answer, and the
// first pair of a value decides: with 7 ↔ 9 entered, 7 against 8 and 6 against
// 9 do not hold, and with 7 ↔ 7 entered 7 against 9 does not.
type links struct {
	there, back []map[linkValue]linkValue // legacy's value to new's, and back

	names  []string // of the mappings
	known  Known    // nil: nothing is known of earlier comparisons
	learnt []Pair   // that hold and are not known; only with known
}

func newLinks(names []string, known Known) *links {
	l := &links{there: make([]map[linkValue]linkValue, len(names)), back: make([]map[linkValue]linkValue, len(names)), names: names, known: known}
	for i := range names {
		l.there[i], l.back[i] = map[linkValue]linkValue{}, map[linkValue]linkValue{}
	}
	return l
}

// hold enters a pair of values and reports whether the mapping holds.
func (l *links) hold(name int32, legacy, new linkValue) bool {
	if legacy.class != new.class || legacy.class == unlinkable {
		return false
	}
	n, known := l.there[name][legacy]
	o, taken := l.back[name][new]
	if !known && !taken {
		if !l.recall(name, legacy, new) {
			return false
		}
		l.there[name][legacy], l.back[name][new] = new, legacy
		return true
	}
	return known && taken && n == new && o == legacy
}
