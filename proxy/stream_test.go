package proxy

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The first piece of an answer has to arrive while the backend still holds the
// next one back.
func TestAnswerStreams(t *testing.T) {
	for _, c := range []struct {
		reason string
		header http.Header
		first  string // "" is the head alone
	}{
		{"server-sent events", http.Header{"Content-Type": {"text/event-stream"}}, "data: 1\n\n"},
		{"the head of server-sent events", http.Header{"Content-Type": {"text/event-stream"}}, ""},
		{"an unknown length", http.Header{}, "hello"},
		{"a known length", http.Header{"Content-Length": {"10"}}, "hello"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			release := make(chan bool)
			w := newWorld(t, `
  - {name: all, match: "/*", stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
				for name, values := range c.header {
					w.Header()[name] = values
				}
				io.WriteString(w, c.first)
				http.NewResponseController(w).Flush()
				<-release
				io.WriteString(w, "world")
			}, nil)
			conn, in := dial(t, w.url)
			io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(c.first))
			if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != c.first {
				t.Fatalf("first %q, %v", got, err)
			}
			release <- true
			rest, err := io.ReadAll(res.Body)
			if err != nil || string(rest) != "world" {
				t.Errorf("then %q, %v", rest, err)
			}
		})
	}
}

// Both directions at once: the backend answers each line before the client
// sends the next.
func TestBothDirectionsStream(t *testing.T) {
	for _, method := range []string{"POST", "PUT"} {
		w := newWorld(t, `
  - {name: all, match: "/*"}`, func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).EnableFullDuplex()
			in := bufio.NewReader(r.Body)
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				io.WriteString(w, "got "+line)
				http.NewResponseController(w).Flush()
			}
		}, nil)
		conn, in := dial(t, w.url)
		fmt.Fprintf(conn, "%s / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", method)
		var body *bufio.Reader
		for n := range 3 {
			fmt.Fprintf(conn, "2\r\n%d\n\r\n", n)
			if body == nil {
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				body = bufio.NewReader(res.Body)
			}
			line, err := body.ReadString('\n')
			if err != nil || line != fmt.Sprintf("got %d\n", n) {
				t.Fatalf("%q, %v", line, err)
			}
		}
		io.WriteString(conn, "0\r\n\r\n")
		if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
			t.Errorf("then %q, %v", rest, err)
		}
	}
}

func TestAnswerTrailers(t *testing.T) {
	w := newWorld(t, `
  - {name: all, match: "/*", stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Told, Quack-Footprint")
		io.WriteString(w, "hello")
		w.Header().Set("X-Told", "1")
		w.Header().Set("Quack-Footprint", "x")
		w.Header().Set(http.TrailerPrefix+"X-Untold", "2")
	}, nil)
	res, body := w.ask("GET", "/", "")
	want := http.Header{"X-Told": {"1"}, "X-Untold": {"2"}}
	if d := cmp.Diff(want, res.Trailer); d != "" || body != "hello" {
		t.Errorf("%q, trailer (-want +got):\n%s", body, d)
	}
	if d := cmp.Diff(want, w.shadow.oneOffer(t).answer.Exchange.Trailer); d != "" {
		t.Errorf("to be compared (-want +got):\n%s", d)
	}
}

func TestRequestTrailers(t *testing.T) {
	got := make(chan http.Header, 1)
	w := newWorld(t, `
  - {name: after, match: POST /after}
  - {name: before, match: POST /before, stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		got <- r.Trailer
	}, nil)
	for _, path := range []string{"/after", "/before"} {
		conn, in := dial(t, w.url)
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Told\r\n\r\n"+
			"5\r\nhello\r\n0\r\nX-Told: 1\r\nX-Untold: 2\r\nQuack-Read-Only: 1\r\n"+
			"X-Forwarded-For: 6.6.6.6\r\nX_Forwarded_Proto: https\r\nForwarded: for=6.6.6.6\r\n\r\n", path)
		if _, err := http.ReadResponse(in, nil); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(http.Header{"X-Told": {"1"}, "X-Untold": {"2"}}, <-got); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
}

func TestEarlyHints(t *testing.T) {
	release := make(chan bool)
	w := newWorld(t, `
  - {name: all, match: "/*"}`, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.Header().Set("Quack-Footprint", "x")
		w.WriteHeader(http.StatusEarlyHints)
		<-release
		w.Header().Del("Link")
		io.WriteString(w, "hello")
	}, nil)
	conn, in := dial(t, w.url)
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	hints, err := readHead(in)
	if want := "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"; err != nil || hints != want {
		t.Fatalf("got %q, %v", hints, err)
	}
	release <- true
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != 200 || res.Header.Get("Link") != "" {
		t.Errorf("then %v, %v", res, err)
	}

	// HTTP/1.0 knows no such thing.
	conn, in = dial(t, w.url)
	io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n")
	release <- true
	if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != 200 {
		t.Errorf("HTTP/1.0: %v, %v", res, err)
	}
}

func TestEndlessInterimAnswers(t *testing.T) {
	url := rawBackend(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := readHead(r); err != nil {
			return
		}
		for {
			if _, err := io.WriteString(c, "HTTP/1.1 102 Processing\r\n\r\n"); err != nil {
				return
			}
		}
	})
	w := newWorld(t, `
  - {name: all, match: "/*"}`, url, nil)
	conn, in := dial(t, w.url)
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	for n := 0; ; n++ {
		head, err := readHead(in)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(head, "HTTP/1.1 502 ") {
			if n != maxInterim {
				t.Errorf("%d were passed on, want %d", n, maxInterim)
			}
			return
		}
	}
}

// The client is told to go on when the backend says so, and only then.
func TestExpectContinue(t *testing.T) {
	asked := make(chan bool)
	w := newWorld(t, `
  - {name: takes, match: POST /takes}
  - {name: refuses, match: POST /refuses}
  - {name: before, match: POST /before, stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/takes":
			if r.Header.Get("Expect") != "100-continue" {
				t.Errorf("Expect: %q", r.Header["Expect"])
			}
			asked <- true
			<-asked
			io.Copy(w, r.Body)
		case "/before":
			if _, ok := r.Header["Expect"]; ok {
				t.Error("the backend is asked again for what has come")
			}
			io.Copy(w, r.Body)
		case "/refuses":
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		}
	}, nil)
	const rest = " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"

	conn, in := dial(t, w.url)
	io.WriteString(conn, "POST /takes"+rest)
	<-asked
	if in.Buffered() > 0 {
		t.Error("told to go on before the backend was asked")
	}
	asked <- true
	if head, err := readHead(in); err != nil || head != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("%q, %v", head, err)
	}
	io.WriteString(conn, "hello")
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}

	conn, in = dial(t, w.url)
	io.WriteString(conn, "POST /refuses"+rest)
	if head, err := readHead(in); err != nil || !strings.HasPrefix(head, "HTTP/1.1 413 ") || !strings.Contains(head, "Connection: close") {
		t.Errorf("refused with %q, %v", head, err)
	}

	conn, in = dial(t, w.url)
	io.WriteString(conn, "POST /before"+rest)
	if head, err := readHead(in); err != nil || head != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("%q, %v", head, err)
	}
	io.WriteString(conn, "hello")
	if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != 200 {
		t.Errorf("%v, %v", res, err)
	}
}

