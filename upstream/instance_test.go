package upstream

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// closingServer answers the first request of each connection and keeps the
// connection; the second one it reads and closes on, without an answer: what
// a server does whose idle timeout ran out while the request was on its way.
// It counts how often each request (by its X-Call) arrived, answered or not.
type closingServer struct {
	mu      sync.Mutex
	arrived map[string]int
}

func (s *closingServer) handle(c net.Conn, r *bufio.Reader) {
	for n := 0; ; n++ {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.arrived[req.Header.Get("X-Call")]++
		s.mu.Unlock()
		if n > 0 {
			return
		}
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
}

func TestConnectionClosedUnderRequest(t *testing.T) {
	body, long := []byte("body"), bytes.Repeat([]byte("body"), 5<<10)
	for _, c := range []struct {
		reason     string
		method     string
		header     http.Header
		body       func() io.Reader
		idempotent bool
		once       bool // arrives once, and not again after a close
	}{
		{"GET is sent again", "GET", nil, nil, true, false},
		{"so is DELETE", "DELETE", nil, nil, true, false},
		{"so is PUT whose body can be had again", "PUT", nil, func() io.Reader { return bytes.NewReader(body) }, true, false},
		{"and PUT with a short stream, which is read first", "PUT", nil, func() io.Reader { return io.MultiReader(bytes.NewReader(body)) }, true, false},
		{"PUT whose long body can be had again", "PUT", nil, func() io.Reader { return bytes.NewReader(long) }, true, false},
		{"PUT with a long stream can not be", "PUT", nil, func() io.Reader { return io.MultiReader(bytes.NewReader(long)) }, true, true},
		{"POST", "POST", nil, nil, false, true},
		{"POST with a body", "POST", nil, func() io.Reader { return bytes.NewReader(body) }, false, true},
		{"POST with a key that some engines take for leave to repeat", "POST",
			http.Header{"Idempotency-Key": {"k"}}, nil, false, true},
		{"GET on a route that says it is unsafe", "GET", nil, nil, false, true},
	} {
		t.Run(c.reason, func(t *testing.T) {
			s := &closingServer{arrived: make(map[string]int)}
			i := newBackend(t, Options{}, serveRaw(t, s.handle)).Pick(nil)
			for n := range 50 {
				header := http.Header{"X-Call": {fmt.Sprint(n)}}
				for k, v := range c.header {
					header[k] = v
				}
				var content io.Reader
				length := int64(0)
				if c.body != nil {
					content = c.body()
					whole, err := io.ReadAll(c.body())
					if err != nil {
						t.Fatal(err)
					}
					length = int64(len(whole))
				}
				status, got, err := call(i, request(t, c.method, "/", "", header, content, length), c.idempotent)
				if err != nil || status != 200 || len(got) != int(length) {
					t.Fatalf("call %d: %d %q, %v", n, status, got, err)
				}
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			again := 0
			for n, times := range s.arrived {
				if times > 1 {
					again++
				}
				if c.once && times != 1 {
					t.Errorf("call %s arrived %d times", n, times)
				}
			}
			if !c.once && again == 0 {
				t.Error("no connection was closed under a request: the test shows nothing")
			}
		})
	}
}

// A real server whose idle timeout is about the time between two calls.
func TestUnsafeAgainstIdleTimeout(t *testing.T) {
	var mu sync.Mutex
	arrived := make(map[string]int)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		arrived[r.Header.Get("X-Call")]++
	}, func(srv *http.Server) { srv.IdleTimeout = time.Millisecond })
	i := newBackend(t, Options{}, srv.URL).Pick(nil)
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for n := range 100 {
				header := http.Header{"X-Call": {fmt.Sprintf("%d.%d", worker, n)}}
				if _, _, err := call(i, request(t, "POST", "/", "", header, strings.NewReader("x"), 1), false); err != nil {
					t.Errorf("call %d.%d: %v", worker, n, err)
				}
				time.Sleep(time.Duration(n%3) * time.Millisecond)
			}
		})
	}
	all.Wait()
	if len(arrived) != 400 {
		t.Errorf("%d calls arrived, want 400", len(arrived))
	}
	for n, times := range arrived {
		if times != 1 {
			t.Errorf("call %s arrived %d times", n, times)
		}
	}
}

func TestAnswerIsLeftAlone(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "not even gzip")
		}
	})
	i := newBackend(t, Options{}, srv.URL).Pick(nil)
	if status, _, err := call(i, request(t, "GET", "/redirect", "", nil, nil, 0), true); err != nil || status != 302 {
		t.Errorf("redirect: %d, %v", status, err)
	}
	if _, body, err := call(i, request(t, "GET", "/gzip", "", nil, nil, 0), true); err != nil || body != "not even gzip" {
		t.Errorf("gzip: %q, %v", body, err)
	}
}

