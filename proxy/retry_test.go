package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quackproxy/quack/upstream"
)

// badly are instances that fail in some way before a whole answer.
func badly(t *testing.T, how string, got *atomic.Int64) string {
	if how == "deaf" {
		url, _ := deaf(t)
		return url
	}
	return rawBackend(t, func(c net.Conn, r *bufio.Reader) {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if _, err := io.ReadAll(req.Body); err != nil {
			return
		}
		got.Add(1)
		switch how {
		case "reset":
			_ = c.(*net.TCPConn).SetLinger(0)
		case "no answer":
			io.WriteString(c, "nonsense\r\n\r\n")
		case "an early hint":
			io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
		case "silent":
			_, _ = c.Read(make([]byte, 1)) // until the other end goes
		case "503":
			io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		}
	})
}

// echo answers with the request's body, which it reads first: net/http's server
// throws away what has not been read when an answer begins.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Write(body)
}

const twoWithRoutes = `
version: 1
backends:
  monolith: {urls: ["BAD", "LEGACY"], rollback: header}
  accounts: {urls: ["NEW"], rollback: header}
defaults: {legacy: monolith, new: accounts}
routes:
  - {name: all, match: "/*", timeout: 20s}
  - {name: twice, match: POST /twice, idempotent: true}
  - {name: quick, match: /quick, timeout: 50ms}
`

// What the first instance does decides whether the second is asked.
func TestAnotherInstance(t *testing.T) {
	large := strings.Repeat("x", smallBody+1)
	for _, c := range []struct {
		reason             string
		how                string
		method, path, body string
		header             []string
		status             int
		first              int64 // requests that the first instance got
	}{
		{"nothing sent: GET", "deaf", "GET", "/", "", nil, 200, 0},
		{"nothing sent: POST", "deaf", "POST", "/", "hello", nil, 200, 0},
		{"nothing sent: a large POST", "deaf", "POST", "/", large, nil, 200, 0},
		{"closed: GET", "eof", "GET", "/", "", nil, 200, 1},
		{"closed: POST may have been acted upon", "eof", "POST", "/", "hello", nil, 502, 1},
		{"closed: POST without a body too", "eof", "POST", "/", "", nil, 502, 1},
		{"closed: POST that its route calls idempotent", "eof", "POST", "/twice", "hello", nil, 200, 1},
		{"closed: PUT with a small body", "eof", "PUT", "/", "hello", nil, 200, 1},
		{"closed: PUT with a large body, which is not kept", "eof", "PUT", "/", large, nil, 502, 1},
		{"closed: PUT that waits to be told to go on", "eof", "PUT", "/", "hello", []string{"Expect", "100-continue"}, 502, 1},
		{"reset: GET", "reset", "GET", "/", "", nil, 200, 1},
		{"reset: POST", "reset", "POST", "/", "hello", nil, 502, 1},
		{"reset: DELETE", "reset", "DELETE", "/", "", nil, 200, 1},
		{"an answer that is none is one", "no answer", "GET", "/", "", nil, 502, 1},
		{"an early hint was passed on", "an early hint", "GET", "/", "", nil, 502, 1},
		{"an answer of 503 is one", "503", "GET", "/", "", nil, 503, 1},
		{"too late: no time is left", "silent", "GET", "/quick", "", nil, 504, 1},
	} {
		t.Run(c.reason, func(t *testing.T) {
			var first, second atomic.Int64
			w := newWorld(t, strings.Replace(twoWithRoutes, "BAD", badly(t, c.how, &first), 1), func(w http.ResponseWriter, r *http.Request) {
				second.Add(1)
				echo(w, r)
			}, nil)
			res, got := w.ask(c.method, c.path, c.body, c.header...)
			if res.StatusCode != c.status || c.status == 200 && got != c.body {
				t.Errorf("status %d with %d bytes, want %d", res.StatusCode, len(got), c.status)
			}
			want := int64(0)
			if c.status == 200 {
				want = 1
			}
			if first.Load() != c.first || second.Load() != want {
				t.Errorf("the first got %d requests and the second %d, want %d and %d", first.Load(), second.Load(), c.first, want)
			}
		})
	}
}

// At most three instances are asked, however many there are.
func TestTriesAreBounded(t *testing.T) {
	var got atomic.Int64
	var urls []string
	for range 5 {
		urls = append(urls, badly(t, "eof", &got))
	}
	w := newWorld(t, strings.Replace(twoWithRoutes, `"BAD", "LEGACY"`, `"`+strings.Join(urls, `", "`)+`"`, 1), nil, nil)
	if res, _ := w.ask("GET", "/", ""); res.StatusCode != 502 || got.Load() != 3 {
		t.Errorf("status %d after %d requests", res.StatusCode, got.Load())
	}
}

