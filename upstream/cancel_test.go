package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

var errStop = errors.New("enough")

// stage is a point at which a call hangs until its context ends.
type stage struct {
	reason  string
	handle  func(c net.Conn, r *bufio.Reader, reached chan<- bool) // nil does not even read
	body    func(reached chan<- bool) (io.Reader, int64)
	options Options
	busy    bool // MaxConns are under way
}

// hang keeps a connection until the client closes it.
func hang(r io.Reader) { _, _ = io.Copy(io.Discard, r) }

func noContent(chan<- bool) (io.Reader, int64) { return nil, 0 }

// blocked is a body that says when it is read, and then gives nothing until it
// is closed.
type blocked struct {
	reached chan<- bool
	closed  chan bool
}

func (b *blocked) Read([]byte) (int, error) {
	b.reached <- true
	<-b.closed
	return 0, io.ErrClosedPipe
}

func (b *blocked) Close() error {
	close(b.closed)
	return nil
}

// announced is nothing, and says when it is read.
type announced struct{ reached chan<- bool }

func (a *announced) Read([]byte) (int, error) {
	a.reached <- true
	return 0, io.EOF
}

var stages = []stage{
	{reason: "waiting for another call to end", busy: true, options: Options{MaxConns: 1}, body: noContent,
		handle: func(c net.Conn, r *bufio.Reader, reached chan<- bool) { reached <- true; hang(r) }},
	{reason: "writing what nobody reads", body: func(reached chan<- bool) (io.Reader, int64) {
		return io.MultiReader(&announced{reached: reached}, bytes.NewReader(make([]byte, 64<<20))), 64 << 20
	}},
	{reason: "reading a long body", body: func(reached chan<- bool) (io.Reader, int64) {
		return &blocked{reached, make(chan bool)}, -1
	}, handle: func(c net.Conn, r *bufio.Reader, _ chan<- bool) { hang(r) }},
	{reason: "waiting for the head", body: noContent,
		handle: func(c net.Conn, r *bufio.Reader, reached chan<- bool) {
			_, _ = readHead(r)
			reached <- true
			hang(r)
		}},
	{reason: "within the head", body: noContent,
		handle: func(c net.Conn, r *bufio.Reader, reached chan<- bool) {
			_, _ = readHead(r)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ")
			reached <- true
			hang(r)
		}},
	{reason: "after an interim answer", body: noContent,
		handle: func(c net.Conn, r *bufio.Reader, reached chan<- bool) {
			_, _ = readHead(r)
			io.WriteString(c, "HTTP/1.1 103 Early Hints\r\n\r\n")
			reached <- true
			hang(r)
		}},
	{reason: "within a body with a length", body: noContent, handle: partOf("Content-Length: 10\r\n\r\nabc")},
	{reason: "within a chunk", body: noContent, handle: partOf("Transfer-Encoding: chunked\r\n\r\na\r\nabc")},
	{reason: "between chunks", body: noContent, handle: partOf("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")},
	{reason: "within a trailer", body: noContent, handle: partOf("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: ")},
	{reason: "within a body without an end", body: noContent, handle: partOf("\r\nabc")},
}

func partOf(rest string) func(net.Conn, *bufio.Reader, chan<- bool) {
	return func(c net.Conn, r *bufio.Reader, reached chan<- bool) {
		_, _ = readHead(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\n"+rest)
		reached <- true
		hang(r)
	}
}

// However far a call has come, the end of its context ends it, and the error
// says why.
func TestCancellation(t *testing.T) {
	for _, s := range stages {
		t.Run(s.reason, func(t *testing.T) {
			reached := make(chan bool, 16)
			done := make(chan bool)
			url := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
				if s.handle == nil {
					<-done
					return
				}
				s.handle(c, r, reached)
			})
			defer close(done)
			i := newBackend(t, s.options, url).Pick(nil)
			if s.busy {
				i.slots <- struct{}{}
				reached <- true
				defer func() { <-i.slots }()
			}
			content, length := s.body(reached)
			ctx, cancel := context.WithCancelCause(context.Background())
			go func() {
				<-reached
				cancel(errStop)
			}()
			req := request(t, "PUT", "/", "", nil, content, length).WithContext(ctx)
			_, _, err := call(i, req, false)
			if !errors.Is(err, errStop) {
				t.Errorf("got %v, want the cause", err)
			}
			if n := i.calls.Load(); n != 0 {
				t.Errorf("%d calls under way", n)
			}
			if n := len(i.idle.idle); n != 0 {
				t.Errorf("%d connections kept", n)
			}
			i.helpers.wait()
		})
	}
}

