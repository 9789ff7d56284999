package shadow

import (
	"container/list"
	"strings"
	"sync"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/routes"
)

// learnt reports whether a mapping is one of values that a route learns. Those
// are secrets, of one client each, and terms remembers them.
func learnt(mapping string) bool { return strings.HasPrefix(mapping, routes.LearntMapping) }

// How many pairs of ids are remembered for each mapping, those seen last, and
// of how many mappings.
const (
	pairsMost    = 10_000
	mappingsMost = 64
	pairLength   = 1 << 10 // bytes of an id; a longer one is not remembered
)

// pairs remembers which ids of the two sides stand for each other, by the name
// that rules with same give the mapping. It is of this process alone, and
// bounded.
type pairs struct {
	mu       sync.Mutex
	mappings map[string]*mapping
}

// mapping is the pairs of one name.
type mapping struct {
	there, back map[string]*list.Element // of seen, by legacy's id and by new's
	seen        list.List                // of compare.Pair, the latest first
}

// New is new's id for one of legacy's.
func (s *pairs) New(name, legacy string) (string, bool) {
	p, ok := s.find(name, func(m *mapping) *list.Element { return m.there[legacy] })
	return p.New, ok
}

// Legacy is legacy's id for one of new's.
func (s *pairs) Legacy(name, new string) (string, bool) {
	p, ok := s.find(name, func(m *mapping) *list.Element { return m.back[new] })
	return p.Legacy, ok
}

func (s *pairs) find(name string, in func(*mapping) *list.Element) (compare.Pair, bool) {
	if learnt(name) {
		return compare.Pair{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.mappings[name]
	if m == nil {
		return compare.Pair{}, false
	}
	e := in(m)
	if e == nil {
		return compare.Pair{}, false
	}
	m.seen.MoveToFront(e)
	return e.Value.(compare.Pair), true
}

// learn remembers a pair, unless one of the two has another partner: two
// comparisons at once may both have taken it for new.
func (s *pairs) learn(p compare.Pair) {
	if len(p.Legacy) > pairLength || len(p.New) > pairLength {
		return // a client could fill the memory with them
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.mappings[p.Name]
	if m == nil {
		if s.mappings == nil {
			s.mappings = make(map[string]*mapping)
		}
		makeRoom(s.mappings, mappingsMost)
		m = &mapping{there: make(map[string]*list.Element), back: make(map[string]*list.Element)}
		s.mappings[p.Name] = m
	}
	if m.there[p.Legacy] != nil || m.back[p.New] != nil {
		return
	}
	// Not the answer's whole body with it.
	p.Legacy, p.New = strings.Clone(p.Legacy), strings.Clone(p.New)
	e := m.seen.PushFront(p)
	m.there[p.Legacy], m.back[p.New] = e, e
	if m.seen.Len() > pairsMost {
		oldest := m.seen.Remove(m.seen.Back()).(compare.Pair)
		delete(m.there, oldest.Legacy)
		delete(m.back, oldest.New)
	}
}

// knownTo are the pairs of ids that comparisons of a route may rely on: none
// where what the shadow side writes is rolled back, so that an id of one
// comparison says nothing about another.
func (d *Dispatcher) knownTo(r *routes.Route) compare.Known {
	if !r.KeepsWrites(routes.New) {
		return nil
	}
	return &d.pairs
}

// learnPairs remembers the pairs of a match. Those of answers that differ are
// not learnt: what new gave in error would be held against what is right.
func (d *Dispatcher) learnPairs(r *routes.Route, result compare.Result) {
	if r.KeepsWrites(routes.New) {
		for _, p := range result.Pairs {
			if !learnt(p.Name) {
				d.pairs.learn(p)
			}
		}
	}
}
