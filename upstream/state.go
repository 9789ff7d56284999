package upstream

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// State is what is known of a backend at a moment.
type State struct {
	Name      string
	Open      bool // the breaker refuses calls
	OpenUntil time.Time
	Instances []InstanceState

	// Since the backend was made.
	Retries        int64 // requests sent to another instance although one may have got them
	RetriesRefused int64 // not sent again because the budget was used up
	Ejections      int64
	Opened         int64 // how often the breaker opened
	Refused        int64 // requests that it did not let through
}

// InstanceState is what is known of one instance.
type InstanceState struct {
	URL          string
	Healthy      bool      // by its checks
	RestingUntil time.Time // it could not be reached; zero when it can
	EjectedUntil time.Time // it answered badly; zero when it is in use
	Failures     int       // calls in a row that did not end well
	Calls        int64     // under way
}

type counts struct {
	retries, retriesRefused, ejections, opened, refused atomic.Int64
}

// State is a copy.
func (b *Backend) State() State { return b.state(time.Now()) }

func (b *Backend) state(now time.Time) State {
	s := State{
		Name:    b.name,
		Retries: b.counts.retries.Load(), RetriesRefused: b.counts.retriesRefused.Load(),
		Ejections: b.counts.ejections.Load(), Opened: b.counts.opened.Load(), Refused: b.counts.refused.Load(),
	}
	if o := b.breaker.open.Load(); o != nil {
		s.Open, s.OpenUntil = true, o.until
	}
	for _, i := range b.instances {
		one := InstanceState{URL: i.URL.String(), Healthy: i.Healthy(), Calls: i.calls.Load(), Failures: int(i.standing.bad.Load())}
		if r := i.rest.Load(); r.resting(now) {
			one.RestingUntil = r.until
		}
		if e := i.standing.out.Load(); e.holds(now) {
			one.EjectedUntil = e.until
		}
		s.Instances = append(s.Instances, one)
	}
	return s
}

// States are the states of the backends in force, by name.
func (s *Set) States() []State {
	backends := s.inForce.Load().backends
	var list []State
	for _, name := range slices.Sorted(maps.Keys(backends)) {
		list = append(list, backends[name].State())
	}
	return list
}
