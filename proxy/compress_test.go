package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnswersAreCompressed(t *testing.T) {
	long := strings.Repeat(`{"a": 1}`, 1000)
	plain := http.Header{"Content-Type": {"application/json"}}
	with := func(pairs ...string) http.Header {
		h := plain.Clone()
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	for _, c := range []struct {
		reason string
		path   string
		method string
		accept string
		status int
		header http.Header
		body   string
		want   string // coding
		vary   string
	}{
		{"gzip", "/", "GET", "gzip", 200, plain, long, "gzip", "Accept-Encoding"},
		{"zstd", "/", "GET", "gzip, zstd", 200, plain, long, "zstd", "Accept-Encoding"},
		{"an error is an answer", "/", "GET", "gzip", 500, plain, long, "gzip", "Accept-Encoding"},
		{"the client takes none, but another might", "/", "GET", "", 200, plain, long, "", "Accept-Encoding"},
		{"the route does not say so", "/off", "GET", "gzip", 200, plain, long, "", ""},
		{"as long as it takes", "/", "GET", "gzip", 200, plain, long[:1024], "gzip", "Accept-Encoding"},
		{"too short", "/", "GET", "gzip", 200, plain, long[:1023], "", ""},
		{"HEAD", "/", "HEAD", "gzip", 200, with("Content-Length", "8000"), "", "", "Accept-Encoding"},
		{"no content", "/", "GET", "gzip", 204, plain, "", "", ""},
		{"not modified", "/", "GET", "gzip", 304, plain, "", "", ""},
		{"a part", "/", "GET", "gzip", 206, with("Content-Range", "bytes 0-7999/9000"), long, "", ""},
		{"coded by the backend", "/", "GET", "gzip", 200, with("Content-Encoding", "x-own"), long, "x-own", ""},
		{"not to be touched", "/", "GET", "gzip", 200, with("Cache-Control", "no-transform"), long, "", ""},
		{"an image", "/", "GET", "gzip", 200, with("Content-Type", "image/png"), long, "", ""},
		{"a digest", "/", "GET", "gzip", 200, with("Content-Digest", "sha-256=:x:"), long, "", ""},
		{"Vary is added to", "/", "GET", "gzip", 200, with("Vary", "Cookie"), long, "gzip", "Cookie, Accept-Encoding"},
		{"Vary says so already", "/", "GET", "gzip", 200, with("Vary", "accept-encoding"), long, "gzip", "accept-encoding"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			w := newWorld(t, `
  - {name: off, match: "/off", stage: shadow}
  - {name: all, match: "/*", stage: shadow, compress: true}`, func(w http.ResponseWriter, r *http.Request) {
				h := w.Header()
				for name, values := range c.header {
					h[name] = values
				}
				h.Set("Etag", `"v1"`)
				h.Set("Accept-Ranges", "bytes")
				if c.body != "" {
					h.Set("Content-Length", fmt.Sprint(len(c.body)))
				}
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			}, nil)
			var header []string
			if c.accept != "" {
				header = []string{"Accept-Encoding", c.accept}
			}
			res, got := w.ask(c.method, c.path, "", header...)
			if coding := res.Header.Get("Content-Encoding"); coding != c.want {
				t.Fatalf("coding %q, want %q", coding, c.want)
			}
			packed := c.want == "gzip" || c.want == "zstd"
			if packed {
				if len(got) >= len(c.body) {
					t.Errorf("%d bytes of %d", len(got), len(c.body))
				}
				got = decoded(t, c.want, strings.NewReader(got))
			}
			if got != c.body || res.StatusCode != c.status {
				t.Errorf("status %d, %d bytes of %d", res.StatusCode, len(got), len(c.body))
			}
			tag, ranges := `"v1"`, "bytes"
			if packed {
				tag, ranges = `W/"v1"`, ""
			}
			have := []string{strings.Join(res.Header["Vary"], ", "), res.Header.Get("Etag"), res.Header.Get("Accept-Ranges")}
			if d := cmp.Diff([]string{c.vary, tag, ranges}, have); d != "" {
				t.Errorf("header (-want +got):\n%s", d)
			}
			if packed != (res.ContentLength < 0) {
				t.Errorf("length %d", res.ContentLength)
			}
			o := w.shadow.oneOffer(t).answer.Exchange
			if string(o.Body) != c.body || o.Header.Get("Etag") != `"v1"` || packed && o.Header.Get("Content-Encoding") != "" {
				t.Errorf("what is compared is not the backend's answer: %d bytes, %v", len(o.Body), o.Header)
			}
		})
	}
}

