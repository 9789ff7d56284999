package upstream

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The answer may begin, and go on, while the body is sent.
func TestFullDuplex(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		w.Header().Set("Trailer", "X-Count")
		_ = rc.Flush()
		buf := make([]byte, 100)
		n := 0
		for {
			got, err := r.Body.Read(buf)
			w.Write(buf[:got])
			_ = rc.Flush()
			if n += got; err != nil {
				break
			}
		}
		w.Header().Set("X-Count", r.Trailer.Get("X-Sent")+"="+strings.Repeat("i", n))
	})
	i := newBackend(t, Options{Reuse: ReuseAlways}, srv.URL).Pick(nil)
	r, w := io.Pipe()
	req := request(t, "POST", "/", "", nil, r, -1)
	req.Trailer = http.Header{"X-Sent": nil}
	res, err := i.RoundTrip(req, false)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	for _, word := range []string{"one", "two", "three"} {
		io.WriteString(w, word)
		if n, err := io.ReadFull(res.Body, buf[:len(word)]); err != nil || string(buf[:n]) != word {
			t.Fatalf("%q, %v", buf[:n], err)
		}
	}
	req.Trailer.Set("X-Sent", "11")
	w.Close()
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
	res.Body.Close()
	if d := cmp.Diff(http.Header{"X-Count": {"11=" + strings.Repeat("i", 11)}}, res.Trailer); d != "" {
		t.Errorf("trailer (-want +got):\n%s", d)
	}
	if n := len(i.idle.idle); n != 1 {
		t.Errorf("%d connections kept, want 1", n)
	}
}

func TestExpect(t *testing.T) {
	for _, c := range []struct {
		reason string
		say    string // when the head has come
		want   string // that comes then
		status int
	}{
		{"the server asks for the body", "HTTP/1.1 100 Continue\r\n\r\n", "body", 201},
		{"it says something else first", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", "body", 201},
		{"it knows nothing of that", "", "body", 201},
		{"it does not want it", "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n", "", 417},
		{"it does not need it", "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", "", 201},
	} {
		got := make(chan string, 1)
		url := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			if _, err := readHead(r); err != nil {
				return
			}
			if r.Buffered() > 0 {
				t.Errorf("%s: the body came with the head", c.reason)
			}
			io.WriteString(conn, c.say)
			if c.want == "" {
				rest, _ := io.ReadAll(r)
				got <- string(rest)
				return
			}
			body := make([]byte, 4)
			_, _ = io.ReadFull(r, body)
			got <- string(body)
			io.WriteString(conn, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
		})
		i := newBackend(t, Options{Reuse: ReuseAlways}, url).Pick(nil)
		body := &closedOnce{Reader: strings.NewReader("body")}
		status, _, err := call(i, request(t, "POST", "/", "", http.Header{"Expect": {"100-continue"}}, body, 4), false)
		if err != nil || status != c.status {
			t.Errorf("%s: %d, %v", c.reason, status, err)
		}
		if s := <-got; s != c.want {
			t.Errorf("%s: %q arrived", c.reason, s)
		}
		i.helpers.wait()
		if n := body.closed.Load(); n != 1 {
			t.Errorf("%s: the body was closed %d times", c.reason, n)
		}
		if kept := len(i.idle.idle) == 1; kept != (c.want != "") {
			t.Errorf("%s: kept: %t", c.reason, kept)
		}
	}
}

type closedOnce struct {
	io.Reader
	closed atomic.Int64
}

func (c *closedOnce) Close() error {
	c.closed.Add(1)
	return nil
}

