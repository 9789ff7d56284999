package wire

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quackproxy/quack/cache"
	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/proxy"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/shadow"
	"github.com/quackproxy/quack/upstream"
)

// path is the handler of the live path with what it hands over and counts.
type path struct {
	http.Handler
	counts *counts
	shadow *offers
	log    *logNotes
}

// newPath makes the live path to one backend, which is legacy and new at once.
// Its routes are /shadowed/*, on stage shadow, and the default for the rest.
func newPath(t testing.TB, backendURL string) *path {
	t.Helper()
	return newPathWith(t, backendURL, upstream.Options{})
}

func newPathWith(t testing.TB, backendURL string, o upstream.Options) *path {
	t.Helper()
	src := strings.ReplaceAll(`
version: 1
backends:
  one: {urls: ["URL"]}
  two: {urls: ["URL"]}
defaults: {legacy: one, new: two, timeout: 20s}
routes:
  - {name: shadowed, match: "/shadowed/*", stage: shadow, safe: true}
`, "URL", backendURL)
	table, err := routes.Parse("routes.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	set := upstream.NewSet()
	set.Use(specs(table, o))
	p := &path{counts: &counts{}, shadow: &offers{}, log: &logNotes{}}
	p.Handler = proxy.New(proxy.Config{
		Table:    func() *routes.Table { return table },
		Backend:  func(b *routes.Backend) *upstream.Backend { return set.Backend(b.Name) },
		Gate:     openGate,
		Cache:    cache.New(1 << 20),
		Shadow:   p.shadow,
		Protocol: plainProtocol{},
		Counters: p.counts,
		Log:      slog.New(slog.NewTextHandler(p.log, nil)),
	})
	t.Cleanup(func() { set.Use(nil) })
	return p
}

func specs(table *routes.Table, o upstream.Options) []upstream.Spec {
	var out []upstream.Spec
	for _, b := range table.Backends() {
		out = append(out, upstream.Spec{Name: b.Name, URLs: b.URLs, Options: o})
	}
	return out
}

// offers notes what is offered and compares nothing: the shadow is not what is
// tried here.
type offers struct {
	mu  sync.Mutex
	all []offered
}

type offered struct {
	request shadow.Request
	answer  shadow.Answer
}

func (o *offers) Offer(r shadow.Request, _ routes.Side, a shadow.Answer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, offered{r, a})
}

func (o *offers) Before(context.Context, shadow.Request, routes.Side) *shadow.Pending {
	return &shadow.Pending{}
}

func (o *offers) list() []offered {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all
}

// counts notes what was counted.
type counts struct {
	mu     sync.Mutex
	status []int
	skips  []string // "route: reason"
}

func (c *counts) Served(_, _, _ string, status int, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = append(c.status, status)
}

func (c *counts) Skip(route, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skips = append(c.skips, route+": "+reason)
}

func (c *counts) Unmarked(route string) { c.Skip(route, "unmarked") }

func (c *counts) Fallback(route, why string) { c.Skip(route, "fell back: "+why) }

func (c *counts) Asked(string, int, compare.Request, bool) {}

// waitServed waits until n requests have been counted.
func (c *counts) waitServed(t *testing.T, n int) []int {
	t.Helper()
	until(t, "requests counted", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.status) >= n
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

func (c *counts) skipped() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.skips, ", ")
}

type logNotes struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logNotes) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logNotes) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// plainProtocol marks like the real one, without signatures.
type plainProtocol struct{}

func (plainProtocol) MarkContext(h http.Header, id, role string, at time.Time, readOnly bool) {
	h.Set("Quack-Request-Id", id)
	h.Set("Quack-Role", role)
}

func (plainProtocol) MarkNested(http.Header, string) {}

func (plainProtocol) MarkShadow(http.Header, string, shadow.Mode, time.Duration, string, string, []byte) {
}

func (plainProtocol) MarkPrepare(http.Header, string, string, time.Duration, string, string, []byte) {
}

func (plainProtocol) Acknowledged(http.Header, string) (shadow.Ack, error) { return shadow.Ack{}, nil }

func (plainProtocol) Nested(http.Header) bool { return false }

// until waits for what other goroutines bring about.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("did not come about: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// receive waits for what another goroutine has to say.
func receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("did not come about: %s", what)
		panic("unreachable")
	}
}
