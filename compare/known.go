package compare

// Pair is two ids that stand for each other: legacy gave the one where new gave
// the other, at a place under a rule with same.
type Pair struct {
	Name string // of the mapping, as in the rule
	// Legacy and New stand for the two ids, with what they are: an integer, a
	// string or a UUID. Two spellings of one number are one id.
	Legacy, New string
}

// Known are the pairs that earlier comparisons have learnt. An id that has a
// partner holds against that one alone; equal ids always match.
type Known interface {
	New(name, legacy string) (new string, known bool)
	Legacy(name, new string) (legacy string, known bool)
}

// ExchangesKnowing is Exchanges with the pairs of earlier comparisons, for sides
// that both keep what they write. Result.Pairs are those that are not known yet.
func ExchangesKnowing(legacy, new *Exchange, rules *Rules, known Known) Result {
	return exchanges(legacy, new, rules, known)
}

var linkClasses = [...]string{linkInteger: "integer ", linkString: "string ", linkUUID: "uuid "}

// key is the value as Known has it.
func (v linkValue) key() string { return linkClasses[v.class] + v.text }

// recall reports whether a pair that is new to this comparison agrees with
// earlier ones, and notes it when it is new to them as well.
func (l *links) recall(name int32, legacy, new linkValue) bool {
	if l.known == nil || legacy == new {
		return true
	}
	p := Pair{l.names[name], legacy.key(), new.key()}
	n, there := l.known.New(p.Name, p.Legacy)
	o, back := l.known.Legacy(p.Name, p.New)
	if !there && !back {
		l.learnt = append(l.learnt, p)
		return true
	}
	return there && back && n == p.New && o == p.Legacy
}
