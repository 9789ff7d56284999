package compare

// automaton is the JSON paths of all rules as one nondeterministic automaton,
// walked along with a document: a set of its states stands for "these rules
// have come so far on the way here". Rules that begin alike share states.
type automaton struct {
	states []state
}

// state is one place in one or more paths.
type state struct {
	names   map[string]int32
	indexes map[int32]int32
	wild    int32 // 0: none; the initial state 0 is nobody's successor
	each    int32 // as wild, for one in brackets
	// below is the state that waits for a descendant segment: it is entered
	// together with this one, and stays at every depth below (loop).
	below int32
	loop  bool
	rules []int32 // rules whose path ends here
	// aliases are the members here that have two names.
	aliases []alias
}

// alias is a member that the two sides call by other names.
type alias struct {
	legacy, new string
	rule        int32
}

func (m *automaton) init() { m.states = []state{{}} }

// add enters a path, for a rule.
func (m *automaton) add(path []segment, rule int32) {
	at := int32(0)
	for _, s := range path {
		at = m.follow(m.descend(at, s), s)
	}
	m.states[at].rules = append(m.states[at].rules, rule)
}

// rename enters an alias for the member that a path ends in. The name in the
// path is that of the side that has not the other name.
func (m *automaton) rename(path []segment, a alias, other side) {
	if other == legacySide {
		a.legacy, a.new = a.new, a.legacy
	}
	at := int32(0)
	for i, s := range path {
		at = m.descend(at, s)
		if i < len(path)-1 {
			at = m.follow(at, s)
		}
	}
	m.states[at].aliases = append(m.states[at].aliases, a)
}

// descend is the state from which a segment is followed: at, or the one that
// waits below it, made when there is none.
func (m *automaton) descend(at int32, s segment) int32 {
	if !s.descend {
		return at
	}
	if m.states[at].below == 0 {
		below := m.grow(state{loop: true})
		m.states[at].below = below
	}
	return m.states[at].below
}

func (m *automaton) grow(s state) int32 {
	m.states = append(m.states, s)
	return int32(len(m.states) - 1)
}

// follow is the successor by a segment, made when there is none.
func (m *automaton) follow(at int32, s segment) int32 {
	from := &m.states[at]
	var to int32
	switch {
	case s.each:
		to = from.each
	case s.wild:
		to = from.wild
	case s.index >= 0:
		to = from.indexes[s.index]
	default:
		to = from.names[s.name]
	}
	if to != 0 {
		return to
	}
	to = m.grow(state{})
	from = &m.states[at]
	switch {
	case s.each:
		from.each = to
	case s.wild:
		from.wild = to
	case s.index >= 0:
		if from.indexes == nil {
			from.indexes = map[int32]int32{}
		}
		from.indexes[s.index] = to
	default:
		if from.names == nil {
			from.names = map[string]int32{}
		}
		from.names[s.name] = to
	}
	return to
}

// tracker walks an automaton. Its sets of states lie in one stack.
type tracker struct {
	auto  *automaton
	stack []int32
	seen  []uint32 // by state: the round in which it was entered last
	round uint32
}

// set is a range of tracker.stack.
type set struct{ from, to int32 }

func (s set) empty() bool { return s.from == s.to }

// start pushes the set for the root.
func (t *tracker) start(m *automaton) set {
	t.auto, t.stack, t.seen = m, t.stack[:0], make([]uint32, len(m.states))
	t.round = 1
	if len(m.states) > 0 {
		t.enter(0)
	}
	return set{0, int32(len(t.stack))}
}

// enter adds a state, and the one that waits below it, to the set on top.
func (t *tracker) enter(s int32) {
	if t.seen[s] == t.round {
		return
	}
	t.seen[s] = t.round
	t.stack = append(t.stack, s)
	if below := t.auto.states[s].below; below != 0 {
		t.enter(below)
	}
}

// none pushes an empty set.
func (t *tracker) none() set {
	top := int32(len(t.stack))
	return set{top, top}
}

// member pushes the set for the member of an object; key is unescaped.
func (t *tracker) member(of set, key []byte) set {
	if of.empty() {
		return t.none()
	}
	return t.step(of, func(s *state) int32 { return s.names[string(key)] })
}

// element pushes the set for the element of an array.
func (t *tracker) element(of set, index int32) set {
	if of.empty() {
		return t.none()
	}
	return t.step(of, func(s *state) int32 { return s.indexes[index] })
}

// sibling pushes the set for an element of a tree: where its name leads, and,
// behind that, where its index among the elements of the name does.
func (t *tracker) sibling(of set, name string, index int32) set {
	at := t.member(of, []byte(name))
	for k := at.from; k < at.to; k++ {
		s := &t.auto.states[t.stack[k]]
		if s.each != 0 {
			t.enter(s.each)
		}
		if to := s.indexes[index]; to != 0 {
			t.enter(to)
		}
	}
	at.to = int32(len(t.stack))
	return at
}

func (t *tracker) step(of set, next func(*state) int32) set {
	from := int32(len(t.stack))
	t.round++
	for k := of.from; k < of.to; k++ {
		id := t.stack[k]
		s := &t.auto.states[id]
		if s.loop {
			t.enter(id)
		}
		if s.wild != 0 {
			t.enter(s.wild)
		}
		if s.each != 0 {
			t.enter(s.each)
		}
		if to := next(s); to != 0 {
			t.enter(to)
		}
	}
	return set{from, int32(len(t.stack))}
}

// pop removes the set on top, and all above it.
func (t *tracker) pop(s set) { t.stack = t.stack[:s.from] }

// rules calls visit with each rule whose path ends in the set.
func (t *tracker) rules(s set, visit func(rule int32)) {
	for _, id := range t.stack[s.from:s.to] {
		for _, r := range t.auto.states[id].rules {
			visit(r)
		}
	}
}

// aliases lists the members with two names of the containers in a set.
func (t *tracker) aliases(s set) []alias {
	var list []alias
	for _, id := range t.stack[s.from:s.to] {
		list = append(list, t.auto.states[id].aliases...)
	}
	return list
}
