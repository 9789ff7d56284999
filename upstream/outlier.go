package upstream

import (
	"sync/atomic"
	"time"
)

// Outcome is how a call to an instance ended, as its caller saw it.
type Outcome int

// The outcomes. A call that the client's side ended has none.
const (
	Answered  Outcome = iota // it answered; a status of the application's own is an answer, 500 too
	Faulty                   // 502, 503 or 504, an answer that broke off, that was none, or did not begin in time
	Unreached                // no connection could be established: NotSent
)

// OutcomeOf is the outcome of an answer that came to its end.
func OutcomeOf(status int) Outcome {
	if status >= 502 && status <= 504 {
		return Faulty
	}
	return Answered
}

// longestOut is by how much an ejection grows at most, as a multiple of the
// first.
const longestOut = 16

// standing is what the outcomes of calls say of one instance.
type standing struct {
	backend *Backend
	bad     atomic.Int32 // calls in a row that did not end in Answered
	out     atomic.Pointer[ejection]
}

// ejection is that an instance answers badly and gets no calls for a while: it
// may well be the one with the fewest under way, because it fails fast.
// Immutable.
type ejection struct {
	until  time.Time
	length time.Duration
	probe  bool // it is over but for one call, let through to see
	over   bool // ended well; kept for the length of the next one
}

// holds reports whether the instance is to be left alone at now.
func (e *ejection) holds(now time.Time) bool { return e != nil && !e.over && now.Before(e.until) }

// Note tells the instance how a call to it ended, once for each RoundTrip. It
// decides over ejection (Options.Outlier) and the breaker.
func (i *Instance) Note(o Outcome) {
	s := &i.standing
	if o == Unreached {
		s.backend.breaker.failed()
	} else {
		s.backend.breaker.reached()
	}
	if o == Answered {
		if s.bad.Load() != 0 {
			s.bad.Store(0)
		}
		s.back(time.Now)
		return
	}
	if set := s.backend.health.Outlier; !set.Off && int(s.bad.Add(1)) >= set.Failures {
		s.backend.eject(i, time.Now())
	} else if e := s.out.Load(); e != nil && e.probe {
		s.backend.eject(i, time.Now())
	}
}

// back ends an ejection after the call that was let through. The answers of
// calls that were under way when it began say nothing.
func (s *standing) back(now func() time.Time) {
	e := s.out.Load()
	if e == nil || e.over || !e.probe && e.holds(now()) {
		return
	}
	over := *e
	over.over, over.until = true, now()
	s.out.CompareAndSwap(e, &over)
}

// eject takes an instance out of use, where as many others stay as the options
// say, and always one.
func (b *Backend) eject(i *Instance, now time.Time) {
	b.ejecting.Lock()
	defer b.ejecting.Unlock()
	before := i.standing.out.Load()
	if before.holds(now) && !before.probe {
		return // a call that was under way when it was taken out
	}
	out := 0
	for _, other := range b.instances {
		if e := other.standing.out.Load(); other != i && e != nil && !e.over {
			out++
		}
	}
	most := max(1, int(b.health.Outlier.Max*float64(len(b.instances))))
	if out >= min(most, len(b.instances)-1) {
		return
	}
	next := &ejection{length: b.health.Outlier.For}
	if before != nil && now.Sub(before.until) < before.length {
		next.length = min(2*before.length, longestOut*b.health.Outlier.For)
	}
	next.until = now.Add(next.length)
	i.standing.out.Store(next)
	i.standing.bad.Store(0)
	b.counts.ejections.Add(1)
}

// claim reports whether the instance can be had: after an ejection one caller
// gets it to try, and it stays out for the others until that has an outcome.
func (s *standing) claim(now time.Time) bool {
	e := s.out.Load()
	if e == nil || e.over || e.holds(now) {
		return true
	}
	return s.out.CompareAndSwap(e, &ejection{until: now.Add(e.length), length: e.length, probe: true})
}