func TestCancelledBefore(t *testing.T) {
	asked := false
	srv := serve(t, func(http.ResponseWriter, *http.Request) { asked = true })
	i := newBackend(t, Options{}, srv.URL).Pick(nil)
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errStop)
	body := &watched{Reader: strings.NewReader("body")}
	if _, _, err := call(i, request(t, "PUT", "/", "", nil, body, 4).WithContext(ctx), true); !errors.Is(err, errStop) {
		t.Errorf("got %v", err)
	}
	if asked || body.read {
		t.Error("something was done for a call that had ended")
	}
}

// A context that ends when the answer has been read does no harm to the
// connection, which others use by then.
func TestCancelledAfterwards(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	i := newBackend(t, Options{}, srv.URL).Pick(nil)
	for range 50 {
		ctx, cancel := context.WithCancel(context.Background())
		_, got, err := call(i, request(t, "GET", "/", "", nil, nil, 0).WithContext(ctx), true)
		if err != nil || got != "hello" {
			t.Fatalf("%q, %v", got, err)
		}
		cancel()
	}
	if n := len(i.idle.idle); n != 1 {
		t.Errorf("%d idle connections, want the one", n)
	}
}

// One that ends before the end is read does harm: the connection goes.
func TestCancelledWithTheEndUnread(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	i := newBackend(t, Options{}, srv.URL).Pick(nil)
	ctx, cancel := context.WithCancel(context.Background())
	res, err := i.RoundTrip(request(t, "GET", "/", "", nil, nil, 0).WithContext(ctx), true)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Error(err) // it was here already
	}
	res.Body.Close()
	if n := len(i.idle.idle); n != 0 {
		t.Error("a connection that was interrupted is kept")
	}
}

// No deadline that is set or taken away later undoes an interrupt.
func TestInterruptStays(t *testing.T) {
	url := serveRaw(t, func(c net.Conn, r *bufio.Reader) { hang(r) })
	i := newBackend(t, Options{}, url).Pick(nil)
	for n, later := range []func(*conn){
		(*conn).unbound,
		func(c *conn) { c.bound(startWait(time.Hour), true) },
		func(c *conn) { c.extend(time.Now().Add(time.Hour)) },
	} {
		c := mustDial(t, i)
		c.bound(startWait(time.Hour), true)
		c.interrupt()
		later(c)
		late := time.AfterFunc(10*time.Second, c.abort)
		if err := c.fill(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d: got %v", n, err)
		}
		late.Stop()
		c.abort()
	}
}

// cheap is a context with its own AfterFunc, as a server may have one.
type cheap struct {
	context.Context
	hooked, unhooked int
}

func (c *cheap) AfterFunc(f func()) func() bool {
	c.hooked++
	stop := context.AfterFunc(c.Context, f)
	return func() bool { c.unhooked++; return stop() }
}

func TestContextWithAfterFunc(t *testing.T) {
	srv := serve(t, func(http.ResponseWriter, *http.Request) {})
	i := newBackend(t, Options{}, srv.URL).Pick(nil)
	inner, cancel := context.WithCancel(context.Background())
	defer cancel()
	ctx := &cheap{Context: inner}
	if _, _, err := call(i, request(t, "GET", "/", "", nil, nil, 0).WithContext(ctx), true); err != nil {
		t.Fatal(err)
	}
	if ctx.hooked != 1 || ctx.unhooked != 1 {
		t.Errorf("hooked %d times, unhooked %d times", ctx.hooked, ctx.unhooked)
	}
}