// A backend that breaks off all it gets is not sent twice as much for that.
func TestRetriesAreBounded(t *testing.T) {
	var got atomic.Int64
	one, two := badly(t, "eof", &got), badly(t, "eof", &got)
	w := newWorld(t, strings.Replace(twoWithRoutes, "BAD", one, 1), two, nil)
	w.use(upstream.Options{Outlier: upstream.Outlier{Off: true}})
	const requests = 100
	for range requests {
		w.ask("GET", "/", "")
	}
	if n := got.Load(); n > requests+10+requests/5 || n < requests+10 {
		t.Errorf("%d requests became %d", requests, n)
	}
	if s := w.backend.Backend("monolith").State(); s.RetriesRefused == 0 || s.Retries > 10+requests/5 {
		t.Errorf("counted %+v", s)
	}
}

// An instance that answers badly is left alone for a while, and used again when
// it has got well.
func TestBadInstanceIsEjected(t *testing.T) {
	for _, how := range []string{"502", "503", "504", "reset", "breaks off", "too late"} {
		t.Run(how, func(t *testing.T) {
			var ill atomic.Bool
			ill.Store(true)
			var first atomic.Int64
			bad := urlOf(t, func(w http.ResponseWriter, r *http.Request) {
				first.Add(1)
				if !ill.Load() {
					return
				}
				switch how {
				case "reset":
					panic(http.ErrAbortHandler)
				case "breaks off":
					w.Header().Set("Content-Length", "10")
					io.WriteString(w, "hello")
				case "too late":
					<-r.Context().Done()
				case "502":
					w.WriteHeader(502)
				case "503":
					w.WriteHeader(503)
				case "504":
					w.WriteHeader(504)
				}
			})
			w := newWorld(t, strings.Replace(twoWithRoutes, "BAD", bad, 1), func(http.ResponseWriter, *http.Request) {}, nil)
			w.use(upstream.Options{Outlier: upstream.Outlier{Failures: 3, For: 50 * time.Millisecond}})
			ask := func() {
				if res, err := w.client.Get(w.url + "/quick"); err == nil {
					io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
			}
			state := func() upstream.State { return w.backend.Backend("monolith").State() }
			for n := 0; state().Ejections == 0 && n < 50; n++ {
				ask()
			}
			s := state()
			if s.Ejections != 1 || first.Load() != 3 {
				t.Fatalf("ejected %d times after %d bad answers", s.Ejections, first.Load())
			}
			ill.Store(false)
			until(t, "the instance is used again", func() bool { ask(); return first.Load() > 5 })
			if s := state(); !s.Instances[0].EjectedUntil.IsZero() {
				t.Errorf("ejected still: %+v", s)
			}
		})
	}
}

// An application that answers 500 is asked on and on, and a client that goes
// says nothing of the instance.
func TestWhatSaysNothingOfAnInstance(t *testing.T) {
	var asked atomic.Int64
	w := newWorld(t, `
  - {name: all, match: "/*"}`, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1); r.URL.Path == "/hang" {
			<-r.Context().Done()
		}
		w.WriteHeader(500)
	}, nil)
	w.use(upstream.Options{Outlier: upstream.Outlier{Failures: 1}, Breaker: upstream.Breaker{Failures: 1}})
	for range 5 {
		if res, _ := w.ask("GET", "/", ""); res.StatusCode != 500 {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	conn, _ := dial(t, w.url)
	io.WriteString(conn, "GET /hang HTTP/1.1\r\nHost: h\r\n\r\n")
	until(t, "the request arrives", func() bool { return asked.Load() == 6 })
	conn.Close()
	w.counts.waitServed(t, 6)
	if s := w.backend.Backend("monolith").State(); s.Instances[0].Failures != 0 || s.Open || s.Ejections != 0 {
		t.Errorf("%+v", s)
	}
}

// A backend that can not be reached is not asked again and again: its clients
// are told at once, until one request gets through.
func TestBreakerOpens(t *testing.T) {
	dead, listen := deaf(t)
	w := newWorld(t, `
  - {name: all, match: "/*"}`, dead, nil)
	w.use(upstream.Options{Breaker: upstream.Breaker{Failures: 3, For: 16 * time.Minute}})
	for range 3 {
		if res, _ := w.ask("GET", "/", ""); res.StatusCode != 502 {
			t.Fatalf("status %d before it opens", res.StatusCode)
		}
	}
	res, got := w.ask("POST", "/", "hello")
	if res.StatusCode != 503 || res.Header.Get("Retry-After") != "60" || !strings.Contains(got, "problems/backend-away") {
		t.Errorf("open: %d %v %s", res.StatusCode, res.Header, got)
	}

	w.use(upstream.Options{Breaker: upstream.Breaker{Failures: 1, For: time.Millisecond}})
	w.ask("GET", "/", "")
	srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	l := listen()
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		<-done
	})
	until(t, "it closes", func() bool { res, _ := w.ask("GET", "/", ""); return res.StatusCode == 200 })
	if s := w.backend.Backend("monolith").State(); s.Open || s.Opened != 1 {
		t.Errorf("%+v", s)
	}
}
