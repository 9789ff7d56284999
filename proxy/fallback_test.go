package proxy

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

// When the new side is away legacy answers where that is safe, at the stages at
// which it still does the same work.
func TestFallback(t *testing.T) {
	large := strings.Repeat("x", smallBody+1)
	for _, c := range []struct {
		reason       string
		route        string
		how          string // the new side is away
		method, body string
		status       int
		why          string // "" does not fall back
	}{
		{"verify, nothing sent: GET", "stage: verify", "deaf", "GET", "", 200, "unreachable"},
		{"verify, nothing sent: POST", "stage: verify", "deaf", "POST", "hello", 200, "unreachable"},
		{"verify, nothing sent: a large POST", "stage: verify, shadow: {max_body: 1KiB}", "deaf", "POST", large, 200, "unreachable"},
		{"ramp, nothing sent: GET", "stage: ramp, percent: 100", "deaf", "GET", "", 200, "unreachable"},
		{"ramp, nothing sent: POST", "stage: ramp, percent: 100", "deaf", "POST", "hello", 200, "unreachable"},
		{"verify, connection lost: GET", "stage: verify", "eof", "GET", "", 200, "lost"},
		{"verify, connection lost: PUT", "stage: verify", "reset", "PUT", "hello", 200, "lost"},
		{"verify, connection lost: POST may have been acted upon", "stage: verify", "reset", "POST", "hello", 502, ""},
		{"ramp, connection lost: POST", "stage: ramp, percent: 100", "eof", "POST", "hello", 502, ""},
		{"verify, connection lost: a POST that is safe", "stage: verify, safe: true", "eof", "POST", "hello", 200, "lost"},
		{"an answer is an answer", "stage: verify", "503", "GET", "", 503, ""},
		{"too late: no time is left", "stage: verify, timeout: 50ms", "silent", "GET", "", 504, ""},
		{"switched off", "stage: verify, fallback: off", "deaf", "GET", "", 502, ""},
		{"at stage new legacy is no longer asked", "stage: new", "deaf", "GET", "", 502, ""},
		{"who is at legacy has nobody to fall back to", "stage: ramp, percent: 0, legacy: accounts, new: monolith", "deaf", "GET", "", 502, ""},
		{"both sides are the same", "stage: verify, legacy: accounts", "deaf", "GET", "", 502, ""},
	} {
		t.Run(c.reason, func(t *testing.T) {
			var got, asked atomic.Int64
			legacy := func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				echo(w, r)
			}
			w := newWorld(t, `
  - {name: all, match: "/*", expose: true, `+c.route+`}`, legacy, badly(t, c.how, &got))
			res, body := w.ask(c.method, "/", c.body)
			if res.StatusCode != c.status || c.status == 200 && body != c.body {
				t.Errorf("status %d with %d bytes, want %d", res.StatusCode, len(body), c.status)
			}
			side := "new"
			if c.why != "" {
				side = "legacy"
			}
			if strings.Contains(c.reason, "at legacy") {
				side = "legacy"
			}
			if by := res.Header.Get("Quack-Served-By"); by != side {
				t.Errorf("served by %q, want %q", by, side)
			}
			if n := w.counts.waitServed(t, 1)[0]; n.side != side || n.status != c.status {
				t.Errorf("counted %+v", n)
			}
			want := ""
			if c.why != "" {
				want = "all: " + c.why
			}
			if d := w.counts.fellBack(); d != want || (asked.Load() == 1) != (want != "") {
				t.Errorf("fallbacks %q, want %q; legacy got %d requests", d, want, asked.Load())
			}
			if said := strings.Contains(w.log.String(), "new is away"); said != (want != "") {
				t.Errorf("the log says so: %v", said)
			}
			offers, befores := w.shadow.all()
			if want == "" {
				return
			}
			switch {
			case len(befores) > 0: // the shadow has run: settle says that nothing is compared
			case len(offers) > 0:
				t.Errorf("offered %+v", offers)
			case !strings.Contains(w.counts.skipped(), "all: fallback") && !strings.Contains(w.counts.skipped(), "all: body-size"):
				t.Errorf("skipped %q", w.counts.skipped())
			}
		})
	}
}

// While the breaker of the new side is open, or there is no instance of it,
// legacy answers without a try.
func TestFallbackWithoutATry(t *testing.T) {
	dead, _ := deaf(t)
	w := newWorld(t, `
  - {name: all, match: "/*", stage: verify}`, func(http.ResponseWriter, *http.Request) {}, dead)
	w.use(upstream.Options{Breaker: upstream.Breaker{Failures: 2}})
	for range 4 {
		if res, _ := w.ask("POST", "/", "hello"); res.StatusCode != 200 {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	if d := cmp.Diff("all: unreachable, all: unreachable, all: breaker, all: breaker", w.counts.fellBack()); d != "" {
		t.Errorf("fallbacks (-want +got):\n%s", d)
	}

	none := newWorld(t, `
  - {name: all, match: "/*", stage: verify}`, func(http.ResponseWriter, *http.Request) {}, nil, func(c *Config) {
		of := c.Backend
		c.Backend = func(b *routes.Backend) *upstream.Backend {
			if b.Name == "accounts" {
				return nil
			}
			return of(b)
		}
	})
	if res, _ := none.ask("GET", "/", ""); res.StatusCode != 200 || none.counts.fellBack() != "all: no-instance" {
		t.Errorf("status %d, fallbacks %q", res.StatusCode, none.counts.fellBack())
	}
}

// Legacy gets the request in its own terms, and what it answers is not kept as
// the new side's.
func TestFallbackSpeaksLegacy(t *testing.T) {
	dead, listen := deaf(t)
	w := newWorld(t, `
  - {name: all, match: "GET /{id}", stage: verify, safe: true, cache: {ttl: 10m}, rewrite: {new: {path: "/v2/{id}"}, legacy: {path: "/v1/{id}"}}}`,
		func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "legacy ", r.URL.Path) }, dead)
	for range 2 {
		if _, got := w.ask("GET", "/7", ""); got != "legacy /v1/7" {
			t.Errorf("got %q", got)
		}
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "new ", r.URL.Path) })}
	l := listen()
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		<-done
	})
	w.forget()
	for range 2 {
		if _, got := w.ask("GET", "/7", ""); got != "new /v2/7" {
			t.Errorf("got %q when the new side is back", got)
		}
	}
}