func TestHeadTimeout(t *testing.T) {
	const short = 30 * time.Millisecond
	long := strings.Repeat("x", maxReadOnce+1)
	for _, c := range []struct {
		reason string
		handle func(c net.Conn, r *bufio.Reader)
		body   string
		late   bool
	}{
		{"no answer", func(c net.Conn, r *bufio.Reader) { hang(r) }, "", true},
		{"no answer to a small body", func(c net.Conn, r *bufio.Reader) { hang(r) }, "abc", true},
		{"no answer to a long body", func(c net.Conn, r *bufio.Reader) { hang(r) }, long, true},
		{"half a head", func(c net.Conn, r *bufio.Reader) { io.WriteString(c, "HTTP/1.1 200 OK\r\n"); hang(r) }, "", true},
		{"an interim answer is none", func(c net.Conn, r *bufio.Reader) { io.WriteString(c, "HTTP/1.1 102 P\r\n\r\n"); hang(r) }, "", true},
		{"a body that takes longer than its head", func(c net.Conn, r *bufio.Reader) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
			time.Sleep(3 * short)
			io.WriteString(c, "b")
		}, "", false},
	} {
		url := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			if _, err := readHead(r); err == nil {
				c.handle(conn, r)
			}
		})
		i := newBackend(t, Options{}, url).Pick(nil)
		req := request(t, "PUT", "/", "", nil, io.MultiReader(strings.NewReader(c.body)), int64(len(c.body)))
		limit := short
		if !c.late {
			limit = 10 * time.Second
		}
		res, err := i.Do(req, Call{Idempotent: true, HeadTimeout: limit})
		if errors.Is(err, ErrHeadTimeout) != c.late || (err == nil) == c.late {
			t.Errorf("%s: got %v", c.reason, err)
		}
		if err == nil {
			// Were the deadline still there, it would end this.
			res.Body.(*body).x.conn.extend(time.Now().Add(-time.Second))
			if got, err := io.ReadAll(res.Body); err != nil || string(got) != "ab" {
				t.Errorf("%s: %q, %v", c.reason, got, err)
			}
			res.Body.Close()
		}
	}
	busy := newBackend(t, Options{MaxConns: 1}, "http://127.0.0.1:1").Pick(nil)
	busy.slots <- struct{}{}
	if _, err := busy.Do(request(t, "GET", "/", "", nil, nil, 0), Call{Idempotent: true, HeadTimeout: short}); !errors.Is(err, ErrHeadTimeout) {
		t.Errorf("no slot: %v", err)
	}
	addr, listen := deaf(t)
	l := listen()
	silent := newBackend(t, Options{}, "https://"+addr).Pick(nil)
	_, err := silent.Do(request(t, "GET", "/", "", nil, nil, 0), Call{Idempotent: true, HeadTimeout: short})
	if !errors.Is(err, ErrHeadTimeout) || NotSent(err) {
		t.Errorf("no connection: %v", err)
	}
	silent.dials.breakOff()
	silent.helpers.wait()
	if silent.rest.Load() != nil {
		t.Error("a dial that we broke off is held against the instance")
	}
	l.Close()
}

// Each piece of the body begins the wait anew.
func TestHeadTimeoutMovesWithTheBody(t *testing.T) {
	read := func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }
	for _, i := range []*Instance{
		newBackend(t, Options{}, serve(t, read).URL).Pick(nil),
		h2Backend(t, false, Options{}, read),
	} {
		r, w := io.Pipe()
		go func() {
			for range 10 {
				time.Sleep(50 * time.Millisecond)
				io.WriteString(w, "piece")
			}
			w.Close()
		}()
		res, err := i.Do(request(t, "PUT", "/", "", nil, r, -1), Call{Idempotent: false, HeadTimeout: 400 * time.Millisecond})
		if err != nil {
			t.Error(err)
			r.Close()
			continue
		}
		res.Body.Close()
	}
}

func TestInterimAndSent(t *testing.T) {
	url := answerWith(t, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\nLink: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	i := newBackend(t, Options{}, url).Pick(nil)
	for _, body := range []string{"", "small", strings.Repeat("x", maxInline+1)} {
		var got []string
		wrote := make(chan bool, 2)
		res, err := i.Do(request(t, "PUT", "/", "", nil, strings.NewReader(body), int64(len(body))), Call{
			Interim: func(code int, h http.Header) error {
				got = append(got, http.StatusText(code)+strings.Join(h["Link"], "+"))
				return nil
			},
			Sent: func() { wrote <- true },
		})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if s := strings.Join(got, ","); s != "Continue,Early Hintsa+b" {
			t.Errorf("interim answers: %s", s)
		}
		if len(body) <= maxInline && !<-wrote {
			t.Error("not written")
		}
	}
	_, err := i.Do(request(t, "GET", "/", "", nil, nil, 0), Call{Idempotent: true, Interim: func(int, http.Header) error { return errStop }})
	if !errors.Is(err, errStop) {
		t.Errorf("an interim answer that is too much: %v", err)
	}
}
