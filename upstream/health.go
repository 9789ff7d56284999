package upstream

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Run checks health, when there is a health path, until ctx ends; then it
// closes idle connections.
func (b *Backend) Run(ctx context.Context) error {
	defer func() {
		for _, i := range b.instances {
			i.closeIdle()
		}
	}()
	if b.health.HealthPath == "" {
		<-ctx.Done()
		return nil
	}
	var all sync.WaitGroup
	for _, i := range b.instances {
		all.Go(func() { i.watch(ctx, b.health.HealthPath, b.health.HealthEvery) })
	}
	all.Wait()
	return nil
}

// watch checks one instance, at once and then every so often.
func (i *Instance) watch(ctx context.Context, path string, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		healthy := i.check(ctx, path, every)
		if ctx.Err() != nil {
			return // the check was broken off by us and says nothing
		}
		i.unhealthy.Store(!healthy)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// check reports whether GET path is answered with 2xx or 3xx in time. It does
// not count as a call under way and does not wait for MaxConns: a busy
// instance is not an ill one.
func (i *Instance) check(ctx context.Context, path string, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	path, query, _ := strings.Cut(path, "?")
	header := http.Header{"User-Agent": {"quack (health check)"}}
	req, err := NewRequest(ctx, http.MethodGet, path, query, false, "", header, nil, 0)
	if err != nil {
		return false
	}
	res, err := i.send(req, true)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	// Read a little, so that the connection can be kept.
	_, _ = io.CopyN(io.Discard, res.Body, 4<<10)
	return res.StatusCode >= 200 && res.StatusCode < 400
}
