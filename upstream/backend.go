package upstream

import (
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Backend is the set of instances of one server. Safe for concurrent use.
type Backend struct {
	name      string
	options   Options // as given, to tell whether they changed
	health    Options // with defaults
	instances []*Instance
	turn      atomic.Uint32 // where Pick begins to look
	ejecting  sync.Mutex    // serialises eject
	breaker   breaker
	retries   retryBudget
	counts    counts
}

// New makes a backend. Nothing is dialled and no goroutine is started. The
// URLs' scheme and host are used, nothing else of them.
func New(name string, urls []*url.URL, o Options) *Backend {
	b := &Backend{name: name, options: o, health: o.withDefaults()}
	for _, u := range urls {
		i := newInstance(u, b.health)
		i.standing.backend = b
		b.instances = append(b.instances, i)
	}
	b.breaker.set, b.breaker.opened = b.health.Breaker, &b.counts.opened
	return b
}

// Name is the name it was made with.
func (b *Backend) Name() string { return b.name }

// Instances are all instances, healthy or not.
func (b *Backend) Instances() []*Instance { return slices.Clone(b.instances) }

// Pick chooses an instance for one call: the one with the fewest calls under
// way, in turn among equals. An unhealthy one is chosen only when all are:
// then the check is as likely at fault as the servers. One that could not be
// reached rests, for 1 s, doubling up to 15 s until a connection is
// established, and is chosen only when no other is left; so is one that was
// ejected for its answers (Note, Options.Outlier). keep, when not nil,
// restricts the choice; nil is returned when that leaves none.
func (b *Backend) Pick(keep func(*Instance) bool) *Instance {
	return b.pick(keep, time.Now())
}

func (b *Backend) pick(keep func(*Instance) bool, now time.Time) *Instance {
	for {
		i := b.best(keep, now)
		if i == nil || i.claim(now) {
			return i
		}
	}
}

func (b *Backend) best(keep func(*Instance) bool, now time.Time) *Instance {
	var best *Instance
	var rank int
	var least int64
	n := len(b.instances)
	start := int(b.turn.Add(1) - 1)
	for k := range n {
		i := b.instances[uint(start+k)%uint(n)]
		if keep != nil && !keep(i) {
			continue
		}
		r, calls := i.rank(now), i.calls.Load()
		if best == nil || r < rank || r == rank && calls < least {
			best, rank, least = i, r, calls
		}
	}
	return best
}

// retire makes calls from now on leave no idle connection behind.
func (b *Backend) retire() {
	for _, i := range b.instances {
		i.retired.Store(true)
		i.closeIdle()
	}
}
