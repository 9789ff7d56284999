package upstream

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// restarting is a backend that is restarted under load, as behind a supervisor
// that holds the listening socket: connections that are idle are closed, and
// perhaps a request is on its way there; new ones are served, by the old process
// or the next. (net/http's server, when it is shut down, throws away requests
// that it has read, those of new connections too.)
type restarting struct {
	mu       sync.Mutex
	idle     map[net.Conn]bool
	arrived  map[string]int
	restarts atomic.Int64
}

func (b *restarting) handle(c net.Conn, r *bufio.Reader) {
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		b.mu.Lock()
		delete(b.idle, c)
		b.arrived[req.Header.Get("X-Call")]++
		b.mu.Unlock()
		if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			return
		}
		b.mu.Lock()
		b.idle[c] = true
		b.mu.Unlock()
	}
}

// restart closes the idle connections.
func (b *restarting) restart() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.idle {
		c.Close()
		delete(b.idle, c)
	}
	b.restarts.Add(1)
}

func (b *restarting) run(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.restart()
		}
	}
}

// No idempotent request fails, and no other arrives twice; where unsafe ones
// have fresh connections none is lost either.
func TestRestartUnderLoad(t *testing.T) {
	for _, c := range []struct {
		name  string
		reuse Reuse
		loses bool // unsafe requests that met a close
	}{{"idempotent", ReuseIdempotent, false}, {"never", ReuseNever, false}, {"recent", ReuseRecent, true}, {"always", ReuseAlways, true}} {
		t.Run(c.name, func(t *testing.T) {
			b := &restarting{idle: make(map[net.Conn]bool), arrived: make(map[string]int)}
			url := serveRaw(t, b.handle)
			ctx, cancel := context.WithCancel(context.Background())
			var all sync.WaitGroup
			all.Go(func() { b.run(ctx) })
			defer all.Wait()
			defer cancel()

			i := newBackend(t, Options{Reuse: c.reuse}, url).Pick(nil)
			var workers sync.WaitGroup
			var lost, sent atomic.Int64
			for worker := range 8 {
				workers.Go(func() { b.load(t, i, worker, &lost, &sent) })
			}
			workers.Wait()
			if n := lost.Load(); n > 0 && !c.loses {
				t.Errorf("%d unsafe requests were lost", n)
			}
			b.check(t)
			t.Logf("%d restarts, %d requests, %d unsafe ones lost", b.restarts.Load(), sent.Load(), lost.Load())
		})
	}
}

func (b *restarting) load(t *testing.T, i *Instance, worker int, lost, sent *atomic.Int64) {
	for n := 0; b.restarts.Load() < 60; n++ {
		idempotent := n%2 == 0
		kind := "unsafe"
		if idempotent {
			kind = "idempotent"
		}
		i.idle.learn(true) // the best case for ReuseRecent, and the worst
		sent.Add(1)
		header := http.Header{"X-Call": {fmt.Sprintf("%s %d.%d", kind, worker, n)}}
		status, got, err := call(i, request(t, "POST", "/", "", header, strings.NewReader("body"), 4), idempotent)
		switch {
		case err == nil && status == 200 && got == "body":
		case idempotent:
			t.Errorf("idempotent call %d.%d: %d %q, %v", worker, n, status, got, err)
		default:
			lost.Add(1) // it may have arrived or not, and nobody can tell
		}
	}
}

func (b *restarting) check(t *testing.T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, times := range b.arrived {
		if strings.HasPrefix(name, "unsafe") && times > 1 {
			t.Errorf("call %s arrived %d times", name, times)
		}
	}
}
