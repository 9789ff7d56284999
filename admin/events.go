package admin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/routes"
)

const (
	maxStreams = 64
	lookEvery  = 500 * time.Millisecond
	beatEvery  = 15 * time.Second // so that proxies in between keep the stream open
)

// getEvents streams what has changed (server-sent events): an event "change"
// with {"what":[…]}, of "table", "gate", "leaks", "differences" and "counts".
// It says that something changed, not what it is now: that is to be asked for.
func (s *server) getEvents(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		s.fail(w, r, &problemError{status: http.StatusServiceUnavailable, kind: "too-many-streams", title: "Too many streams", detail: fmt.Sprintf("There are %d streams of events already.", maxStreams)})
		return
	}
	ctx, release := s.servers.untilShutdown(r.Context())
	defer release()
	last := s.look()
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	out := http.NewResponseController(w)
	look, beat := time.NewTicker(lookEvery), time.NewTicker(beatEvery)
	defer look.Stop()
	defer beat.Stop()
	line := "event: hello\ndata: {}\n\n"
	for {
		if line != "" {
			if _, err := fmt.Fprint(w, line); err != nil || out.Flush() != nil {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			line = ": beat\n\n"
		case <-look.C:
			now := s.look()
			line, last = tick(now.since(last)), now
		}
	}
}

// tick is the event for what has changed, "" for nothing.
func tick(what []string) string {
	if len(what) == 0 {
		return ""
	}
	return fmt.Sprintf("event: change\ndata: {\"what\":[\"%s\"]}\n\n", strings.Join(what, `","`))
}

// sight is what streams of events watch.
type sight struct {
	table   *routes.Table
	loaded  time.Time
	failed  string
	epoch   int64
	leaks   []control.Latch
	found   int64 // comparisons that did not match, and errors
	counted int64 // whatever was counted
}

// sights are the last look, which all streams share: there are many of them, and
// each look sums up all routes.
type sights struct {
	mu   sync.Mutex
	last sight
	at   time.Time
}

// look is what there is to be seen, half of lookEvery old at most.
func (s *server) look() sight {
	s.sights.mu.Lock()
	defer s.sights.mu.Unlock()
	if time.Since(s.sights.at) > lookEvery/2 {
		s.sights.last, s.sights.at = s.lookNow(), time.Now()
	}
	return s.sights.last
}

func (s *server) lookNow() sight {
	now := sight{table: s.control.Table(), epoch: s.gate.State().Epoch, leaks: s.control.Latches()}
	at, failed := s.control.LastLoad()
	now.loaded = at
	if failed != nil {
		now.failed = failed.Error()
	}
	for _, r := range s.reports.Live() {
		now.found += r.Mismatched + r.Transient + r.Noise + r.Errors
		now.counted += r.Served + r.Compared + r.Errors + r.Forgiven + r.Dropped
		for _, n := range r.Skipped {
			now.counted += n
		}
	}
	return now
}

func (now sight) since(last sight) []string {
	var what []string
	if now.table != last.table || !now.loaded.Equal(last.loaded) || now.failed != last.failed {
		what = append(what, "table")
	}
	if now.epoch != last.epoch {
		what = append(what, "gate")
	}
	if !slices.Equal(now.leaks, last.leaks) {
		what = append(what, "leaks")
	}
	if now.found != last.found {
		what = append(what, "differences")
	}
	if now.counted != last.counted {
		what = append(what, "counts")
	}
	return what
}

// servers are those that serve the handler, and whether they are being shut
// down. A server's Shutdown waits for requests to end and does not tell them:
// those that last for as long as someone looks must be told.
type servers struct {
	mu    sync.Mutex
	known map[*http.Server]chan struct{}
}

// watched notes the server of each request: a hook that is registered after
// Shutdown was called is never run.
func (s *servers) watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.down(r.Context())
		next.ServeHTTP(w, r)
	})
}

// untilShutdown is ctx, ended also when the server that the request came to is
// shut down. release must be called.
func (s *servers) untilShutdown(ctx context.Context) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancel(ctx)
	down := s.down(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-down:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-ended }
}

// down is closed when the server of a request's context is shut down.
func (s *servers) down(ctx context.Context) <-chan struct{} {
	srv, _ := ctx.Value(http.ServerContextKey).(*http.Server)
	if srv == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch, known := s.known[srv]; known {
		return ch
	}
	if s.known == nil {
		s.known = map[*http.Server]chan struct{}{}
	}
	ch := make(chan struct{})
	s.known[srv] = ch
	srv.RegisterOnShutdown(sync.OnceFunc(func() { close(ch) }))
	return ch
}
