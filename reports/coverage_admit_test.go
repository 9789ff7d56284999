package reports

import (
	"fmt"
	"testing"
)

// What comes again and again is known to, however many others stand in its place,
// and also beside another that does.
func TestSightingsOfOnePlace(t *testing.T) {
	s := newSightings()
	place := func() (full [][]byte) { // four that stood there, and two that are to come
		at := func(n int) ([]byte, uint64) {
			value := fmt.Append(nil, "value", n)
			return value, s.place("show", facetQuery, value)
		}
		_, want := at(0)
		for n := 0; len(full) < 6; n++ {
			if value, got := at(n); got%uint64(len(s.sets)) == want%uint64(len(s.sets)) {
				full = append(full, value)
			}
		}
		return full
	}()
	for _, old := range place[:4] {
		for range 20 {
			s.of("show", facetQuery, old, true)
		}
	}
	for n := range 60 {
		one, other := s.of("show", facetQuery, place[4], true), s.of("show", facetQuery, place[5], true)
		if one >= admitAfter && other >= admitAfter {
			return
		}
		if n == 59 {
			t.Errorf("after 60 times they were seen %d and %d times, want %d", one, other, admitAfter)
		}
	}
}
