package upstream

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// opened counts the connections that a server has taken.
func opened(n *atomic.Int64) func(*http.Server) {
	return func(srv *http.Server) {
		before := srv.ConnState
		srv.ConnState = func(c net.Conn, s http.ConnState) {
			if s == http.StateNew {
				n.Add(1)
			}
			if before != nil {
				before(c, s)
			}
		}
	}
}

// age makes the instance's idle connections look as if they had been idle for
// longer.
func age(i *Instance, by time.Duration) {
	i.idle.mu.Lock()
	defer i.idle.mu.Unlock()
	for _, c := range i.idle.idle {
		c.since = c.since.Add(-by)
	}
}

func TestReuse(t *testing.T) {
	long := strings.Repeat("x", maxReadOnce+1)
	stream := func(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }
	for _, c := range []struct {
		reason     string
		reuse      Reuse
		idempotent bool
		body       string
		idle       time.Duration
		patient    bool // the backend is known to keep idle connections
		want       int64
	}{
		{"idempotent requests share one", ReuseIdempotent, true, "", 0, false, 1},
		{"however long it was idle", ReuseIdempotent, true, "", 80 * time.Second, true, 1},
		{"but for 90 s", ReuseIdempotent, true, "", 91 * time.Second, true, 4},
		{"with a small body too: it can be had again", ReuseIdempotent, true, "abc", 0, false, 1},
		{"with a long stream each has its own", ReuseIdempotent, true, long, 0, true, 4},
		{"unsafe ones have their own", ReuseIdempotent, false, "abc", 0, true, 4},
		{"recent: idempotent ones share", ReuseRecent, true, "", 30 * time.Second, false, 1},
		{"recent: unsafe ones have their own, as long as nothing is known of the backend", ReuseRecent, false, "abc", 0, false, 4},
		{"recent: then they share within a second", ReuseRecent, false, "abc", 0, true, 1},
		{"recent: and not later", ReuseRecent, false, "abc", 2 * time.Second, true, 4},
		{"recent: with a long stream each has its own", ReuseRecent, false, long, 0, true, 4},
		{"always: unsafe ones share", ReuseAlways, false, "abc", 30 * time.Second, false, 1},
		{"always: streams share", ReuseAlways, false, long, 0, false, 1},
		{"never: each has its own", ReuseNever, true, "", 0, true, 4},
	} {
		t.Run(c.reason, func(t *testing.T) {
			var conns atomic.Int64
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if r.Close && c.want == 1 {
					t.Error("told to close what is kept")
				}
			}, opened(&conns))
			i := newBackend(t, Options{Reuse: c.reuse}, srv.URL).Pick(nil)
			for range 4 {
				i.idle.patient = c.patient
				var body io.Reader
				if c.body != "" {
					body = stream(c.body)
				}
				if _, _, err := call(i, request(t, "PUT", "/", "", nil, body, int64(len(c.body))), c.idempotent); err != nil {
					t.Fatal(err)
				}
				age(i, c.idle)
			}
			if n := conns.Load(); n != c.want {
				t.Errorf("%d connections for 4 requests, want %d", n, c.want)
			}
		})
	}
}

// What an instance learns of its backend, for requests that can not be sent
// again.
func TestPatience(t *testing.T) {
	srv := serve(t, func(http.ResponseWriter, *http.Request) {})
	i := newBackend(t, Options{}, srv.URL).Pick(nil)
	get := func() {
		t.Helper()
		if _, _, err := call(i, request(t, "GET", "/", "", nil, nil, 0), true); err != nil {
			t.Fatal(err)
		}
	}
	get()
	get()
	if i.idle.patient {
		t.Error("known after no time")
	}
	age(i, provenFresh)
	get()
	if !i.idle.patient {
		t.Error("a connection was open after a second, and it is not known")
	}
	srv.CloseClientConnections()
	until(t, "the connection is closed", func() bool { return !i.idle.idle[0].wire.quiet() })
	get()
	if i.idle.patient {
		t.Error("a connection was closed within a second, and it is not known")
	}
	age(i, provenFresh)
	i.idle.sweep(time.Now())
	if !i.idle.patient {
		t.Error("a sweep does not learn")
	}
}

func TestIdleConnectionsAreBounded(t *testing.T) {
	var open atomic.Int64
	gate := make(chan bool)
	srv := serve(t, func(http.ResponseWriter, *http.Request) { <-gate }, countOpen(&open))
	i := newBackend(t, Options{IdleConns: 2}, srv.URL).Pick(nil)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, _, err := call(i, request(t, "GET", "/", "", nil, nil, 0), true); err != nil {
				t.Error(err)
			}
		})
	}
	for range 5 {
		gate <- true
	}
	all.Wait()
	until(t, "two are kept", func() bool { return open.Load() == 2 })
	age(i, idleTimeout+1)
	i.idle.sweep(time.Now())
	until(t, "none is kept for ever", func() bool { return open.Load() == 0 })
	if n := len(i.idle.idle); n != 0 {
		t.Errorf("%d are idle", n)
	}
}

