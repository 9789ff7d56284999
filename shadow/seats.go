package shadow

import "sync"

// seats bounds the shadows before live that are under way at once, over all
// backends and for each.
type seats struct {
	max, share int

	mu    sync.Mutex
	all   int
	taker map[string]int // by backend
}

// seat is a taken seat, with the databases that were entered for it; the zero
// seat is none. It is left once.
type seat struct {
	of        *seats
	backend   string
	databases []func()
}

func (s *seats) take(backend string) (seat, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= s.max || s.taker[backend] >= s.share {
		return seat{}, false
	}
	if s.taker == nil {
		s.taker = make(map[string]int)
	}
	s.all++
	s.taker[backend]++
	return seat{of: s, backend: backend}, true
}

func (s *seats) taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

func (t seat) leave() {
	if t.of == nil {
		return
	}
	for _, leave := range t.databases {
		leave()
	}
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	t.of.all--
	if t.of.taker[t.backend]--; t.of.taker[t.backend] == 0 {
		delete(t.of.taker, t.backend)
	}
}

// life counts the goroutines that were not started by Run, so that Run can
// wait for them.
type life struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// begin counts a goroutine; false once closed.
func (l *life) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.wg.Add(1)
	return true
}

func (l *life) end() { l.wg.Done() }

func (l *life) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

func (l *life) wait() { l.wg.Wait() }
