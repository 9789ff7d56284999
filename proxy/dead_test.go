package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// deaf is a URL that refuses connections, and can not become anybody else's
// meanwhile; listen begins to accept there.
func deaf(t *testing.T) (url string, listen func() net.Listener) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "deaf")
	t.Cleanup(func() { f.Close() })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port), func() net.Listener {
		if err := syscall.Listen(fd, 64); err != nil {
			t.Fatal(err)
		}
		l, err := net.FileListener(f)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
}

// arrivals notes how often each call (by its X-Call) arrived whole.
type arrivals struct {
	mu    sync.Mutex
	calls map[string]int
}

func (a *arrivals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	a.mu.Lock()
	a.calls[r.Header.Get("X-Call")]++
	a.mu.Unlock()
	w.Write(body)
}

const twoInstances = `
version: 1
backends:
  monolith: {urls: ["DEAD", "LEGACY"], rollback: header}
  accounts: {urls: ["NEW"], rollback: header}
defaults: {legacy: monolith, new: accounts}
routes:
  - {name: before, match: /before, stage: shadow}
`

// One of two instances is down: no client notices, nothing is sent twice, and
// the one that is down is left alone until it is back.
func TestDeadInstance(t *testing.T) {
	dead, listen := deaf(t)
	got := &arrivals{calls: make(map[string]int)}
	w := newWorld(t, strings.Replace(twoInstances, "DEAD", dead, 1), got.ServeHTTP, nil)
	kinds := []struct {
		method, path, body string
		chunked, expect    bool
	}{
		{method: "GET", path: "/"},
		{method: "POST", path: "/"},
		{method: "POST", path: "/", body: "hello"},
		{method: "POST", path: "/", body: "hello", expect: true},
		{method: "POST", path: "/", body: "hello", chunked: true},
		{method: "PUT", path: "/before", body: "hello"}, // read ahead
		{method: "POST", path: "/before", body: "hello", chunked: true},
	}
	ask := func(n int) {
		k := kinds[n%len(kinds)]
		var body io.Reader
		if k.body != "" {
			body = strings.NewReader(k.body)
		}
		if k.chunked {
			body = io.MultiReader(body)
		}
		req, err := http.NewRequest(k.method, w.url+k.path, body)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("X-Call", fmt.Sprint(n))
		if k.expect {
			req.Header.Set("Expect", "100-continue")
		}
		res, err := w.client.Do(req)
		if err != nil {
			t.Errorf("%+v: %v", k, err)
			return
		}
		defer res.Body.Close()
		if b, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 || string(b) != k.body {
			t.Errorf("%+v: %d %q, %v", k, res.StatusCode, b, err)
		}
	}
	// Each kind once with the dead instance fresh, so that each meets it.
	for n := range kinds {
		w.forget()
		before := w.triedAnother()
		for try := 0; w.triedAnother() == before && try < 4; try++ {
			ask(n + len(kinds)*(1000+try))
		}
		if w.triedAnother() == before {
			t.Errorf("%+v never met the dead instance", kinds[n])
		}
	}
	w.forget()
	before := w.triedAnother()
	var all sync.WaitGroup
	var next atomic.Int64
	for range 4 {
		all.Go(func() {
			for n := next.Add(1); n <= 1000; n = next.Add(1) {
				ask(int(n))
			}
		})
	}
	all.Wait()
	// 4 at once, and one try at the end of each rest.
	if n := w.triedAnother() - before; n > 10 {
		t.Errorf("the dead instance was dialled %d times in 1000 requests", n)
	}
	got.mu.Lock()
	for call, times := range got.calls {
		if times != 1 {
			t.Errorf("call %s arrived %d times", call, times)
		}
	}
	if len(got.calls) < 1000 {
		t.Errorf("%d calls arrived", len(got.calls))
	}
	got.mu.Unlock()

	w.forget() // a rest of 1 s, however long the requests took
	for before = w.triedAnother(); w.triedAnother() == before; {
		ask(len(kinds) * 9999)
	}
	var back atomic.Int64
	revived := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		back.Add(1)
		io.Copy(w, r.Body)
	}))
	revived.Listener.Close()
	revived.Listener = listen()
	revived.Start()
	t.Cleanup(revived.Close)
	until(t, "the instance that is back is used", func() bool { ask(0); return back.Load() > 1 })
}

// forget makes the backends anew, as they are before anything was dialled.
func (w *world) forget() {
	w.backend.Use(nil)
	w.backend.Use(w.specs)
}

func (w *world) triedAnother() int {
	return strings.Count(w.log.String(), "could not be reached, another is tried")
}

func TestAllInstancesDead(t *testing.T) {
	one, _ := deaf(t)
	two, _ := deaf(t)
	w := newWorld(t, strings.Replace(twoInstances, "DEAD", one, 1), two, nil)
	for n := range 5 { // then 10 calls in a row could not be made, and the breaker opens
		res, _ := w.ask([]string{"GET", "POST"}[n%2], "/", "hello")
		if res.StatusCode != http.StatusBadGateway {
			t.Errorf("request %d: status %d", n, res.StatusCode)
		}
		// Each is asked at most once.
		if tried := w.triedAnother(); tried != n+1 {
			t.Errorf("request %d: another was tried %d times in all", n, tried)
		}
	}
}
