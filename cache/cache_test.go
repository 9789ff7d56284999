package cache

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ten  = Settings{TTL: 10 * time.Second}
	here = context.Background()
)

func get(target string, header ...string) Request {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return Request{Route: "r", Side: "legacy", Method: "GET", Host: "h", Target: target, Header: h}
}

// fill takes one answer to req into c and reports whether it was asked for.
func fill(c *Cache, req Request, body string, header ...string) bool {
	_, f := c.Ask(here, req, ten)
	if f == nil {
		return false
	}
	defer f.Close(false)
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	f.Head(200, h)
	f.Write([]byte(body))
	f.Complete()
	return true
}

// held is what c has for req; "" when it has nothing.
func held(c *Cache, req Request) string {
	a, f := c.Ask(here, req, ten)
	f.Close(false)
	if a == nil {
		return ""
	}
	return string(a.Body)
}

func TestStoredUntilStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(1 << 20)
		fill(c, get("/a"), "one", "Age", "3", "X-A", "b")
		time.Sleep(4 * time.Second)
		a, f := c.Ask(here, get("/a"), ten)
		if f != nil || a == nil {
			t.Fatal("not stored")
		}
		if a.Status != 200 || string(a.Body) != "one" || a.Header.Get("X-A") != "b" || a.Age() != 7*time.Second {
			t.Errorf("got %+v, age %v", a, a.Age())
		}
		if _, stale := a.Header["Age"]; stale {
			t.Error("the stored answer keeps the Age it came with")
		}
		time.Sleep(6 * time.Second)
		if got := held(c, get("/a")); got != "" {
			t.Errorf("served %q when it was stale", got)
		}
		if got := held(c, get("/b")); got != "" {
			t.Errorf("served %q for another target", got)
		}
	})
}

func TestRequestDirectives(t *testing.T) {
	for _, c := range []struct {
		reason string
		header []string
		served bool
		fill   bool // its own answer may be stored
	}{
		{"nothing said", nil, true, false},
		{"no-store: is not to pass through the store", []string{"Cache-Control", "no-store"}, false, false},
		{"no-cache: wants a new one", []string{"Cache-Control", "no-cache"}, false, true},
		{"Pragma", []string{"Pragma", "no-cache"}, false, true},
		{"Cache-Control stands before Pragma", []string{"Pragma", "no-cache", "Cache-Control", "max-age=60"}, true, false},
		{"max-age it keeps", []string{"Cache-Control", "max-age=5"}, true, false},
		{"max-age it does not keep", []string{"Cache-Control", "max-age=4"}, false, true},
		{"min-fresh it keeps", []string{"Cache-Control", "min-fresh=5"}, true, false},
		{"min-fresh it does not keep", []string{"Cache-Control", "min-fresh=6"}, false, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			cache := New(1 << 20)
			fill(cache, get("/a"), "one")
			time.Sleep(5 * time.Second)
			a, f := cache.Ask(here, get("/a", c.header...), ten)
			f.Close(false)
			if (a != nil) != c.served || (f != nil) != c.fill {
				t.Errorf("%s: served %t, fill %t", c.reason, a != nil, f != nil)
			}
		})
	}
}

func TestNoCacheRefreshes(t *testing.T) {
	c := New(1 << 20)
	fill(c, get("/a"), "one")
	fill(c, get("/a", "Cache-Control", "no-cache"), "two")
	if got := held(c, get("/a")); got != "two" {
		t.Errorf("serves %q", got)
	}
}

func TestVary(t *testing.T) {
	c := New(1 << 20)
	fill(c, get("/a", "Accept", "x/y"), "json", "Vary", "accept,  Accept-Language")
	for _, q := range []struct {
		reason string
		header []string
		want   string
	}{
		{"the same", []string{"Accept", "x/y"}, "json"},
		{"spaces around it", []string{"Accept", " x/y "}, "json"},
		{"another", []string{"Accept", "z"}, ""},
		{"none", nil, ""},
		{"one more of the named", []string{"Accept", "x/y", "Accept-Language", "de"}, ""},
		{"a field that is not named", []string{"Accept", "x/y", "User-Agent", "me"}, "json"},
		{"another client's cookie: the answer does not say that it is public", []string{"Accept", "x/y", "Cookie", "s=1"}, ""},
		{"credentials", []string{"Accept", "x/y", "Authorization", "Basic eA=="}, ""},
	} {
		if got := held(c, get("/a", q.header...)); got != q.want {
			t.Errorf("%s: %q, want %q", q.reason, got, q.want)
		}
	}
	fill(c, get("/a", "Accept", "z"), "xml", "Vary", "Accept, Accept-Language")
	if got := held(c, get("/a", "Accept", "x/y")); got != "json" {
		t.Errorf("the second variant displaced the first: %q", got)
	}
}

