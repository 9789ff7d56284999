package upstream

import (
	"context"
	"net/url"
	"sync"
	"sync/atomic"
)

// Spec is one backend of a Set.
type Spec struct {
	Name    string
	URLs    []*url.URL
	Options Options
}

// Set is the backends of the table in force, by name. Safe for concurrent use.
type Set struct {
	inForce atomic.Pointer[generation] // read without a lock

	use     sync.Mutex    // serialises Use
	changed chan struct{} // holds one: Run has something to look at
}

// generation is what one Use put in force. It keeps the backends that the Use
// took away until the next one: a request that still goes by the table before
// finds its backend.
type generation struct {
	backends map[string]*Backend
	gone     map[string]*Backend
}

// NewSet makes an empty set.
func NewSet() *Set {
	s := &Set{changed: make(chan struct{}, 1)}
	s.inForce.Store(&generation{})
	return s
}

// Use puts specs in force. A backend whose URLs and options are the same as
// before stays, with its connections, counts and health. One that is no longer
// there, or was replaced, is retired: calls under way finish, idle connections
// are closed. Nothing is dialled.
func (s *Set) Use(specs []Spec) {
	s.use.Lock()
	defer s.use.Unlock()
	before := s.inForce.Load().backends
	next := &generation{backends: make(map[string]*Backend, len(specs)), gone: make(map[string]*Backend)}
	for _, spec := range specs {
		if b := before[spec.Name]; b != nil && b.made(spec) {
			next.backends[spec.Name] = b
			continue
		}
		next.backends[spec.Name] = New(spec.Name, spec.URLs, spec.Options)
	}
	for name, b := range before {
		if next.backends[name] != b {
			next.gone[name] = b
		}
	}
	s.inForce.Store(next)
	for _, b := range next.gone {
		b.retire()
	}
	select {
	case s.changed <- struct{}{}:
	default: // Run has not looked yet, and will see this change with the other
	}
}

// made reports whether b is what New would make of spec.
func (b *Backend) made(spec Spec) bool {
	if b.options != spec.Options || len(b.instances) != len(spec.URLs) {
		return false
	}
	for n, i := range b.instances {
		if i.URL.Scheme != spec.URLs[n].Scheme || i.URL.Host != spec.URLs[n].Host {
			return false
		}
	}
	return true
}

// Backend is the backend of that name; nil when there is none.
func (s *Set) Backend(name string) *Backend {
	g := s.inForce.Load()
	if b := g.backends[name]; b != nil {
		return b
	}
	return g.gone[name]
}

// Run checks the health of the backends in force until ctx ends. When it
// returns all its goroutines are gone and idle connections are closed.
func (s *Set) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	running := make(map[*Backend]context.CancelFunc)
	for {
		inForce := make(map[*Backend]bool)
		for _, b := range s.inForce.Load().backends {
			inForce[b] = true
			if running[b] == nil {
				one, stop := context.WithCancel(ctx)
				running[b] = stop
				all.Go(func() { _ = b.Run(one) }) // returns nil always
			}
		}
		for b, stop := range running {
			if !inForce[b] {
				stop()
				delete(running, b)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.changed:
		}
	}
}
