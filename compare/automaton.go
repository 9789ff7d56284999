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
	// below is the state that waits for a descendant segment: it is entered
	// together with this one, and stays at every depth below (loop).
	below int32
	loop  bool
	rules []int32 // rules whose path ends here
}

func (m *automaton) init() { m.states = []state{{}} }

// add enters a path, for a rule.
func (m *automaton) add(path []segment, rule int32) {
	at := int32(0)
	for _, s := range path {
		if s.descend {
			if m.states[at].below == 0 {
				m.states[at].below = m.grow(state{loop: true})
			}
			at = m.states[at].below
		}
		at = m.follow(at, s)
	}
	m.states[at].rules = append(m.states[at].rules, rule)
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
