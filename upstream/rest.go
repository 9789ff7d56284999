package upstream

import "time"

// How long an instance rests that could not be reached.
const (
	shortestRest = time.Second
	longestRest  = 15 * time.Second
)

// rest is that an instance could not be reached and should be left alone for
// a while: an instance that refuses fails faster than any other answers, so
// that it always has the fewest calls under way. Immutable.
type rest struct {
	until  time.Time
	length time.Duration
	probe  bool // one pick was let through, to see whether it is over
}

// resting reports whether i is to be left alone at now.
func (r *rest) resting(now time.Time) bool { return r != nil && now.Before(r.until) }

// unreachable notes a dial that failed; before is the rest that there was when
// it began. Of the dials that failed at the same time one counts, and none
// that was made although the instance rested.
func (i *Instance) unreachable(before *rest, now time.Time) {
	next := &rest{length: shortestRest}
	if before != nil {
		if !before.probe && before.resting(now) {
			return
		}
		next.length = min(2*before.length, longestRest)
	}
	next.until = now.Add(next.length)
	i.rest.CompareAndSwap(before, next)
}

// reached notes an established connection.
func (i *Instance) reached() {
	if i.rest.Load() != nil {
		i.rest.Store(nil)
	}
	i.standing.backend.breaker.reached()
}

// rank orders instances for Pick: those that rest after all others, before
// them the ejected, and before them the unhealthy.
func (i *Instance) rank(now time.Time) int {
	rank := 0
	if i.rest.Load().resting(now) {
		rank += 4
	}
	if i.standing.out.Load().holds(now) {
		rank += 2
	}
	if !i.Healthy() {
		rank++
	}
	return rank
}

// claim reports whether the instance can be had. After a rest one caller gets
// it to try, and it rests for the others until that has an outcome: else all
// requests of a busy moment would wait for a server that does not answer.
func (i *Instance) claim(now time.Time) bool {
	if !i.standing.claim(now) {
		return false
	}
	r := i.rest.Load()
	if r == nil || r.resting(now) {
		return true
	}
	return i.rest.CompareAndSwap(r, &rest{until: now.Add(r.length), length: r.length, probe: true})
}