func TestSweepClosesWhatIsClosed(t *testing.T) {
	srv := serve(t, func(http.ResponseWriter, *http.Request) {})
	i := newBackend(t, Options{}, srv.URL).Pick(nil)
	if _, _, err := call(i, request(t, "GET", "/", "", nil, nil, 0), true); err != nil {
		t.Fatal(err)
	}
	i.idle.sweep(time.Now())
	if len(i.idle.idle) != 1 {
		t.Fatal("an open connection was closed")
	}
	srv.CloseClientConnections()
	until(t, "the closed connection is gone", func() bool {
		i.idle.sweep(time.Now())
		return len(i.idle.idle) == 0
	})
}

// Bytes that nobody asked for must not become the answer to the next request.
func TestUnaskedBytes(t *testing.T) {
	long := strings.Repeat("x", maxReadOnce+1) // is sent in another way
	for _, c := range []struct {
		reason, first, later string
		long                 bool
	}{
		{"right behind the answer", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "", false},
		{"a moment later", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", false},
		{"a moment later, and a long body", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", true},
		{"a body where there is none", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil", "", false},
		{"a server that says why it closes", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false},
	} {
		var requests atomic.Int64
		said := make(chan bool)
		url := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			for {
				if _, err := readHead(r); err != nil {
					return
				}
				if requests.Add(1) > 1 {
					io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
					continue
				}
				io.WriteString(conn, c.first)
				<-said
				io.WriteString(conn, c.later)
				said <- true
			}
		})
		i := newBackend(t, Options{Reuse: ReuseAlways}, url).Pick(nil)
		if _, _, err := call(i, request(t, "GET", "/", "", nil, nil, 0), true); err != nil {
			t.Fatalf("%s: %v", c.reason, err)
		}
		kept := i.idle.idle
		if c.later == "" && len(kept) > 0 {
			t.Errorf("%s: the connection was kept", c.reason)
		}
		said <- true
		<-said
		if c.later != "" {
			until(t, "it has come", func() bool { return !kept[0].wire.quiet() })
		}
		var body io.Reader
		if c.long {
			body = io.MultiReader(strings.NewReader(long))
		}
		length := int64(0)
		if c.long {
			length = int64(len(long))
		}
		if _, got, err := call(i, request(t, "PUT", "/", "", nil, body, length), true); err != nil || got != "good" {
			t.Errorf("%s: got %q, %v", c.reason, got, err)
		}
	}
}

// closing is how a server ends a kept connection at the critical moment: the
// request has been written and not answered.
type closing struct {
	reason     string
	end        func(t *testing.T, c *net.TCPConn, deliver chan bool)
	unreceived bool // it is proven that nothing was received
	either     bool // that depends on what the kernel knows when it is asked
}

var closings = []closing{
	{"FIN before the request came", func(t *testing.T, c *net.TCPConn, deliver chan bool) {
		c.Close()
		deliver <- true
	}, true, false},
	{"only the sending half closed, then the request came", func(t *testing.T, c *net.TCPConn, deliver chan bool) {
		c.CloseWrite()
		deliver <- true
		_, _ = c.Read(make([]byte, 1)) // it is acknowledged
		c.Close()
	}, true, true}, // the limit that unreceived speaks of
	{"FIN after the request was read", func(t *testing.T, c *net.TCPConn, deliver chan bool) {
		deliver <- true
		_, _ = io.ReadFull(c, make([]byte, len(lostRequest)))
		c.Close()
	}, false, false},
	{"closed with the request unread: the kernel resets", func(t *testing.T, c *net.TCPConn, deliver chan bool) {
		deliver <- true
		untilReadable(t, c)
		c.Close()
	}, false, false},
	{"reset before the request came", func(t *testing.T, c *net.TCPConn, deliver chan bool) {
		_ = c.SetLinger(0)
		c.Close()
		deliver <- true
	}, false, true}, // true when the kernel does not take the request any more
	{"reset after it was read", func(t *testing.T, c *net.TCPConn, deliver chan bool) {
		deliver <- true
		_, _ = io.ReadFull(c, make([]byte, len(lostRequest)))
		_ = c.SetLinger(0)
		c.Close()
	}, false, false},
}

const lostRequest = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"

// untilReadable waits until something has come on c.
func untilReadable(t *testing.T, c *net.TCPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		t.Error(err)
		return
	}
	_ = raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return err != syscall.EAGAIN
	})
}