// An answer that comes before the body has ended is an answer; the connection
// is of no use any more.
func TestEarlyAnswer(t *testing.T) {
	for _, c := range []struct{ reason, answer, want string }{
		{"without a body", "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", ""},
		{"with one", "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!", "no!"},
		{"and a close", "HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\nno!", "no!"},
	} {
		url := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			_, _ = readHead(r)
			io.WriteString(conn, c.answer)
			if strings.Contains(c.answer, "close") {
				_ = conn.(*net.TCPConn).CloseWrite()
			}
			_, _ = io.Copy(io.Discard, r)
		})
		i := newBackend(t, Options{}, url).Pick(nil)
		r, w := io.Pipe()
		status, got, err := call(i, request(t, "POST", "/", "", nil, r, -1), false)
		if err != nil || status != 413 || got != c.want {
			t.Errorf("%s: %d %q, %v", c.reason, status, got, err)
		}
		i.helpers.wait() // the pipe was closed, and its reader woken
		if _, err := io.WriteString(w, "more"); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: the body is still read: %v", c.reason, err)
		}
		if n := len(i.idle.idle); n != 0 {
			t.Errorf("%s: the connection was kept", c.reason)
		}
	}
}

// A body that breaks off must not arrive as one that has ended, and the call
// fails with its error.
func TestBodyBreaksOff(t *testing.T) {
	long := strings.Repeat("x", 2*maxReadOnce)
	for _, c := range []struct {
		reason string
		body   string
		err    error
		length int64
		want   error
	}{
		{"a short one", "ab", errStop, 4, errStop},
		{"a long one", long, errStop, int64(len(long)) + 4, errStop},
		{"one without a length", "ab", errStop, -1, errStop},
		{"shorter than its length", "ab", io.EOF, 4, io.ErrUnexpectedEOF},
		{"a long one shorter than its length", long, io.EOF, int64(len(long)) + 4, io.ErrUnexpectedEOF},
	} {
		whole := make(chan bool, 1)
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			whole <- err == nil
		})
		i := newBackend(t, Options{}, srv.URL).Pick(nil)
		body := &closedOnce{Reader: io.MultiReader(strings.NewReader(c.body), failing{c.err})}
		_, _, err := call(i, request(t, "POST", "/", "", nil, body, c.length), false)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", c.reason, err)
		}
		i.helpers.wait()
		if n := body.closed.Load(); n != 1 {
			t.Errorf("%s: the body was closed %d times", c.reason, n)
		}
		if n := i.calls.Load(); n != 0 {
			t.Errorf("%s: %d calls under way", c.reason, n)
		}
		if c.body == long || c.length < 0 {
			if <-whole {
				t.Errorf("%s: arrived as if it had ended", c.reason)
			}
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Nothing more than the length is sent: what follows would be a request.
func TestBodyIsNotLongerThanItsLength(t *testing.T) {
	for _, length := range []int{3, maxReadOnce + 3} {
		url := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			_, _ = readHead(r)
			_, _ = io.CopyN(io.Discard, r, int64(length))
			if r.Buffered() > 0 {
				t.Error("more than the length has come")
			}
			io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		})
		i := newBackend(t, Options{}, url).Pick(nil)
		body := io.MultiReader(strings.NewReader(strings.Repeat("x", length) + "GET / HTTP/1.1\r\n\r\n"))
		if _, _, err := call(i, request(t, "POST", "/", "", nil, body, int64(length)), false); err != nil {
			t.Error(err)
		}
	}
}

func TestRefusedHeads(t *testing.T) {
	i := newBackend(t, Options{}, "http://127.0.0.1:1").Pick(nil)
	for _, c := range []struct {
		reason string
		change func(*http.Request)
	}{
		{"a second line in a value", func(r *http.Request) { r.Header["X"] = []string{"a\r\nY: b"} }},
		{"NUL in a value", func(r *http.Request) { r.Header["X"] = []string{"a\x00"} }},
		{"a colon in a name", func(r *http.Request) { r.Header["X:"] = []string{"a"} }},
		{"an empty name", func(r *http.Request) { r.Header[""] = []string{"a"} }},
		{"a space in the method", func(r *http.Request) { r.Method = "GET /" }},
		{"no method", func(r *http.Request) { r.Method = "" }},
		{"a second line in the host", func(r *http.Request) { r.Host = "a\r\nX: b" }},
		{"a space in the host", func(r *http.Request) { r.Host = "a b" }},
		{"framing as a trailer", func(r *http.Request) { r.Trailer = http.Header{"Content-Length": {"1"}} }},
		{"a bad name of a trailer", func(r *http.Request) { r.Trailer = http.Header{"a b": {"1"}} }},
	} {
		body := &closedOnce{Reader: strings.NewReader("body")}
		req := request(t, "POST", "/", "", nil, body, -1)
		c.change(req)
		if _, _, err := call(i, req, true); err == nil || NotSent(err) {
			t.Errorf("%s: got %v", c.reason, err)
		}
		if n := body.closed.Load(); n != 1 {
			t.Errorf("%s: the body was closed %d times", c.reason, n)
		}
	}
}

