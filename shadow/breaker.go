package shadow

import (
	"sync"
	"time"
)

// The breaker's numbers: so many faults in a row pause the shadow calls to a
// backend, at first for breakerFirst, and twice as long each time the call
// made after a pause faults again, up to breakerMost.
const (
	breakerFaults = 5
	breakerFirst  = time.Second
	breakerMost   = 30 * time.Second
)

// ending is how a call ended, as far as a breaker is concerned.
type ending int

const (
	endedWell    ending = iota // answered
	endedFaulty                // no answer of the backend's own
	endedUnknown               // given up for a reason that is not the backend's
)

// breaker pauses shadow calls to a backend that does not answer. It closes by
// itself: after the pause one call is let through, and its end decides.
type breaker struct {
	mu      sync.Mutex
	faults  int           // in a row
	pause   time.Duration // of the last opening; 0 when closed
	until   time.Time     // end of the pause
	probing bool          // the one call after the pause is under way
}

// turn is the leave to make one call; leave has to be called at its end.
type turn struct {
	of    *breaker
	probe bool
}

// open reports whether calls are paused.
func (b *breaker) open(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now.Before(b.until) || b.probing
}

// enter gives leave to make a call; false while calls are paused.
func (b *breaker) enter(now time.Time) (turn, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Before(b.until) || b.probing {
		return turn{}, false
	}
	b.probing = b.pause > 0
	return turn{of: b, probe: b.probing}, true
}

// leave ends the call. It returns the length of the pause that begins with it,
// 0 when none does.
func (t turn) leave(e ending, now time.Time) time.Duration {
	b := t.of
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.probe {
		b.probing = false
	}
	switch {
	case e == endedWell:
		b.faults, b.pause, b.until = 0, 0, time.Time{}
	case e == endedFaulty && t.probe:
		return b.begin(now)
	case e == endedFaulty && b.pause == 0:
		if b.faults++; b.faults >= breakerFaults {
			return b.begin(now)
		}
	}
	return 0
}

func (b *breaker) begin(now time.Time) time.Duration {
	b.faults = 0
	b.pause = min(max(2*b.pause, breakerFirst), breakerMost)
	b.until = now.Add(b.pause)
	return b.pause
}

// breakers are the breakers of all backends. Those of safe and unsafe calls
// are apart: a write that waits for a lock says nothing about reads.
type breakers struct {
	mu  sync.Mutex
	all map[breakerKey]*breaker
}

type breakerKey struct {
	backend string
	safe    bool
}

func (s *breakers) of(backend string, safe bool) *breaker {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := breakerKey{backend, safe}
	b := s.all[k]
	if b == nil {
		if s.all == nil {
			s.all = make(map[breakerKey]*breaker)
		}
		b = new(breaker)
		s.all[k] = b
	}
	return b
}

// open counts the breakers that pause calls.
func (s *breakers) open(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, b := range s.all {
		if b.open(now) {
			n++
		}
	}
	return n
}
