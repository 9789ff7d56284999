package upstream

import (
	"net/url"
	"slices"
	"sync/atomic"
)

// Backend is the set of instances of one server. Safe for concurrent use.
type Backend struct {
	name      string
	options   Options // as given, to tell whether they changed
	health    Options // with defaults
	instances []*Instance
	turn      atomic.Uint32 // where Pick begins to look
}

// New makes a backend. Nothing is dialled and no goroutine is started. The
// URLs' scheme and host are used, nothing else of them.
func New(name string, urls []*url.URL, o Options) *Backend {
	b := &Backend{name: name, options: o, health: o.withDefaults()}
	for _, u := range urls {
		b.instances = append(b.instances, newInstance(u, b.health))
	}
	return b
}

// Name is the name it was made with.
func (b *Backend) Name() string { return b.name }

// Instances are all instances, healthy or not.
func (b *Backend) Instances() []*Instance { return slices.Clone(b.instances) }

// Pick chooses among the healthy instances (all, when none is healthy) the one
// with the fewest calls under way, in turn among equals. keep, when not nil,
// restricts the choice; nil is returned when that leaves none.
func (b *Backend) Pick(keep func(*Instance) bool) *Instance {
	if i := b.fewest(keep, true); i != nil {
		return i
	}
	// When all checks fail the check is as likely at fault as the servers.
	return b.fewest(keep, false)
}

func (b *Backend) fewest(keep func(*Instance) bool, healthy bool) *Instance {
	var best *Instance
	var least int64
	n := len(b.instances)
	start := int(b.turn.Add(1) - 1)
	for k := range n {
		i := b.instances[uint(start+k)%uint(n)]
		if healthy && !i.Healthy() || keep != nil && !keep(i) {
			continue
		}
		if calls := i.calls.Load(); best == nil || calls < least {
			best, least = i, calls
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
