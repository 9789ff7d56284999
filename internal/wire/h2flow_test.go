package wire

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// sized answers with as many bytes as ?n= says.
func sized(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	w.Header().Set("Content-Length", strconv.Itoa(n))
	io.WriteString(w, strings.Repeat("x", n))
}

func TestH2AnswerWaitsForTheStreamsWindow(t *testing.T) {
	url := newBackend(t, sized)
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		c := newH2(t, start(t, newPath(t, url)), http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		id := c.open(true, request("GET", "/?n=100")...)
		e := c.await("the head", func(e event) bool { return e.kind == http2.FrameHeaders && e.stream == id })
		if value(e.fields, ":status") != "200" || e.end {
			t.Errorf("head %v, end %t", e.fields, e.end)
		}
		// The answers to PINGs stand for time that the server had.
		for range 3 {
			if n := dataOf(c.ping(), id); n != 0 {
				t.Fatalf("%d bytes came with a window of 0", n)
			}
		}
		for _, step := range []uint32{5, 1, 60} {
			c.window(id, step)
			got := 0
			for got < int(step) {
				e := c.await("data", func(e event) bool { return e.kind == http2.FrameData })
				got += len(e.data)
			}
			if more := dataOf(c.ping(), id); got+more != int(step) {
				t.Errorf("%d bytes came for a window of %d", got+more, step)
			}
		}
		c.window(id, 1000)
		if a := c.answer(id); len(a.body) != 34 || a.reset != nil {
			t.Errorf("the rest is %d bytes, reset %v", len(a.body), a.reset)
		}
	})
}

func TestH2AnswersWaitForTheConnectionsWindow(t *testing.T) {
	url := newBackend(t, sized)
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		c := newH2(t, start(t, newPath(t, url)), http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
		first := c.open(true, request("GET", "/?n=100000")...)
		got := 0
		for got < 65535 { // RFC 9113 section 6.9.2
			got += len(c.await("data", func(e event) bool { return e.kind == http2.FrameData }).data)
		}
		second := c.open(true, request("GET", "/?n=10")...)
		c.await("a head without its body", func(e event) bool { return e.kind == http2.FrameHeaders && e.stream == second })
		if more := dataOf(c.ping(), 0); got+more != 65535 {
			t.Errorf("%d bytes came over a connection with a window of 65535", got+more)
		}
		c.window(0, 1<<20)
		left := map[uint32]int{first: 100000 - 65535, second: 10}
		for len(left) > 0 {
			e := c.await("the rest", func(e event) bool { return e.kind == http2.FrameData })
			left[e.stream] -= len(e.data)
			if e.end {
				if left[e.stream] != 0 {
					t.Errorf("stream %d ended with %d bytes missing", e.stream, left[e.stream])
				}
				delete(left, e.stream)
			}
		}
	})
}

// Settings change the windows of streams that are open already, also to less
// than nothing (RFC 9113 section 6.9.2).
func TestH2WindowsFollowSettings(t *testing.T) {
	url := newBackend(t, sized)
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		c := newH2(t, start(t, newPath(t, url)), http2.Setting{ID: http2.SettingInitialWindowSize, Val: 100})
		id := c.open(true, request("GET", "/?n=1000")...)
		for got := 0; got < 100; {
			got += len(c.await("data", func(e event) bool { return e.kind == http2.FrameData }).data)
		}
		c.write(func(fr *http2.Framer) error {
			return fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 40})
		})
		c.window(id, 60) // brings -60 to 0
		if n := dataOf(c.ping(), id); n != 0 {
			t.Errorf("%d bytes came with a window of 0", n)
		}
		c.write(func(fr *http2.Framer) error {
			return fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65535})
		})
		if a := c.answer(id); len(a.body) != 900 {
			t.Errorf("the rest is %d bytes, want 900", len(a.body))
		}
	})
}

