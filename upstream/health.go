package upstream

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Run checks health, when there is a health path, and closes connections that
// were idle for too long, until ctx ends; then it closes all idle ones.
func (b *Backend) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { b.sweepIdle(ctx) })
	if b.health.HealthPath != "" {
		for _, i := range b.instances {
			all.Go(func() { i.watch(ctx, b.health) })
		}
	}
	all.Wait()
	for _, i := range b.instances {
		i.closeIdle()
		i.helpers.wait()
	}
	return nil
}

// watch checks one instance, at once and then every so often. The first check
// decides alone, later ones only as many in a row as the options say.
func (i *Instance) watch(ctx context.Context, o Options) {
	tick := time.NewTicker(o.HealthEvery)
	defer tick.Stop()
	streak := streak{down: 1, up: 1}
	for {
		well := i.check(ctx, o.HealthPath, o.HealthTimeout)
		if ctx.Err() != nil {
			return // the check was broken off by us and says nothing
		}
		if streak.add(well) {
			i.unhealthy.Store(!well)
		}
		streak.down, streak.up = o.UnhealthyAfter, o.HealthyAfter
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// streak counts checks with the same outcome in a row.
type streak struct {
	down, up int // how many bad ones, and good ones, it takes
	well     bool
	n        int
}

// add notes an outcome and reports whether there are enough of its kind.
func (s *streak) add(well bool) bool {
	if well != s.well {
		s.well, s.n = well, 0
	}
	s.n++
	return well && s.n >= s.up || !well && s.n >= s.down
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
