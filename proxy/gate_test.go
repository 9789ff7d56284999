package proxy

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const gated = `
  - {name: get, match: GET /get, stage: shadow}
  - {name: post, match: POST /post, stage: shadow}
  - {name: search, match: POST /search, safe: true, stage: shadow}
  - {name: allowed, match: POST /allowed, readonly: allow, stage: shadow}
  - {name: skipped, match: POST /skipped, readonly: skip, stage: shadow}
  - {name: counter, match: GET /counter, readonly: block}`

func TestReadOnlyMode(t *testing.T) {
	got := make(chan *http.Request, 1)
	w := newWorld(t, gated, echoHead(got), nil, withGate(t))
	if _, err := w.gate.Freeze(context.Background(), "ann", "moving <accounts>", 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path string
		passes       bool
		marked       bool // Quack-Read-Only: 1
		compared     bool
		skipped      string
	}{
		{"GET", "/get", true, false, true, ""},
		{"GET", "/nowhere", true, false, false, ""},
		{"POST", "/search", true, false, true, ""},
		{"POST", "/post", false, false, false, "post: read-only"},
		{"DELETE", "/nowhere", false, false, false, ""},
		{"POST", "/allowed", true, false, false, "allowed: read-only"},
		{"POST", "/skipped", true, true, false, "skipped: read-only"},
		{"GET", "/counter", false, false, false, ""},
	} {
		offers, befores := w.shadow.all()
		before, counted := len(offers)+len(befores), len(w.counts.skipped())
		res, body := w.ask(c.method, c.path, "")
		if c.passes {
			if res.StatusCode != 200 {
				t.Fatalf("%s %s: %d %s", c.method, c.path, res.StatusCode, body)
			}
			if marked := (<-got).Header.Get("Quack-Read-Only") == "1"; marked != c.marked {
				t.Errorf("%s %s: marked %t", c.method, c.path, marked)
			}
		} else if res.StatusCode != 503 {
			t.Errorf("%s %s: %d", c.method, c.path, res.StatusCode)
			<-got
		}
		if c.compared {
			until(t, "compared", func() bool {
				offers, befores = w.shadow.all()
				return len(offers)+len(befores) == before+1
			})
		}
		if offers, befores = w.shadow.all(); !c.compared && len(offers)+len(befores) > before {
			t.Errorf("%s %s is compared", c.method, c.path)
		}
		if s := strings.TrimPrefix(w.counts.skipped()[counted:], ", "); s != c.skipped {
			t.Errorf("%s %s: skipped %q, want %q", c.method, c.path, s, c.skipped)
		}
	}
	if _, err := w.gate.Thaw(context.Background(), "ann", "done"); err != nil {
		t.Fatal(err)
	}
	if res, _ := w.ask("POST", "/post", ""); res.StatusCode != 200 {
		t.Errorf("after the end: %d", res.StatusCode)
	}
	<-got
}

