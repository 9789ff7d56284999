package shadow

import (
	"container/list"
	"sync"
	"time"
)

// A term is kept for maxTerm bytes of its value at most, and maxTerms of them.
const (
	maxTerm  = 4 << 10
	maxTerms = 10_000
)

// terms are what the sides call in their own way: for what one side has given
// a client, what the other has given it. They are kept in memory alone, by
// digests of what the client has; those that are not used for their time are
// forgotten, and the least used when there are too many.
type terms struct {
	max int

	mu    sync.Mutex
	by    map[ident]*list.Element // of order
	order list.List               // of *term, the latest used first

	learnt, substituted, evicted int64
}

// term is one value in the words of the side that it is for.
type term struct {
	id    ident
	value string
	keep  time.Duration // since it was used
	until time.Time
}

// put learns that what id stands for is called value.
func (s *terms) put(id ident, value string, keep time.Duration, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = make(map[ident]*list.Element)
	}
	s.drop(id)
	s.learnt++
	s.by[id] = s.order.PushFront(&term{id, value, keep, now.Add(keep)})
	for s.order.Len() > s.max {
		oldest := s.order.Back().Value.(*term)
		if oldest.until.After(now) {
			s.evicted++
		}
		s.drop(oldest.id)
	}
}

// get is what id is called, and counts as a use.
func (s *terms) get(id ident, now time.Time) (value string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.by[id]
	if e == nil {
		return "", false
	}
	t := e.Value.(*term)
	if !t.until.After(now) {
		s.drop(id)
		return "", false
	}
	t.until = now.Add(t.keep)
	s.order.MoveToFront(e)
	s.substituted++
	return t.value, true
}

// knows reports whether id is called something, without a use of it.
func (s *terms) knows(id ident, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.by[id]
	return e != nil && e.Value.(*term).until.After(now)
}

// forget forgets id.
func (s *terms) forget(id ident) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(id)
}

func (s *terms) drop(id ident) {
	if e := s.by[id]; e != nil {
		delete(s.by, id)
		s.order.Remove(e)
	}
}

// counts are how many terms are kept, and were learnt, put into shadow requests
// and evicted for others since the start.
func (s *terms) counts() (kept int, learnt, substituted, evicted int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order.Len(), s.learnt, s.substituted, s.evicted
}
