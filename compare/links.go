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
	if IsUUID([]byte(s)) {
		return linkValue{linkUUID, s}
	}
	return linkValue{linkString, s}
}

// links are the one-to-one mappings of one comparison, by name.
//
// Equal values always match, wherever they stand, so they are entered first:
// all of them that stand in a pair of others as well. The others are entered in the order of the answer, and the
// first pair of a value decides: with 7 ↔ 9 entered, 7 against 8 and 6 against
// 9 do not hold, and with 7 ↔ 7 entered 7 against 9 does not.
type links struct {
	maps  []oneToOne[linkValue]
	pairs map[uint64]struct{} // hashes of the values that stand in pairs of others

	names  []string // of the mappings
	known  Known    // nil: nothing is known of earlier comparisons
	learnt []Pair   // that hold and are not known; only with known
}

func newLinks(names []string, known Known) *links {
	return &links{maps: make([]oneToOne[linkValue], len(names)), names: names, known: known}
}

// ask notes a pair of values that are not equal, before any value is entered.
func (l *links) ask(name int32, legacy, new linkValue) {
	if l.pairs == nil {
		l.pairs = map[uint64]struct{}{}
	}
	l.pairs[legacy.hash(name)], l.pairs[new.hash(name)] = struct{}{}, struct{}{}
}

// asked reports whether there is any such pair.
func (l *links) asked() bool { return len(l.pairs) > 0 }

// enterEqual enters a value that is equal on both sides.
func (l *links) enterEqual(name int32, v linkValue) {
	if _, asked := l.pairs[v.hash(name)]; asked {
		l.hold(name, v, v)
	}
}

func (v linkValue) hash(name int32) uint64 {
	return bytewise.Mix(bytewise.Hash([]byte(v.text)), uint64(name))
}

// hold enters a pair of values and reports whether the mapping holds.
func (l *links) hold(name int32, legacy, new linkValue) bool {
	if legacy.class != new.class || legacy.class == unlinkable {
		return false
	}
	m := &l.maps[name]
	held, free := m.has(legacy, new)
	if free && l.recall(name, legacy, new) {
		m.enter(legacy, new)
		return true
	}
	return held
}