func TestAnswerHeadLimit(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		size := 0
		fmt.Sscan(r.URL.Query().Get("size"), &size)
		w.Header().Set("X-Big", strings.Repeat("x", size))
	})
	i := newBackend(t, Options{}, srv.URL).Pick(nil)
	if _, _, err := call(i, request(t, "GET", "/", "size=65000", nil, nil, 0), true); err != nil {
		t.Errorf("a head just under 64 KiB: %v", err)
	}
	if _, _, err := call(i, request(t, "GET", "/", "size=70000", nil, nil, 0), true); err == nil {
		t.Error("a head over 64 KiB passed")
	}
}

func TestMaxConns(t *testing.T) {
	arrived, release := make(chan bool, 3), make(chan bool)
	srv := serve(t, func(http.ResponseWriter, *http.Request) { arrived <- true; <-release })
	i := newBackend(t, Options{MaxConns: 2}, srv.URL).Pick(nil)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			if _, _, err := call(i, request(t, "GET", "/", "", nil, nil, 0), true); err != nil {
				t.Error(err)
			}
		})
	}
	<-arrived
	<-arrived
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	req := request(t, "GET", "/", "", nil, nil, 0).WithContext(ctx)
	if _, _, err := call(i, req, true); err == nil {
		t.Error("a third call was made beside two")
	}
	if n := i.calls.Load(); n != 2 {
		t.Errorf("%d calls under way, want 2", n)
	}
	close(release)
	all.Wait()
	if _, _, err := call(i, request(t, "GET", "/", "", nil, nil, 0), true); err != nil {
		t.Errorf("after the others: %v", err)
	}
	if n := i.calls.Load(); n != 0 {
		t.Errorf("%d calls under way, want 0", n)
	}
}

func TestUpgradeCanBeWrittenTo(t *testing.T) {
	url := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		head, err := readHead(r)
		if err != nil {
			return
		}
		if strings.Contains(head, "Connection: close") {
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			return
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		io.Copy(c, r) // ends when the client says that it has nothing more to write
		io.WriteString(c, "bye")
	})
	i := newBackend(t, Options{}, url).Pick(nil)
	for _, idempotent := range []bool{true, false} {
		header := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo"}}
		res, err := i.RoundTrip(request(t, "GET", "/", "", header, nil, 0), idempotent)
		if err != nil {
			t.Fatal(err)
		}
		stream, ok := res.Body.(interface {
			io.ReadWriteCloser
			CloseWrite() error
		})
		if res.StatusCode != 101 || !ok {
			t.Fatalf("status %d, body %T", res.StatusCode, res.Body)
		}
		if n := i.calls.Load(); n != 1 {
			t.Errorf("%d calls under way, want 1", n)
		}
		io.WriteString(stream, "hello ")
		if err := stream.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(stream)
		if err != nil || string(got) != "hello bye" {
			t.Errorf("got %q, %v", got, err)
		}
		stream.Close()
		stream.Close()
		if n := i.calls.Load(); n != 0 {
			t.Errorf("%d calls under way, want 0", n)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	i := newBackend(t, Options{}, "http://"+l.Addr().String()).Pick(nil)
	if _, _, err := call(i, request(t, "GET", "/", "", nil, nil, 0), true); err == nil || !strings.HasPrefix(err.Error(), "call "+l.Addr().String()+": ") {
		t.Errorf("got %v", err)
	}
	if n := i.calls.Load(); n != 0 {
		t.Errorf("%d calls under way, want 0", n)
	}
}

// A server that ends with connections in its queue closes them before anything
// was sent: any request may go to another instance then.
func TestConnectionClosedBeforeTheRequest(t *testing.T) {
	for _, method := range []string{"PUT", "POST"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		closed := make(chan error, 1)
		go func() {
			c, err := l.Accept()
			if err == nil {
				err = c.Close()
			}
			closed <- err
		}()
		i := newBackend(t, Options{}, "http://"+l.Addr().String()).Pick(nil)
		body := &lateBody{Reader: strings.NewReader("body"), wait: func() {
			if err := <-closed; err != nil {
				t.Error(err)
			}
			time.Sleep(20 * time.Millisecond) // the close is on its way over loopback
		}}
		if _, _, err := call(i, request(t, method, "/", "", nil, body, 4), method == "PUT"); !NotSent(err) {
			t.Errorf("%s: got %v", method, err)
		}
	}
}

// lateBody is read only after wait has returned.
type lateBody struct {
	io.Reader
	wait func()
	once sync.Once
}

func (b *lateBody) Read(p []byte) (int, error) {
	b.once.Do(b.wait)
	return b.Reader.Read(p)
}
