package proxy

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

const packing = `
version: 1
backends:
  monolith: {urls: ["LEGACY"], compress: {type: %s, over: 1KiB}}
  accounts: {urls: ["NEW"], rollback: header}
defaults: {legacy: monolith, new: accounts}
routes:
  - {name: all, match: "/*", stage: shadow, safe: true}
  - {name: plain, match: "/plain"}
`

// arrived is a request as a backend got it.
type arrived struct {
	header   http.Header
	trailer  http.Header
	coding   string
	transfer string
	length   int64
	raw      int
	body     string
}

func noteArrival(t *testing.T, to chan<- arrived) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		a := arrived{
			header: r.Header, trailer: r.Trailer, coding: r.Header.Get("Content-Encoding"),
			transfer: strings.Join(r.TransferEncoding, ","), length: r.ContentLength, raw: len(raw),
		}
		a.body = decoded(t, a.coding, strings.NewReader(string(raw)))
		to <- a
	}
}

func TestRequestBodiesAreCompressed(t *testing.T) {
	long := strings.Repeat(`{"a": 1}`, 1000)
	noise := make([]byte, 2000)
	rand.NewChaCha8([32]byte{}).Read(noise)
	for _, c := range []struct {
		reason, method, path, body string
		header                     []string
		packed                     bool
		length                     bool // the compressed length is said
	}{
		{"JSON over the size, streamed", "POST", "/plain", long + long + long, []string{"Content-Type", "application/json"}, true, false},
		{"a small body, whole", "POST", "/plain", long, []string{"Content-Type", "application/json"}, true, true},
		{"a small body of an idempotent request, whole", "PUT", "/plain", long, []string{"Content-Type", "application/json"}, true, true},
		{"a form", "POST", "/x", long, []string{"Content-Type", "application/x-www-form-urlencoded"}, true, true},
		{"as long as the size", "POST", "/x", long[:1024], []string{"Content-Type", "application/json"}, false, true},
		{"longer by one", "POST", "/x", long[:1025], []string{"Content-Type", "application/json"}, true, true},
		{"an image", "POST", "/x", long, []string{"Content-Type", "image/png"}, false, true},
		{"no type", "POST", "/x", long, nil, false, true},
		{"coded already", "POST", "/x", long, []string{"Content-Type", "text/plain", "Content-Encoding", "identity"}, false, true},
		{"a digest", "POST", "/x", long, []string{"Content-Type", "text/plain", "Content-Digest", "sha-256=:x:"}, false, true},
		{"a signature", "POST", "/x", long, []string{"Content-Type", "text/plain", "X-Hub-Signature-256", "x"}, false, true},
		{"what does not get smaller goes as it is", "PUT", "/x", string(noise), []string{"Content-Type", "text/plain"}, false, true},
	} {
		for _, coding := range []string{"gzip", "zstd"} {
			t.Run(coding+" "+c.reason, func(t *testing.T) {
				got := make(chan arrived, 1)
				w := newWorld(t, fmt.Sprintf(packing, coding), noteArrival(t, got), nil)
				if res, _ := w.ask(c.method, c.path, c.body, c.header...); res.StatusCode != 200 {
					t.Fatalf("status %d", res.StatusCode)
				}
				a := <-got
				if a.body != c.body && a.coding != "identity" {
					t.Errorf("a body of %d bytes arrived as %d", len(c.body), len(a.body))
				}
				if packed := a.coding == coding; packed != c.packed || packed && a.raw >= len(c.body) {
					t.Errorf("coding %q, %d bytes of %d", a.coding, a.raw, len(c.body))
				}
				if c.length != (a.length == int64(a.raw)) || c.length == (a.transfer == "chunked") {
					t.Errorf("length %d of %d, transfer %q", a.length, a.raw, a.transfer)
				}
				if c.path == "/x" {
					o := w.shadow.oneOffer(t)
					if string(o.request.Body) != c.body || o.request.Header.Get("Content-Encoding") == coding {
						t.Errorf("the shadow gets %d bytes and %v", len(o.request.Body), o.request.Header)
					}
				}
			})
		}
	}
}

// A body without a length is compressed as it comes: each piece arrives while
// the next is held back, and the trailer at its end.
func TestCompressedUploadStreams(t *testing.T) {
	for _, coding := range []string{"gzip", "zstd"} {
		seen, ended := make(chan string), make(chan http.Header, 1)
		w := newWorld(t, fmt.Sprintf(packing, coding), rawBackend(t, func(c net.Conn, r *bufio.Reader) {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if got := req.Header.Get("Content-Encoding"); got != coding {
				t.Errorf("coding %q", got)
			}
			body := reader(t, coding, req.Body)
			for range 2 {
				piece := make([]byte, len("piece 1\n"))
				if _, err := io.ReadFull(body, piece); err != nil {
					t.Error(err)
				}
				seen <- string(piece)
			}
			if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
				t.Errorf("then %q, %v", rest, err)
			}
			io.Copy(io.Discard, req.Body)
			ended <- req.Trailer
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}), nil)
		conn, in := dial(t, w.url)
		io.WriteString(conn, "POST /plain HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
		for n := 1; n <= 2; n++ {
			fmt.Fprintf(conn, "8\r\npiece %d\n\r\n", n)
			if got, want := <-seen, fmt.Sprintf("piece %d\n", n); got != want {
				t.Errorf("%s: %q, want %q", coding, got, want)
			}
		}
		io.WriteString(conn, "0\r\nX-Sum: 7\r\n\r\n")
		if got := (<-ended).Get("X-Sum"); got != "7" {
			t.Errorf("%s: trailer %q", coding, got)
		}
		if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != 200 {
			t.Errorf("%s: %v, %v", coding, res, err)
		}
	}
}

// A compressed body can be sent again, also to a backend that takes it plain.
func TestCompressedBodyIsSentAgain(t *testing.T) {
	long := strings.Repeat(`{"a": 1}`, 1000)
	for _, c := range []struct {
		reason, lines, want string
	}{
		{"to another instance", `
  monolith: {urls: ["BAD", "LEGACY"], compress: gzip}
  accounts: {urls: ["NEW"]}
defaults: {legacy: monolith, new: accounts}
routes: [{name: all, match: "/*"}]`, ""},
		{"to another backend", `
  monolith: {urls: ["LEGACY"]}
  accounts: {urls: ["BAD"], compress: {type: gzip, over: 1KiB}}
defaults: {legacy: monolith, new: accounts}
routes: [{name: all, match: "/*", stage: verify, shadow: {sample: 0%}}]`, ""},
	} {
		var bad atomic.Int64
		got := make(chan arrived, 1)
		src := strings.Replace("version: 1\nbackends:"+c.lines, "BAD", badly(t, "eof", &bad), 1)
		w := newWorld(t, strings.Replace(src, "compress: gzip", "compress: {type: gzip, over: 1KiB}", 1), noteArrival(t, got), nil)
		if res, _ := w.ask("PUT", "/", long, "Content-Type", "application/json"); res.StatusCode != 200 {
			t.Fatalf("%s: status %d", c.reason, res.StatusCode)
		}
		a := <-got
		if a.body != long || bad.Load() != 1 {
			t.Errorf("%s: %d bytes after %d failures", c.reason, len(a.body), bad.Load())
		}
		if want := map[bool]string{true: "gzip", false: ""}[c.reason == "to another instance"]; a.coding != want {
			t.Errorf("%s: coding %q, want %q", c.reason, a.coding, want)
		}
	}
}