// On the default route a write that passes marked has that mark and no others.
func TestReadOnlyModeOnTheDefaultRoute(t *testing.T) {
	got := make(chan *http.Request, 1)
	w := newWorld(t, `version: 1
backends:
  monolith: {urls: ["LEGACY"]}
  accounts: {urls: ["NEW"]}
defaults: {legacy: monolith, new: accounts, readonly: skip}
routes:
  - {name: other, match: GET /other}
`, echoHead(got), nil, withGate(t))
	for _, closed := range []bool{false, true} {
		if closed {
			if _, err := w.gate.Freeze(context.Background(), "ann", "move", 0); err != nil {
				t.Fatal(err)
			}
		}
		if res, body := w.ask("POST", "/", "hello"); res.StatusCode != 200 {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
		h := (<-got).Header
		if marked := h.Get("Quack-Read-Only") == "1"; marked != closed {
			t.Errorf("gate closed %t, marked %t", closed, marked)
		}
		if h.Get("Quack-Role") != "" || h.Get("Traceparent") != "" {
			t.Errorf("got %v", h)
		}
	}
}

func TestBlockedAnswer(t *testing.T) {
	w := newWorld(t, gated, nil, nil, withGate(t))
	const why = `moving "accounts" <script>`
	if _, err := w.gate.Freeze(context.Background(), "ann", why, 0); err != nil {
		t.Fatal(err)
	}
	res, body := w.ask("POST", "/post", "hello", "Accept", "application/json")
	var p map[string]any
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	if p["type"] != "https://quackproxy.github.io/problems/read-only" || p["detail"] != why || p["status"] != 503.0 || p["request_id"] == nil {
		t.Errorf("got %v", p)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/problem+json", "Retry-After": "30", "Cache-Control": "no-store",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}

	if _, err := w.gate.Freeze(context.Background(), "ann", why, 90*time.Second); err != nil {
		t.Fatal(err)
	}
	res, body = w.ask("POST", "/post", "hello", "Accept", "text/html,*/*;q=0.8")
	if after, err := strconv.Atoi(res.Header.Get("Retry-After")); err != nil || after < 80 || after > 90 {
		t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
	}
	if !strings.Contains(body, "moving &#34;accounts&#34; &lt;script&gt;") || strings.Contains(body, "<script>") {
		t.Errorf("the page is %s", body)
	}

	if _, err := w.gate.Freeze(context.Background(), "ann", "long past", time.Millisecond); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond) // past the announced end
	if res, _ = w.ask("POST", "/post", ""); res.Header.Get("Retry-After") != "30" {
		t.Errorf("Retry-After %q when the announced end is past", res.Header.Get("Retry-After"))
	}
}

// A write is under way until the end of its answer, and a blocked one is not.
func TestWritesAreCounted(t *testing.T) {
	arrived, release := make(chan bool), make(chan bool)
	w := newWorld(t, gated, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
		http.NewResponseController(w).Flush()
		arrived <- true
		<-release
	}, nil, withGate(t))
	var all sync.WaitGroup
	for _, ask := range [][2]string{{"POST", "/nowhere"}, {"GET", "/get"}, {"GET", "/counter"}} {
		all.Go(func() { w.ask(ask[0], ask[1], "") })
		<-arrived
	}
	if n := w.gate.UnderWay(); n != 2 {
		t.Errorf("%d writes under way, want the POST and the GET that the route calls one", n)
	}
	if _, err := w.gate.Freeze(context.Background(), "ann", "move", 0); err != nil {
		t.Fatal(err)
	}
	if res, _ := w.ask("POST", "/post", ""); res.StatusCode != 503 {
		t.Errorf("%d", res.StatusCode)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := w.gate.Drained(ctx); err == nil {
		t.Error("drained with two writes under way")
	}
	close(release)
	all.Wait()
	ctx, cancel = context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.gate.Drained(ctx); err != nil {
		t.Error(err)
	}
}

func TestNested(t *testing.T) {
	w := newWorld(t, `
  - {name: get, match: GET /}
  - {name: post, match: POST /, stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			t.Error("a write that a shadow caused went to live")
		}
		io.WriteString(w, r.Header.Get("Baggage"))
	}, nil)
	res, body := w.ask("POST", "/", "hello", "Baggage", "quack.shadow=x.y")
	if res.StatusCode != 409 || !strings.Contains(body, "problems/nested-shadow") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if s := w.counts.skipped(); s != "post: nested" {
		t.Errorf("counted %q", s)
	}
	if res, body := w.ask("GET", "/", "", "Baggage", "quack.shadow=x.y"); res.StatusCode != 200 || body != "quack.shadow=x.y" {
		t.Errorf("a read: %d %q", res.StatusCode, body)
	}
	if res, _ := w.ask("DELETE", "/", "", "Baggage", "quack.shadow=x.y"); res.StatusCode != 409 {
		t.Errorf("on the default route: %d", res.StatusCode)
	}
}
