package readonly

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
)

// A period is the time from one change of the gate to the next: one state, and
// the count of the requests that were let in under it. It is made anew for
// each change and never used again, so that a pointer to it names one state.
//
// Why a drained period proves that no write of it is under way. Go's atomic
// operations are sequentially consistent: all of them stand in one order.
//
//  1. Enter adds to a count of the period p that it has loaded, and then loads
//     the current period again. Only if that is still p is the request let in.
//     So the addition of every request let in under p comes before the load,
//     and the load before the store that ended p (no later store brings p
//     back).
//  2. Each request subtracts from the very count that it added to, after it.
//     A count is therefore never negative, and after the end of p it is the
//     number of requests let in under p that have not left, plus additions of
//     requests that had loaded p too late and are about to take them back.
//     Both parts are zero or more.
//  3. So a count that is seen at 0 once after the end of p shows that all that
//     were let in through it have left; and by 1 none is let in after it. The
//     counts may be looked at one after the other.
//
// It ends: who loads the current period after the end of p does not get p, so
// the additions that come after it are at most one for each request that was
// between two instructions at that moment. Requests that are blocked by a
// closed gate count in its period, not in p, and can not keep p from draining
// however many they are.
type period struct {
	state  State
	counts []count // a power of two
}

// A count stands alone on its cache lines (two, because processors fetch
// neighbours in pairs), so that cores do not take it from each other.
type count struct {
	n atomic.Int64
	_ [128 - 8]byte
}

func newPeriod(s State) *period {
	n := 1
	for n < runtime.GOMAXPROCS(0) && n < 64 {
		n *= 2
	}
	return &period{state: s, counts: make([]count, n)}
}

// count is one of p's counts, chosen at random.
func (p *period) count() *count {
	n := len(p.counts)
	if n == 1 {
		return &p.counts[0]
	}
	return &p.counts[rand.Uint32()&uint32(n-1)]
}

func (p *period) underWay() int64 {
	var n int64
	for i := range p.counts {
		n += p.counts[i].n.Load()
	}
	return n
}

// drained reports whether every count was seen at 0. To be asked of an ended
// period.
func (p *period) drained() bool {
	for i := range p.counts {
		if p.counts[i].n.Load() != 0 {
			return false
		}
	}
	return true
}