// A 404 without Vary must not be served to those whom Vary keeps apart.
func TestVaryStays(t *testing.T) {
	c := New(1 << 20)
	fill(c, get("/a", "Accept", "x"), "x", "Vary", "Accept")
	fill(c, get("/a", "Accept", "y"), "not acceptable")
	if got := held(c, get("/a", "Accept", "z")); got != "" {
		t.Errorf("got %q", got)
	}
	if got := held(c, get("/a", "Accept", "x")); got != "x" {
		t.Errorf("got %q", got)
	}
}

func TestPublicIsForEveryone(t *testing.T) {
	for _, said := range []string{"public", "S-MaxAge=5"} {
		c := New(1 << 20)
		fill(c, get("/a", "Cookie", "s=1", "Authorization", "Bearer x"), "all", "Cache-Control", said)
		for _, header := range [][]string{nil, {"Cookie", "s=2"}, {"Authorization", "Bearer y"}} {
			if got := held(c, get("/a", header...)); got != "all" {
				t.Errorf("%s: with %q got %q", said, header, got)
			}
		}
	}
	c := New(1 << 20)
	fill(c, get("/a", "Cookie", "s=1"), "mine")
	if got := held(c, get("/a", "Cookie", "s=2")) + held(c, get("/a")); got != "" {
		t.Errorf("one client's answer went to another: %q", got)
	}
	if got := held(c, get("/a", "Cookie", "s=1")); got != "mine" {
		t.Errorf("not kept for its own client: %q", got)
	}
	fill(c, get("/b", "Authorization", "Bearer x"), "mine", "Cache-Control", "must-revalidate, max-age=5")
	if got := held(c, get("/b", "Authorization", "Bearer y")) + held(c, get("/b")); got != "" {
		t.Errorf("one client's answer went to another: %q", got)
	}
}

// waiting starts n requests that wait for a flight, and gives what each got.
func waiting(c *Cache, n int, req func(int) Request) func() (answers, fills, alone int) {
	var all sync.WaitGroup
	var got [3]atomic.Int64
	for k := range n {
		all.Go(func() {
			a, f := c.Ask(here, req(k), ten)
			switch {
			case a != nil:
				got[0].Add(1)
			case f != nil:
				got[1].Add(1)
				f.Head(200, http.Header{})
				f.Write([]byte("another"))
				f.Complete()
				f.Close(false)
			default:
				got[2].Add(1)
			}
		})
	}
	synctest.Wait()
	return func() (int, int, int) {
		all.Wait()
		return int(got[0].Load()), int(got[1].Load()), int(got[2].Load())
	}
}

