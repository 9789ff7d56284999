package shadow

import (
	"math/bits"
	"sync"
)

// noise remembers where legacy differs from itself.
type noise struct {
	mu   sync.Mutex
	seen map[noiseKey]uint16 // one bit a re-check, the newest lowest: legacy differed from itself
}

// noiseKey is a place of a route, counted as differences are.
type noiseKey struct{ route, path, kind string }

// A place is noise when legacy has differed from itself there in noiseTimes of
// the last noiseWindow re-checks that concerned it. noisePlaces are remembered.
const (
	noiseTimes  = 3
	noiseWindow = 10
	noisePlaces = 4096
)

// note adds a re-check of a place, and reports whether it is noise.
func (s *noise) note(k noiseKey, legacyDiffers bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = make(map[noiseKey]uint16)
	}
	history, known := s.seen[k]
	if !known {
		makeRoom(s.seen, noisePlaces)
	}
	history = history << 1 & (1<<noiseWindow - 1)
	if legacyDiffers {
		history |= 1
	}
	s.seen[k] = history
	return legacyDiffers && bits.OnesCount16(history) >= noiseTimes
}
