package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quackproxy/quack/upstream"
)

func TestBackendLog(t *testing.T) {
	const url = "http://127.0.0.1:1"
	soon, later := time.Now().Add(time.Minute), time.Now().Add(time.Hour)
	well := upstream.State{Name: "shop", Instances: []upstream.InstanceState{{URL: url, Healthy: true}}}
	with := func(set func(*upstream.State, *upstream.InstanceState)) upstream.State {
		s := well
		s.Instances = []upstream.InstanceState{well.Instances[0]}
		set(&s, &s.Instances[0])
		return s
	}
	ill := with(func(_ *upstream.State, i *upstream.InstanceState) { i.Healthy = false })
	ejected := with(func(_ *upstream.State, i *upstream.InstanceState) { i.EjectedUntil = soon })
	longer := with(func(_ *upstream.State, i *upstream.InstanceState) { i.EjectedUntil = later })
	open := with(func(s *upstream.State, _ *upstream.InstanceState) { s.Open, s.Opened, s.Refused = true, 1, 5 })
	still := with(func(s *upstream.State, _ *upstream.InstanceState) { s.Open, s.Opened, s.Refused = true, 1, 5000 })
	closed := with(func(s *upstream.State, _ *upstream.InstanceState) { s.Opened, s.Refused = 1, 5007 })
	for _, c := range []struct {
		looks  []upstream.State
		says   string // the last look; "" for nothing
		reason string
	}{
		{[]upstream.State{well}, "", "a start is no news"},
		{[]upstream.State{well, ill}, "health checks fail", "it goes out"},
		{[]upstream.State{ill}, "health checks fail", "it was never in"},
		{[]upstream.State{well, ill, ill}, "", "said once"},
		{[]upstream.State{ill, well}, "in use again", "it comes back"},
		{[]upstream.State{well, ejected}, "ejected", "it answers badly"},
		{[]upstream.State{ejected, ejected}, "", "said once"},
		{[]upstream.State{ejected, longer}, "ejected", "and again"},
		{[]upstream.State{ejected, well}, "after its ejection", "it is over"},
		{[]upstream.State{well, open}, "breaker is open", "it opens"},
		{[]upstream.State{open, still}, "", "5,000 requests a second are no news"},
		{[]upstream.State{still, closed}, "breaker is closed\" backend=shop refused=7", "it closes"},
		{[]upstream.State{well, closed}, "breaker was open", "between two looks"},
	} {
		var out bytes.Buffer
		var now upstream.State
		b := backendLog{log: slog.New(slog.NewTextHandler(&out, nil)), states: func() []upstream.State { return []upstream.State{now} }}
		for _, now = range c.looks {
			out.Reset()
			b.look()
		}
		if got := out.String(); (c.says == "") != (got == "") || !strings.Contains(got, c.says) || got != "" && !strings.Contains(got, "backend=shop") {
			t.Errorf("%s: logged %q, want %q", c.reason, got, c.says)
		}
	}
}

// A proxy says so in its log, and few lines of what fails for each request.
func TestLogOfABackendThatFails(t *testing.T) {
	t.Parallel()
	var ill atomic.Bool
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/up" {
			if ill.Load() {
				w.WriteHeader(500)
			}
			return
		}
		w.Header().Set("Content-Length", "100")
		w.Write([]byte("half"))
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(backend.Close)
	q := start(t, "version: 1\nbackends:\n  monolith: {urls: ["+backend.URL+"], health: {path: /up, every: 100ms}}\ndefaults: {legacy: monolith}\n")
	for range 300 {
		res, err := http.Get(q.url + "/pay?card=4111111111111111")
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	ill.Store(true)
	for deadline := time.Now().Add(time.Minute); !strings.Contains(q.logged(), "its health checks fail"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log does not say that the instance is out:\n%s", q.logged())
		}
	}
	log := q.logged()
	if n := strings.Count(log, "live answer broke off"); n == 0 || n > 100 {
		t.Errorf("%d lines for 300 requests that broke off", n)
	}
	if strings.Contains(log, "4111111111111111") {
		t.Errorf("a query is in the log:\n%s", log)
	}
}
