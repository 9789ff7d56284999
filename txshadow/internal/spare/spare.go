// Package spare keeps one session ready, so that a shadow does not wait for a
// connection. Each session is for one shadow: what is taken does not come back.
package spare

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// ConnectTimeout is how long it may take to make a session.
	ConnectTimeout = 5 * time.Second
	// maxAge is how old a spare may get: settings of roles and databases
	// change, and firewalls forget idle connections.
	maxAge = time.Minute
)

// Spare is a session that waits for its shadow, or will be. All fields must be
// set. Safe for concurrent use.
type Spare[S any] struct {
	Open  func(context.Context) (*S, error)
	Close func(*S)
	Sound func(*S) bool          // false: not to be given to anybody
	Go    func(work func()) bool // runs work in the background; false when it does not any more
	Log   *slog.Logger

	mu      sync.Mutex
	ready   *S
	made    time.Time
	filling bool
}

// Take gives a session that nobody has used: the spare, or a new one. fresh
// says that it is not the spare.
func (p *Spare[S]) Take(ctx context.Context) (s *S, fresh bool, err error) {
	p.mu.Lock()
	s, made := p.ready, p.made
	p.ready = nil
	p.mu.Unlock()
	if s != nil && p.Sound(s) && time.Since(made) <= maxAge {
		return s, false, nil
	}
	if s != nil {
		p.Close(s)
	}
	s, err = p.Open(ctx)
	return s, true, err
}

// Refill makes a spare in the background, when there is none and none is being
// made.
func (p *Spare[S]) Refill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ready == nil && !p.filling {
		p.filling = p.Go(p.fill)
	}
}

func (p *Spare[S]) fill() {
	ctx, cancel := context.WithTimeout(context.Background(), ConnectTimeout)
	defer cancel()
	made := time.Now()
	s, err := p.Open(ctx)
	if err != nil {
		p.Log.Warn("make a spare session for shadow writes", "err", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready, p.made, p.filling = s, made, false
}

// Ready reports whether there is one.
func (p *Spare[S]) Ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready != nil
}

// Drop closes the spare, when nobody refills it any more.
func (p *Spare[S]) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ready != nil {
		p.Close(p.ready)
		p.ready = nil
	}
}