// What the proxy asks to decide whether to flush.
func TestWhole(t *testing.T) {
	type ready interface {
		Buffered() int
		Whole() bool
	}
	large := strings.Repeat("x", 2*readSize)
	for _, c := range []struct {
		reason   string
		raw      string // behind the status line
		buffered int
		whole    bool
	}{
		{"a body that came with its head", "Content-Length: 5\r\n\r\nhello", 5, true},
		{"a part of it", "Content-Length: 6\r\n\r\nhello", 5, false},
		{"none of it", "Content-Length: 5\r\n\r\n", 0, false},
		{"more than the buffer has", "Content-Length: 8192\r\n\r\n" + large, -1, false},
		{"chunks to their end", "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\n\r\n", -1, true},
		{"chunks with a trailer", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n", -1, true},
		{"half a trailer", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n", -1, false},
		{"no last chunk", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", -1, false},
		{"half a chunk", "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", -1, false},
		{"chunks that are none", "Transfer-Encoding: chunked\r\n\r\nx\r\n", -1, true},
		{"an end that only the connection's end can tell", "\r\nhello", 5, false},
	} {
		hold := make(chan bool)
		url := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			_, _ = readHead(r)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+c.raw)
			<-hold
		})
		res, err := newBackend(t, Options{}, url).Pick(nil).RoundTrip(request(t, "GET", "/", "", nil, nil, 0), true)
		if err != nil {
			t.Fatal(err)
		}
		b := res.Body.(ready)
		if got := b.Buffered(); c.buffered >= 0 && got != c.buffered {
			t.Errorf("%s: %d bytes buffered, want %d", c.reason, got, c.buffered)
		}
		if b.Whole() != c.whole {
			t.Errorf("%s: whole is %t", c.reason, !c.whole)
		}
		if c.whole {
			_, _ = io.ReadAll(res.Body) // does not wait for the server
			if b.Buffered() != 0 || !b.Whole() {
				t.Errorf("%s: something is left behind the end", c.reason)
			}
		}
		res.Body.Close()
		if _, err := res.Body.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: can be read after its close", c.reason)
		}
		close(hold)
	}
}

// A read that has something does not wait for more.
func TestReadDoesNotWait(t *testing.T) {
	for _, head := range []string{"Content-Length: 10\r\n\r\n", "\r\n", "Transfer-Encoding: chunked\r\n\r\n3\r\n"} {
		hold := make(chan bool)
		url := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			_, _ = readHead(r)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+head+"abc")
			if strings.Contains(head, "chunked") {
				io.WriteString(conn, "\r\n0\r\n") // and no end of the trailer yet
			}
			<-hold
		})
		res, err := newBackend(t, Options{}, url).Pick(nil).RoundTrip(request(t, "GET", "/", "", nil, nil, 0), true)
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan string)
		go func() {
			buf := make([]byte, 100)
			n, _ := io.ReadAtLeast(res.Body, buf, 3)
			got <- string(buf[:n])
		}()
		select {
		case s := <-got:
			if s != "abc" {
				t.Errorf("%q: got %q", head, s)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%q: waits", head)
		}
		close(hold)
		res.Body.Close()
	}
}
