package shadow

import (
	"math/bits"
	"sync"
)

// noise remembers what re-checks have found at the places of routes. It is of
// this process alone, and bounded.
type noise struct {
	mu   sync.Mutex
	seen map[noiseKey]track
}

// noiseKey is a place of a route, counted as differences are.
type noiseKey struct{ route, path, kind string }

// track is one bit for each re-check that concerned a place, the newest lowest.
type track struct {
	moved   uint16 // legacy differed from itself
	suspect uint16 // new differed from itself, and a write between the first two calls would look the same
}

// A place is noise when legacy has differed from itself there in noiseTimes of
// the last noiseWindow re-checks that concerned it. What is suspect counts as a
// mismatch when it is so in suspectTimes of them, and more often than legacy
// differed from itself. noisePlaces are remembered.
const (
	noiseTimes   = 3
	suspectTimes = 2
	noiseWindow  = 10
	noisePlaces  = 4096
)

// note adds a re-check of a place, and reports whether it is noise, and whether
// it has been suspect before.
func (s *noise) note(k noiseKey, moved, suspect bool) (noisy, repeated bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = make(map[noiseKey]track)
	}
	h, known := s.seen[k]
	if !known {
		makeRoom(s.seen, noisePlaces)
	}
	h.moved, h.suspect = shiftIn(h.moved, moved), shiftIn(h.suspect, suspect)
	s.seen[k] = h
	m, n := bits.OnesCount16(h.moved), bits.OnesCount16(h.suspect)
	return moved && m >= noiseTimes, suspect && n >= suspectTimes && n > m
}

func shiftIn(bitmap uint16, bit bool) uint16 {
	bitmap = bitmap << 1 & (1<<noiseWindow - 1)
	if bit {
		bitmap |= 1
	}
	return bitmap
}