func TestOneGoesForMany(t *testing.T) {
	same := func(int) Request { return get("/a") }
	for _, c := range []struct {
		reason                string
		lead                  Request
		wait                  func(int) Request
		answer                func(*Fill)
		answers, fills, alone int
		took                  time.Duration // until all are served
	}{
		{"a storable answer serves all", get("/a"), same, func(f *Fill) {
			f.Head(200, http.Header{})
			time.Sleep(time.Second)
			f.Write([]byte("x"))
			f.Complete()
		}, 50, 0, 0, time.Second},
		{"also when it is fresh for less than it takes", get("/a"), same, func(f *Fill) {
			f.Head(200, http.Header{"Cache-Control": {"max-age=1"}})
			time.Sleep(2 * time.Second)
			f.Complete()
		}, 50, 0, 0, 2 * time.Second},
		{"a head that may not be stored lets all go at once", get("/a"), same, func(f *Fill) {
			f.Head(200, http.Header{"Cache-Control": {"no-store"}})
			time.Sleep(3 * time.Second)
			f.Complete()
		}, 0, 0, 50, 0},
		{"so does a body that is too large", get("/a"), same, func(f *Fill) {
			f.Head(200, http.Header{})
			time.Sleep(time.Second)
			f.Write(make([]byte, 1<<20))
			time.Sleep(3 * time.Second)
			f.Complete()
		}, 0, 0, 50, time.Second},
		{"so does an answer that breaks off", get("/a"), same, func(f *Fill) {
			f.Head(200, http.Header{})
			f.Write([]byte("x"))
			f.Close(false)
		}, 0, 0, 50, 0},
		{"when the first one's client has gone, one takes its place", get("/a"), same, func(f *Fill) {
			f.Close(true)
		}, 49, 1, 0, 0},
		{"nobody waits for ever", get("/a"), same, func(f *Fill) {
			time.Sleep(time.Minute)
		}, 0, 0, 50, patience},
		{"those with another cookie do not wait", get("/a"),
			func(k int) Request { return get("/a", "Cookie", fmt.Sprintf("s=%d", k)) }, func(f *Fill) {
				time.Sleep(time.Second)
			}, 0, 50, 0, 0},
		{"those who turn out to want another variant go on, one for each", get("/a", "Accept", "0"),
			func(k int) Request { return get("/a", "Accept", fmt.Sprint(k%5)) }, func(f *Fill) {
				time.Sleep(time.Second)
				f.Head(200, http.Header{"Vary": {"Accept"}})
				f.Complete()
			}, 46, 4, 0, time.Second},
		{"a waiting request that wants it newer goes itself", get("/a"),
			func(int) Request { return get("/a", "Cache-Control", "max-age=0") }, func(f *Fill) {
				f.Head(200, http.Header{})
				time.Sleep(2 * time.Second)
				f.Complete()
			}, 0, 0, 50, 2 * time.Second},
	} {
		t.Run(c.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cache := New(1 << 20)
				_, f := cache.Ask(here, c.lead, ten)
				if f == nil {
					t.Fatal("the first one got no fill")
				}
				began := time.Now()
				results := waiting(cache, 50, c.wait)
				served := make(chan time.Duration, 1)
				var answers, fills, alone int
				go func() {
					answers, fills, alone = results()
					served <- time.Since(began)
				}()
				c.answer(f)
				f.Close(false)
				if took := <-served; took != c.took {
					t.Errorf("served after %v, want %v", took, c.took)
				}
				if answers != c.answers || fills != c.fills || alone != c.alone {
					t.Errorf("%d got the answer, %d went for others, %d alone; want %d, %d, %d",
						answers, fills, alone, c.answers, c.fills, c.alone)
				}
				if len(cache.flights) != 0 || cache.filling.Load() != 0 {
					t.Errorf("%d flights and %d bytes are left over", len(cache.flights), cache.filling.Load())
				}
			})
		})
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(1 << 20)
		_, f := c.Ask(here, get("/a"), ten)
		defer f.Close(false)
		ctx, cancel := context.WithTimeout(here, time.Second)
		defer cancel()
		began := time.Now()
		if a, f := c.Ask(ctx, get("/a"), ten); a != nil || f != nil {
			t.Error("got something")
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("waited %v", took)
		}
	})
}

func TestOff(t *testing.T) {
	c := New(1 << 20)
	if a, f := c.Ask(here, get("/a"), Settings{}); a != nil || f != nil {
		t.Error("a route without a TTL has a cache")
	}
	var f *Fill
	f.Head(200, nil)
	f.Write(nil)
	f.Complete()
	f.Close(true)
}

func TestMemoryIsBounded(t *testing.T) {
	c := New(8 << 20)
	body := strings.Repeat("x", 256<<10)
	for n := range 400 { // 100 MiB in all
		fill(c, get(fmt.Sprint("/", n)), body)
	}
	if n := c.answers.WeightedSize(); n > 8<<20 {
		t.Errorf("%d bytes are kept", n)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 32<<20 {
		t.Errorf("%d bytes are on the heap", m.HeapAlloc)
	}
	runtime.KeepAlive(c)

	// On the way in, too.
	var fills []*Fill
	for n := range 40 {
		_, f := c.Ask(here, get(fmt.Sprint("/way/", n)), ten)
		f.Head(200, http.Header{})
		f.Write([]byte(body))
		fills = append(fills, f)
	}
	if n := c.filling.Load(); n > 8<<20 {
		t.Errorf("%d bytes are on their way in", n)
	}
	for _, f := range fills {
		f.Close(false)
	}
	if n := c.filling.Load(); n != 0 {
		t.Errorf("%d bytes are left over", n)
	}
}

func BenchmarkHit(b *testing.B) {
	c := New(1 << 20)
	req := get("/a", "Accept", "x/y", "Cookie", "s=1")
	fill(c, req, strings.Repeat("x", 1024), "Vary", "Accept")
	b.ReportAllocs()
	for b.Loop() {
		if a, _ := c.Ask(here, req, ten); a == nil {
			b.Fatal("miss")
		}
	}
}
