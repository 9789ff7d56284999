// Package lifecycle runs the parts of a process: all are started in order, and
// when the context ends, or one of them returns, they are stopped one after
// the other in reverse order. [Run] returns when every part has returned.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
)

// Part is something that runs until its context ends and then returns when
// all its goroutines are gone.
type Part struct {
	Name string
	Run  func(context.Context) error
}

// Run starts the parts and stops them in reverse order, each only after the
// one started after it has returned. The errors of all parts are joined, each
// with its part's name; a part that returns before it was told to stop ends
// the others, and is an error even when it returned nil.
func Run(ctx context.Context, parts ...Part) error {
	base := context.WithoutCancel(ctx)
	started := make([]*running, 0, len(parts))
	ended := make(chan struct{}, len(parts))
	for _, p := range parts {
		started = append(started, start(base, p, ended))
	}
	select {
	case <-ctx.Done():
	case <-ended:
	}
	var errs []error
	for i := len(started) - 1; i >= 0; i-- {
		errs = append(errs, started[i].stop())
	}
	return errors.Join(errs...)
}

type running struct {
	part   Part
	cancel context.CancelFunc
	done   chan struct{}
	err    error // of Run; readable when done is closed
}

func start(ctx context.Context, p Part, ended chan<- struct{}) *running {
	ctx, cancel := context.WithCancel(ctx)
	r := &running{part: p, cancel: cancel, done: make(chan struct{})}
	go r.run(ctx, ended)
	return r
}

func (r *running) run(ctx context.Context, ended chan<- struct{}) {
	r.err = r.part.Run(ctx)
	if ctx.Err() == nil && r.err == nil {
		r.err = errors.New("ended before it was told to")
	}
	close(r.done)
	ended <- struct{}{}
}

func (r *running) stop() error {
	r.cancel()
	<-r.done
	if r.err == nil || errors.Is(r.err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("%s: %w", r.part.Name, r.err)
}
