package watchdog

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// Spec is a database that is to be watched.
type Spec struct {
	Name, DSN string
	Settings  Settings
}

// Set is the watchdogs of the databases of the table in force. Safe for
// concurrent use.
type Set struct {
	log     *slog.Logger
	changed chan struct{} // holds one: Run has something to start or to stop

	mu   sync.Mutex
	dogs map[string]*kept
	gone []*kept // to be stopped
}

// kept is a watchdog of a set.
type kept struct {
	*Watchdog
	spec Spec
	stop context.CancelFunc // of Run's goroutine; nil while it does not run
}

// NewSet makes an empty set.
func NewSet(log *slog.Logger) *Set {
	return &Set{log: log, changed: make(chan struct{}, 1), dogs: map[string]*kept{}}
}

// Use makes the set watch these databases and no others. A watchdog whose DSN
// stays goes on, with its counts. On an error nothing has changed.
func (s *Set) Use(specs []Spec) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[string]*kept{}
	for _, spec := range specs {
		if k := s.dogs[spec.Name]; k != nil && k.spec.DSN == spec.DSN {
			next[spec.Name] = k
			continue
		}
		w, err := New(Config{Name: spec.Name, DSN: spec.DSN, Log: s.log}, spec.Settings)
		if err != nil {
			return err
		}
		next[spec.Name] = &kept{Watchdog: w}
	}
	for name, k := range s.dogs {
		if next[name] != k {
			s.gone = append(s.gone, k)
		}
	}
	for _, spec := range specs {
		next[spec.Name].spec = spec
		next[spec.Name].Watchdog.Use(spec.Settings)
	}
	s.dogs = next
	select {
	case s.changed <- struct{}{}:
	default: // Run has not looked yet
	}
	return nil
}

// Run runs the watchdogs until ctx ends, and returns when all have ended.
func (s *Set) Run(ctx context.Context) error {
	var runs sync.WaitGroup
	defer runs.Wait()
	for {
		s.follow(ctx, &runs)
		select {
		case <-ctx.Done():
			return nil
		case <-s.changed:
		}
	}
}

// follow starts the watchdogs that do not run yet, and stops those that are not
// wanted any more.
func (s *Set) follow(ctx context.Context, runs *sync.WaitGroup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.gone {
		if k.stop != nil {
			k.stop()
		}
	}
	s.gone = nil
	for _, k := range s.dogs {
		if k.stop == nil {
			var own context.Context
			own, k.stop = context.WithCancel(ctx)
			runs.Go(func() { k.Run(own) })
		}
	}
}

// Enter is Watchdog.Enter for a database by its name. Nothing is refused for one
// that the set does not have.
func (s *Set) Enter(database string) (leave func(), refusal Refusal) {
	s.mu.Lock()
	k := s.dogs[database]
	s.mu.Unlock()
	if k == nil {
		return func() {}, ""
	}
	return k.Enter()
}

// States are the states of all, sorted by name.
func (s *Set) States() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []State{}
	for _, k := range s.dogs {
		list = append(list, k.State())
	}
	slices.SortFunc(list, func(a, b State) int { return strings.Compare(a.Database, b.Database) })
	return list
}
