package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/quackproxy/quack/upstream"
)

// backendLog says in the log when an instance goes out of use or comes back,
// and when a breaker opens or closes. It looks at what is known, so that calls
// pay nothing for it. It belongs to one goroutine.
type backendLog struct {
	log    *slog.Logger
	states func() []upstream.State

	before map[string]upstream.State // by name
}

// backendLogEvery is how often it looks.
const backendLogEvery = time.Second

func (b *backendLog) run(ctx context.Context) error {
	tick := time.NewTicker(backendLogEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			b.look()
		}
	}
}

// look compares the states with those of the last look. A backend that was not
// there then was well; one whose settings have changed counts from 0.
func (b *backendLog) look() {
	next := make(map[string]upstream.State)
	for _, is := range b.states() {
		next[is.Name] = is
		was := b.before[is.Name]
		b.lookAtBreaker(was, is)
		for _, i := range is.Instances {
			b.lookAtInstance(is.Name, instanceOf(was, i.URL), i)
		}
	}
	b.before = next
}

func (b *backendLog) lookAtBreaker(was, is upstream.State) {
	log := b.log.With("backend", is.Name)
	switch {
	case is.Open && !was.Open:
		log.Warn("backend can not be reached: the breaker is open")
	case !is.Open && was.Open:
		log.Info("backend can be reached again: the breaker is closed", "refused", is.Refused-was.Refused)
	case !is.Open && is.Opened > was.Opened:
		log.Warn("backend could not be reached for a moment: the breaker was open", "refused", is.Refused-was.Refused)
	}
}

func (b *backendLog) lookAtInstance(backend string, was, is upstream.InstanceState) {
	log := b.log.With("backend", backend, "url", is.URL)
	switch {
	case !is.Healthy && was.Healthy:
		log.Warn("instance is out of use: its health checks fail")
	case is.Healthy && !was.Healthy:
		log.Info("instance is in use again: its health checks succeed")
	}
	switch out, wasOut := !is.EjectedUntil.IsZero(), !was.EjectedUntil.IsZero(); {
	case out && !is.EjectedUntil.Equal(was.EjectedUntil):
		log.Warn("instance is ejected: calls to it fail", "until", is.EjectedUntil)
	case !out && wasOut:
		log.Info("instance may be asked again after its ejection")
	}
}

func instanceOf(s upstream.State, url string) upstream.InstanceState {
	for _, i := range s.Instances {
		if i.URL == url {
			return i
		}
	}
	return upstream.InstanceState{URL: url, Healthy: true}
}
