package proxy

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const withCache = `
  - {name: get, match: "GET /get/*", stage: shadow, cache: {ttl: 1m}, expose: true}
  - {name: plain, match: "GET /plain"}
  - {name: both, match: "GET /both", stage: ramp, percent: 50, sticky: "header:X-User", cache: {ttl: 1m}}`

// counting answers with the number of the request.
func counting(n *atomic.Int64, change func(http.ResponseWriter, *http.Request)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if change != nil {
			change(w, r)
		}
		w.Header().Set("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
		fmt.Fprint(w, n.Add(1))
	}
}

func TestServedFromCache(t *testing.T) {
	var n atomic.Int64
	w := newWorld(t, withCache, counting(&n, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"a"`)
		w.Header()["Content-Type"] = nil
	}), nil)
	first, one := w.ask("GET", "/get/a", "")
	again, two := w.ask("GET", "/get/a", "")
	if one != "1" || two != "1" {
		t.Fatalf("got %q and %q", one, two)
	}
	if again.Header.Get("Age") != "0" || first.Header.Get("Age") != "" {
		t.Errorf("Age %q and %q", first.Header["Age"], again.Header["Age"])
	}
	if id := again.Header.Get("Quack-Request-Id"); id == "" || id == first.Header.Get("Quack-Request-Id") {
		t.Errorf("request id %q of another request", id)
	}
	for _, res := range []*http.Response{first, again} {
		for _, name := range []string{"Age", "Quack-Request-Id"} {
			res.Header.Del(name)
		}
	}
	if d := cmp.Diff(first.Header, again.Header); d != "" {
		t.Errorf("header (-backend +cache):\n%s", d)
	}
	res, body := w.ask("HEAD", "/get/a", "")
	if res.StatusCode != 200 || body != "" || n.Load() != 2 {
		t.Errorf("HEAD: %d %q after %d requests", res.StatusCode, body, n.Load())
	}
	if res, _ = w.ask("HEAD", "/get/a", ""); res.ContentLength != 1 || n.Load() != 2 {
		t.Errorf("HEAD again: length %d after %d requests", res.ContentLength, n.Load())
	}
	if got := w.counts.waitServed(t, 4); len(got) != 4 || got[1] != (served{"get", "shadow", "legacy", 200}) {
		t.Errorf("counted %v", got)
	}
	// What was served from the cache is no exchange.
	until(t, "both exchanges offered", func() bool { o, _ := w.shadow.all(); return len(o) == 2 })
	if s := w.counts.skipped(); s != "" {
		t.Errorf("skipped %q", s)
	}
}

func TestNotServedFromCache(t *testing.T) {
	for _, c := range []struct {
		reason string
		method string
		path   string
		body   string
		header []string
		answer func(http.ResponseWriter, *http.Request)
	}{
		{reason: "a route without a cache", path: "/plain"},
		{reason: "another method", method: "POST", path: "/get/a", body: "x"},
		{reason: "a body", path: "/get/a", body: "x"},
		{reason: "another query", path: "/get/a?%d"},
		{reason: "a part", path: "/get/a", header: []string{"Range", "bytes=0-1"}},
		{reason: "no-store", path: "/get/a", answer: func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Cache-Control", "no-store") }},
		{reason: "a cookie is set", path: "/get/a", answer: func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Set-Cookie", "a=b") }},
		{reason: "an error", path: "/get/a", answer: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }},
		{reason: "trailers", path: "/get/a", answer: func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "0")
			http.NewResponseController(w).Flush()
			w.Header().Set(http.TrailerPrefix+"X-Sum", "7")
		}},
	} {
		var n atomic.Int64
		w := newWorld(t, withCache, counting(&n, c.answer), nil)
		if c.method == "" {
			c.method = "GET"
		}
		for k := range 2 {
			path := c.path
			if c.reason == "another query" {
				path = fmt.Sprintf(path, k)
			}
			w.ask(c.method, path, c.body, c.header...)
		}
		if n.Load() != 2 {
			t.Errorf("%s: the backend was asked %d times", c.reason, n.Load())
		}
	}
}

func TestSidesAreNotMixedInTheCache(t *testing.T) {
	side := func(name string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public")
			io.WriteString(w, name)
		}
	}
	w := newWorld(t, withCache, side("legacy"), side("new"))
	got := map[string]bool{}
	for n := range 40 {
		_, body := w.ask("GET", "/both", "", "X-User", fmt.Sprint(n%20))
		got[body] = true
		if counted := w.counts.waitServed(t, n+1); counted[n].side != body {
			t.Fatalf("%s answered, %s was counted", body, counted[n].side)
		}
	}
	if len(got) != 2 {
		t.Errorf("got %v: the ramp has one side only", got)
	}
}

// Many wait for one; the first one's client goes, and nobody else notices.
func TestOneGoesToTheBackendForMany(t *testing.T) {
	var n atomic.Int64
	arrived, release := make(chan bool, 20), make(chan bool)
	w := newWorld(t, withCache, counting(&n, func(w http.ResponseWriter, r *http.Request) {
		arrived <- true
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}), nil)
	first, _ := dial(t, w.url)
	io.WriteString(first, "GET /get/a HTTP/1.1\r\nHost: h\r\n\r\n")
	<-arrived

	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if res, _ := w.ask("GET", "/get/a", "", "Host", "h"); res.StatusCode != 200 {
				t.Errorf("got %d", res.StatusCode)
			}
		})
	}
	first.Close()
	<-arrived // one of them takes its place
	close(release)
	all.Wait()
	if got := n.Load(); got != 2 {
		t.Errorf("the backend was asked %d times, want 2", got)
	}
}

// A waiting request must not be held up by a stream that the first one gets.
func TestFillDoesNotHoldUpTheAnswer(t *testing.T) {
	release := make(chan bool)
	w := newWorld(t, withCache, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "first ")
		http.NewResponseController(w).Flush()
		<-release
		io.WriteString(w, "second")
	}, nil)
	res, err := w.client.Get(w.url + "/get/a")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b := make([]byte, len("first "))
	if _, err := io.ReadFull(res.Body, b); err != nil || string(b) != "first " {
		t.Errorf("%q, %v", b, err)
	}
	close(release)
	if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != "second" {
		t.Errorf("%q, %v", rest, err)
	}
	if _, body := w.ask("GET", "/get/a", ""); body != "first second" {
		t.Errorf("from the cache %q", body)
	}
}

// An answer that breaks off is never stored.
func TestHalfAnAnswerIsNotStored(t *testing.T) {
	var n atomic.Int64
	w := newWorld(t, withCache, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		if n.Add(1) == 1 {
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}, nil)
	res, err := w.client.Get(w.url + "/get/a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("the answer did not break off")
	}
	res.Body.Close()
	if _, body := w.ask("GET", "/get/a", ""); body != "half" || n.Load() != 2 {
		t.Errorf("%q after %d requests", body, n.Load())
	}
}

// A request that varies by a field that Quack or the engine touches.
func TestVaryByUserAgent(t *testing.T) {
	var n atomic.Int64
	w := newWorld(t, withCache, counting(&n, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "User-Agent, X-Forwarded-Proto")
	}), nil)
	for range 2 {
		conn, in := dial(t, w.url)
		io.WriteString(conn, "GET /get/a HTTP/1.0\r\nHost: h\r\n\r\n")
		if b, err := io.ReadAll(in); err != nil || len(b) == 0 {
			t.Fatal(err)
		}
	}
	if n.Load() != 1 {
		t.Errorf("the backend was asked %d times", n.Load())
	}
}