// The proof that nothing was received, on connections that have carried an
// exchange before.
func TestUnreceived(t *testing.T) {
	for _, c := range closings {
		t.Run(c.reason, func(t *testing.T) {
			deliver := make(chan bool, 1)
			url := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
				if _, err := readHead(r); err != nil {
					return
				}
				io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
				c.end(t, conn.(*net.TCPConn), deliver)
			})
			tcp, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer tcp.Close()
			w := newWire(tcp)
			if _, err := io.WriteString(w, lostRequest); err != nil {
				t.Fatal(err)
			}
			if _, err := readHead(bufio.NewReader(w)); err != nil {
				t.Fatal(err)
			}
			before := w.written.Load()
			<-deliver
			_, err = io.WriteString(w, lostRequest)
			if err == nil {
				_, err = w.Read(make([]byte, 1))
			}
			got := w.written.Load() == before || errors.Is(err, io.EOF) && w.unreceived(before)
			if got != c.unreceived && !c.either {
				t.Errorf("proven: %t, of %v", got, err)
			}
		})
	}
}

// lateServer answers the first request of a connection. Before each further one
// it closes: not until the client has looked, and before the request comes.
type lateServer struct {
	mu      sync.Mutex
	arrived map[string]int
}

func (s *lateServer) handle(c net.Conn, r *bufio.Reader) {
	head, err := readHead(r)
	if err != nil {
		return
	}
	_, name, _ := strings.Cut(head, "X-Call: ")
	name, _, _ = strings.Cut(name, "\r\n")
	s.mu.Lock()
	s.arrived[name]++
	s.mu.Unlock()
	io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
}

// An unsafe request that meets a FIN is sent again, whole, and arrives once.
func TestUnsafeIsSentAgainWhenItCanNotHaveArrived(t *testing.T) {
	s := &lateServer{arrived: make(map[string]int)}
	i := newBackend(t, Options{Reuse: ReuseAlways}, serveRaw(t, s.handle)).Pick(nil)
	again := 0
	for n := range 20 {
		x := newExchange(t, i, "POST", fmt.Sprint(n), "body", false)
		if c := i.idle.take(idleTimeout, time.Now()); c != nil {
			until(t, "the connection is closed", func() bool { return !c.wire.quiet() })
			repeat, err := x.overBlind(c)
			if err == nil || !repeat {
				t.Fatalf("call %d over a closed connection: %v, again: %t", n, err, repeat)
			}
			again++
		}
		if _, err := x.over(mustDial(t, i)); err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
		res, err := x.answered()
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	if again == 0 {
		t.Error("no connection was closed under a request: the test shows nothing")
	}
	for n, times := range s.arrived {
		if times != 1 {
			t.Errorf("call %s arrived %d times", n, times)
		}
	}
	if len(s.arrived) != 20 {
		t.Errorf("%d calls arrived, want 20", len(s.arrived))
	}
}

// overBlind is over for a connection that was alive when it was looked at, a
// moment ago.
func (x *exchange) overBlind(c *conn) (bool, error) {
	c.kept = true
	x.conn = c
	c.r, c.w = 0, 0
	x.unhook = notHooked
	before := c.wire.written.Load()
	_, err := c.Write(x.out.bytes)
	if err == nil {
		err = x.readAnswer()
	}
	again := err != nil && c.w == 0 && x.mayRepeat(err, before)
	c.abort()
	return again, err
}

func newExchange(t *testing.T, i *Instance, method, name, body string, idempotent bool) *exchange {
	t.Helper()
	req := request(t, method, "/", "", http.Header{"X-Call": {name}}, strings.NewReader(body), int64(len(body)))
	x := &exchange{instance: i, req: req, idempotent: idempotent, out: new(outgoing), started: true}
	if err := x.out.head(req, false); err != nil {
		t.Fatal(err)
	}
	if err := x.readBody(); err != nil {
		t.Fatal(err)
	}
	return x
}

func mustDial(t *testing.T, i *Instance) *conn {
	t.Helper()
	c, err := i.dial(t.Context(), wait{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// However many kept connections are dead, the request gets through; and a
// backend that closes everything is asked only so often.
func TestRetriesEnd(t *testing.T) {
	var asked atomic.Int64
	mode := make(chan string, 100)
	url := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		for {
			if _, err := readHead(r); err != nil {
				return
			}
			asked.Add(1)
			if <-mode == "close" {
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	i := newBackend(t, Options{}, url).Pick(nil)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { _, _, _ = call(i, request(t, "GET", "/", "", nil, nil, 0), true) })
	}
	until(t, "ten connections", func() bool { return asked.Load() == 10 })
	for range 10 {
		mode <- "answer"
	}
	all.Wait()
	asked.Store(0)
	for range 100 {
		mode <- "close"
	}
	if _, _, err := call(i, request(t, "GET", "/", "", nil, nil, 0), true); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	if n := asked.Load(); n != maxKept+1 {
		t.Errorf("asked %d times, want %d", n, maxKept+1)
	}
}