// An answer that comes before the request has been sent whole ends the
// connection, so that the rest of the body is not taken for a request.
func TestAnswerBeforeTheEndOfTheRequest(t *testing.T) {
	for _, framing := range []string{"Content-Length: 1000000", "Transfer-Encoding: chunked"} {
		url := rawBackend(t, func(c net.Conn, r *bufio.Reader) {
			if _, err := readHead(r); err == nil {
				io.WriteString(c, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
				r.ReadByte() // until the proxy closes
			}
		})
		w := newWorld(t, `
  - {name: all, match: "/*", stage: shadow, safe: true}`, url, nil)
		conn, in := dial(t, w.url)
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\n"+framing+"\r\n\r\n")
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(res.Body); err != nil || string(b) != "no" || res.StatusCode != 401 || !res.Close {
			t.Errorf("%s: %d %q, close %t, %v", framing, res.StatusCode, b, res.Close, err)
		}
		io.WriteString(conn, "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
		if b, err := in.ReadByte(); err == nil {
			t.Errorf("%s: the connection goes on with %q", framing, b)
		}
		if got := w.counts.waitServed(t, 1); len(got) != 1 {
			t.Errorf("%s: served %v", framing, got)
		}
		if s := w.counts.skipped(); s != "all: aborted" {
			t.Errorf("%s: skipped %q", framing, s)
		}
	}
}

// A large body in both directions, with flat memory, also on a route that is
// compared.
func TestLargeBodies(t *testing.T) {
	const size = 16 << 20
	w := newWorld(t, `
  - {name: all, match: "/*", stage: shadow, safe: true}`, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		io.Copy(w, r.Body)
	}, nil)
	var before, peak runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	in, out := &digest{sum: sha256.New()}, &digest{sum: sha256.New()}
	req, err := http.NewRequest("POST", w.url, io.TeeReader(io.LimitReader(&digits{}, size), in))
	if err != nil {
		t.Fatal(err)
	}
	res, err := w.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.CopyN(out, res.Body, size/2); err != nil {
		t.Fatal(err)
	}
	runtime.GC() // what waits for it is not kept
	runtime.ReadMemStats(&peak)
	if _, err := io.Copy(out, res.Body); err != nil {
		t.Fatal(err)
	}
	if out.size != size || !bytes.Equal(in.sum.Sum(nil), out.sum.Sum(nil)) {
		t.Errorf("%d of %d bytes came back, or others", out.size, in.size)
	}
	if grown := int64(peak.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes in mid-transfer", grown)
	}
	w.counts.waitServed(t, 1)
	if s := w.counts.skipped(); s != "all: body-size" {
		t.Errorf("skipped %q", s)
	}
}

type digits struct{ n byte }

func (d *digits) Read(p []byte) (int, error) {
	for i := range p {
		d.n++
		p[i] = d.n
	}
	return len(p), nil
}

type digest struct {
	sum  hash.Hash
	size int64
}

func (d *digest) Write(p []byte) (int, error) {
	d.size += int64(len(p))
	return d.sum.Write(p)
}

// Requests in a row on one connection stay apart, whatever their framing.
func TestPipelinedRequests(t *testing.T) {
	var mu sync.Mutex
	var got []string
	w := newWorld(t, `
  - {name: all, match: "/*"}`, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		got = append(got, r.Method+" "+r.RequestURI+" "+string(b))
		mu.Unlock()
		w.Header().Set("X-Uri", r.RequestURI)
	}, nil)
	conn, in := dial(t, w.url)
	io.WriteString(conn, "POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"+
		"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"+
		"POST /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\ndef"+
		"HEAD /4 HTTP/1.1\r\nHost: h\r\n\r\n")
	reader := textproto.NewReader(in)
	for n := 1; n <= 4; n++ {
		line, err := reader.ReadLine()
		if err != nil {
			t.Fatal(err)
		}
		h, err := reader.ReadMIMEHeader()
		if err != nil || h.Get("X-Uri") != fmt.Sprint("/", n) {
			t.Errorf("answer %d: %s %v, %v", n, line, h, err)
		}
	}
	if d := cmp.Diff([]string{"POST /1 abc", "GET /2 ", "POST /3 def", "HEAD /4 "}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
