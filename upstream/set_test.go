package upstream

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

func TestPickFewestCalls(t *testing.T) {
	b := newBackend(t, Options{}, "http://a", "http://b", "http://c")
	counts := make(map[string]int)
	for range 300 {
		counts[b.Pick(nil).URL.Host]++
	}
	if counts["a"] != 100 || counts["b"] != 100 || counts["c"] != 100 {
		t.Errorf("equals are not taken in turn: %v", counts)
	}
	all := b.Instances()
	all[0].calls.Add(2)
	all[1].calls.Add(1)
	all[2].calls.Add(3)
	for range 5 {
		if got := b.Pick(nil).URL.Host; got != "b" {
			t.Errorf("picked %s, which has more calls under way", got)
		}
	}
	if got := b.Pick(func(i *Instance) bool { return i.URL.Host != "b" }).URL.Host; got != "a" {
		t.Errorf("picked %s, want the least of those kept", got)
	}
	if got := b.Pick(func(*Instance) bool { return false }); got != nil {
		t.Errorf("picked %s of none", got.URL)
	}
	all[1].unhealthy.Store(true)
	if got := b.Pick(nil).URL.Host; got != "a" {
		t.Errorf("picked %s, want the least of the healthy", got)
	}
	all[0].unhealthy.Store(true)
	all[2].unhealthy.Store(true)
	if got := b.Pick(nil).URL.Host; got != "b" {
		t.Errorf("picked %s: when none is healthy all are asked", got)
	}
	if New("none", nil, Options{}).Pick(nil) != nil {
		t.Error("picked one of no instances")
	}
}

// until waits for a condition that other goroutines bring about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("did not come about: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestHealth(t *testing.T) {
	var status atomic.Int64
	status.Store(200)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "GET" || r.RequestURI != "/up?deep" {
			t.Errorf("asked %s %s", r.Method, r.RequestURI)
		}
		w.WriteHeader(int(status.Load()))
	})
	b := New("shop", parseURLs(t, srv.URL), Options{HealthPath: "/up?deep", HealthEvery: 5 * time.Millisecond})
	i := b.Instances()[0]
	if !i.Healthy() {
		t.Error("ill before the first check")
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	for _, c := range []struct {
		status int
		want   bool
	}{{503, false}, {302, true}, {404, false}, {204, true}} {
		status.Store(int64(c.status))
		until(t, "health after an answer", func() bool { return i.Healthy() == c.want })
	}
	srv.Close()
	until(t, "ill when nobody listens", func() bool { return !i.Healthy() })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSetKeepsWhatDidNotChange(t *testing.T) {
	s := NewSet()
	a, b := parseURLs(t, "http://a"), parseURLs(t, "http://b")
	s.Use([]Spec{{Name: "one", URLs: a}, {Name: "two", URLs: b}, {Name: "three", URLs: a}})
	one, two, three := s.Backend("one"), s.Backend("two"), s.Backend("three")
	if one == nil || two == nil || one.Name() != "one" || s.Backend("four") != nil {
		t.Fatal("the set is not what was put in")
	}
	s.Use([]Spec{{Name: "one", URLs: parseURLs(t, "http://a/")}, {Name: "two", URLs: a}})
	if s.Backend("one") != one {
		t.Error("an unchanged backend was made anew")
	}
	if s.Backend("two") == two {
		t.Error("a backend with another URL stayed")
	}
	if s.Backend("three") != three {
		t.Error("a request that goes by the table before does not find its backend")
	}
	s.Use([]Spec{{Name: "one", URLs: a, Options: Options{MaxConns: 1}}})
	if s.Backend("one") == one {
		t.Error("a backend with other options stayed")
	}
	if s.Backend("three") != nil {
		t.Error("a backend is kept for ever")
	}
}

func TestSetRetires(t *testing.T) {
	var open atomic.Int64
	arrived, release := make(chan bool), make(chan bool)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			arrived <- true
			<-release
		}
		io.WriteString(w, "done")
	}, countOpen(&open))
	var checks atomic.Int64
	health := serve(t, func(http.ResponseWriter, *http.Request) { checks.Add(1) })

	s := NewSet()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	s.Use([]Spec{
		{Name: "shop", URLs: parseURLs(t, srv.URL)},
		{Name: "checked", URLs: parseURLs(t, health.URL), Options: Options{HealthPath: "/", HealthEvery: time.Millisecond}},
	})
	until(t, "health checks of a backend that came later", func() bool { return checks.Load() > 2 })
	i := s.Backend("shop").Pick(nil)
	if _, _, err := call(i, request(t, "GET", "/", "", nil, nil, 0), true); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		_, _, err := call(i, request(t, "GET", "/slow", "", nil, nil, 0), true)
		result <- err
	}()
	<-arrived
	s.Use(nil)
	release <- true
	if err := <-result; err != nil {
		t.Errorf("a call under way was broken off: %v", err)
	}
	until(t, "idle connections of a retired backend closed", func() bool { return open.Load() == 0 })
	if _, _, err := call(i, request(t, "GET", "/", "", nil, nil, 0), true); err != nil {
		t.Errorf("a call by the table before: %v", err)
	}
	until(t, "and leaves no connection", func() bool { return open.Load() == 0 })
	n := checks.Load()
	until(t, "health checks stopped", func() bool {
		time.Sleep(10 * time.Millisecond)
		before := n
		n = checks.Load()
		return n == before
	})
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSetUnderUse(t *testing.T) {
	srv := serve(t, func(http.ResponseWriter, *http.Request) {})
	s := NewSet()
	s.Use([]Spec{{Name: "shop", URLs: parseURLs(t, srv.URL)}})
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	swapping := make(chan bool)
	go func() {
		defer close(swapping)
		for n := range 200 {
			s.Use([]Spec{{Name: "shop", URLs: parseURLs(t, srv.URL), Options: Options{IdleConns: n%2 + 1}}})
		}
	}()
	for swapped := false; !swapped; {
		select {
		case <-swapping:
			swapped = true
		default:
		}
		if _, _, err := call(s.Backend("shop").Pick(nil), request(t, "GET", "/", "", nil, nil, 0), true); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	<-ran
}

func TestStreak(t *testing.T) {
	for _, c := range []struct {
		reason   string
		down, up int
		checks   string // "+" good, "-" bad
		want     string // what is decided at each, " " nothing
	}{
		{"the first decides alone", 1, 1, "-+", "-+"},
		{"two bad ones in a row", 2, 1, "-+--+", " + -+"},
		{"three good ones in a row", 1, 3, "-++-+++", "-  -  +"},
		{"one that agrees says nothing new", 2, 2, "++--++", " + - +"},
	} {
		s, got := streak{down: c.down, up: c.up}, ""
		for _, check := range c.checks {
			if s.add(check == '+') {
				got += string(check)
			} else {
				got += " "
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.reason, got, c.want)
		}
	}
}