// Each piece of a stream is out before the next is there, and the trailer
// comes at the end.
func TestCompressedAnswerStreams(t *testing.T) {
	for _, coding := range []string{"gzip", "zstd"} {
		for _, media := range []string{"text/event-stream", "application/json"} {
			next := make(chan bool)
			w := newWorld(t, `
  - {name: all, match: "/*", compress: true}`, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", media)
				w.Header().Set("Trailer", "X-Sum")
				for n := range 2 {
					fmt.Fprintf(w, "data: %d\n", n)
					http.NewResponseController(w).Flush()
					<-next
				}
				w.Header().Set("X-Sum", "7")
			}, nil)
			conn, in := dial(t, w.url)
			io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: "+coding+"\r\n\r\n")
			res, err := http.ReadResponse(in, nil)
			if err != nil || res.Header.Get("Content-Encoding") != coding {
				t.Fatalf("%v, %v", res, err)
			}
			lines := bufio.NewReader(reader(t, coding, res.Body))
			for n := range 2 {
				if got, err := lines.ReadString('\n'); err != nil || got != fmt.Sprintf("data: %d\n", n) {
					t.Errorf("%s %s: %q, %v", coding, media, got, err)
				}
				next <- true
			}
			if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
				t.Errorf("%s %s: then %q, %v", coding, media, rest, err)
			}
			io.Copy(io.Discard, res.Body)
			if res.Trailer.Get("X-Sum") != "7" {
				t.Errorf("%s %s: trailer %v", coding, media, res.Trailer)
			}
		}
	}
}

// An answer that breaks off does not look whole because it is compressed.
func TestCompressedAnswerBreaksOff(t *testing.T) {
	w := newWorld(t, `
  - {name: all, match: "/*", compress: true}`, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "hello")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, nil)
	req, err := http.NewRequest("GET", w.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	res, err := w.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("%d bytes and no error", len(got))
	}
}

// The cache keeps what the backend sent; each client gets it as it likes it.
func TestCachedAnswersAreCompressed(t *testing.T) {
	long := strings.Repeat(`{"a": 1}`, 1000)
	asked := 0
	w := newWorld(t, `
  - {name: all, match: "GET /", compress: true, cache: {ttl: 10m}}`, func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Etag", `"v1"`)
		io.WriteString(w, long)
	}, nil)
	for _, coding := range []string{"gzip", "zstd", "", "gzip"} {
		res, got := w.ask("GET", "/", "", "Accept-Encoding", coding)
		if res.Header.Get("Content-Encoding") != coding || decoded(t, coding, strings.NewReader(got)) != long || res.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %d bytes, %v", coding, len(got), res.Header)
		}
	}
	if asked != 1 {
		t.Errorf("the backend was asked %d times", asked)
	}
}

// Clients that take their time can not have any number of encoders: over the
// bound answers go out as they are.
func TestEncodersAreBounded(t *testing.T) {
	long := strings.Repeat(`{"a": 1}`, 1000)
	w := newWorld(t, `
  - {name: all, match: "/*", compress: true}`, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, long)
	}, nil)
	p := w.server.Config.Handler.(*proxy)
	all := p.encoders.left.Load()
	p.encoders.take(all)
	for n, want := range []string{"", "gzip", "gzip"} {
		res, body := w.ask("GET", "/", "", "Accept-Encoding", "gzip")
		if got := res.Header.Get("Content-Encoding"); got != want || want == "" && body != long {
			t.Errorf("answer %d is coded as %q, want %q, and has %d bytes", n, got, want, len(body))
		}
		if got := res.Header.Get("Vary"); got != "Accept-Encoding" {
			t.Errorf("answer %d: Vary %q", n, got)
		}
		w.counts.waitServed(t, n+1)
		if n == 0 {
			p.encoders.give(all)
		}
		if left := p.encoders.left.Load(); left != all {
			t.Errorf("after answer %d %d bytes are left of %d", n, left, all)
		}
	}
}
