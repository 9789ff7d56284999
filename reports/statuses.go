package reports

import (
	"cmp"
	"slices"
)

// StatusPair is how often legacy and new answered one request with these
// statuses; 0 and 0 stand for all pairs beyond the first 63 of a route.
type StatusPair struct {
	Legacy int   `json:"legacy"`
	New    int   `json:"new"`
	Count  int64 `json:"count"` // compared requests
}

// statusPairsMax bounds the pairs of a route. There are seldom more than ten; a
// backend that makes statuses up is not to fill the store.
const statusPairsMax = 64

// statuses count compared requests by the two statuses; sorted by them. The pair
// of two zeros is those that found no room.
type statuses []StatusPair

func (s *statuses) add(legacy, new int, n int64) {
	i, found := s.find(legacy, new)
	if !found && (legacy != 0 || new != 0) && s.named() >= statusPairsMax-1 {
		legacy, new = 0, 0
		i, found = s.find(0, 0)
	}
	if found {
		(*s)[i].Count += n
		return
	}
	*s = slices.Insert(*s, i, StatusPair{legacy, new, n})
}

func (s *statuses) find(legacy, new int) (int, bool) {
	return slices.BinarySearchFunc(*s, StatusPair{Legacy: legacy, New: new}, func(a, b StatusPair) int {
		return cmp.Or(cmp.Compare(a.Legacy, b.Legacy), cmp.Compare(a.New, b.New))
	})
}

// named are the pairs that are told apart.
func (s *statuses) named() int {
	if _, others := s.find(0, 0); others {
		return len(*s) - 1
	}
	return len(*s)
}

func (s *statuses) merge(other statuses) {
	for _, p := range other {
		s.add(p.Legacy, p.New, p.Count)
	}
}

// frequent are the pairs, the most frequent first.
func (s statuses) frequent() []StatusPair {
	list := []StatusPair(slices.Clone(s))
	slices.SortStableFunc(list, func(a, b StatusPair) int { return cmp.Compare(b.Count, a.Count) })
	return list
}

// MarshalJSON writes [[legacy, new, count], …].
func (s statuses) MarshalJSON() ([]byte, error) {
	var triple [3]int64
	return encodeTuples(len(s), func(i int) []int64 {
		triple = [3]int64{int64(s[i].Legacy), int64(s[i].New), s[i].Count}
		return triple[:]
	}), nil
}

func (s *statuses) UnmarshalJSON(b []byte) error {
	return decodeTuples(b, 3, func(t []int64) { s.add(int(t[0]), int(t[1]), t[2]) })
}

// Text is "200 → 404".
func (p StatusPair) Text() string { return StatusNumber(p.Legacy) + " → " + StatusNumber(p.New) }