// An answer's frames are no larger than the client allows, and its header is
// split where it has to be.
func TestH2FrameSize(t *testing.T) {
	long := strings.Repeat("v", 40000)
	url := newBackend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Long", long)
		sized(w, r)
	})
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		c := newH2(t, start(t, newPath(t, url)), http2.Setting{ID: http2.SettingMaxFrameSize, Val: 16384})
		a := c.answer(c.open(true, request("GET", "/?n=60000")...))
		if a.get("x-long") != long || len(a.body) != 60000 {
			t.Errorf("%d bytes of header, %d of body", len(a.get("x-long")), len(a.body))
		}
	})
}

// Who uploads gets windows only as the backend reads, over all buffers between
// them.
func TestH2UploadWaitsForTheBackend(t *testing.T) {
	const size, bound = 64 << 20, 32 << 20
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		release := make(chan bool)
		sum := make(chan string, 1)
		url := rawBackend(t, func(conn net.Conn, r *bufio.Reader) {
			_ = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
			if _, err := readHead(r); err != nil {
				return
			}
			<-release
			h := sha256.New()
			n, err := io.CopyN(h, r, size)
			sum <- fmt.Sprintf("%d %x %v", n, h.Sum(nil), err)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		})
		c := newH2(t, start(t, newPath(t, url)))
		id := c.open(false, request("POST", "/", field("content-length", strconv.Itoa(size)))...)

		sent := &atomic.Int64{}
		h := sha256.New()
		done := make(chan answer, 1)
		go c.upload(id, size, io.MultiWriter(h, countTo{sent}), done)
		stalled(t, sent, bound)
		close(release)
		if a := receive(t, "the answer", done); a.status() != 200 || a.reset != nil {
			t.Fatalf("answered %v, reset %v", a.fields, a.reset)
		}
		if got, want := receive(t, "the upload", sum), fmt.Sprintf("%d %x %v", size, h.Sum(nil), nil); got != want {
			t.Errorf("the backend got %s, want %s", got, want)
		}
	})
}

// upload sends size bytes as the windows allow and hands over the answer.
func (c *h2) upload(id uint32, size int64, sent io.Writer, done chan<- answer) {
	var a answer
	defer func() { done <- a }()
	window := map[uint32]int64{0: 65535, id: int64(c.limits[http2.SettingInitialWindowSize])}
	piece := make([]byte, 16384)
	for size > 0 {
		n := min(size, window[0], window[id], int64(len(piece)))
		for n <= 0 {
			e, ok := <-c.came
			if !ok || e.kind == connectionEnd || e.kind == http2.FrameRSTStream || e.kind == http2.FrameHeaders {
				a.reset = &e.code
				return
			}
			window[e.stream] += int64(e.amount)
			n = min(size, window[0], window[id], int64(len(piece)))
		}
		piece[0]++
		size -= n
		window[0], window[id] = window[0]-n, window[id]-n
		if c.send(func(fr *http2.Framer) error { return fr.WriteData(id, size == 0, piece[:n]) }) != nil {
			return
		}
		_, _ = sent.Write(piece[:n]) // a hash and a counter
	}
	for e := range c.came {
		if e.stream == id && e.kind == http2.FrameHeaders {
			a.headers(e)
		}
		if e.kind == http2.FrameRSTStream {
			a.reset = &e.code
		}
		if e.end || e.kind == connectionEnd || a.reset != nil {
			return
		}
	}
}

type countTo struct{ n *atomic.Int64 }

func (c countTo) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

// stalled waits until n stands still, and fails when it goes over bound.
func stalled(t *testing.T, n *atomic.Int64, bound int64) {
	t.Helper()
	for before := int64(-1); ; time.Sleep(300 * time.Millisecond) {
		now := n.Load()
		switch {
		case now > bound:
			t.Fatalf("%d bytes were taken while the backend read nothing", now)
		case now == before && now > 0:
			return
		}
		before = now
	}
}
