package wire

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// script is a backend that gives the bytes it was told to, whole, for each
// request, and closes the connection where they end with it.
type script struct {
	url string
	mu  sync.Mutex
	say []byte
	end bool
}

func newScript(t testing.TB) *script {
	s := &script{}
	s.url = rawBackend(t, func(conn net.Conn, r *bufio.Reader) {
		for {
			if _, err := readHead(r); err != nil {
				return
			}
			s.mu.Lock()
			say, end := s.say, s.end
			s.mu.Unlock()
			if _, err := conn.Write(say); err != nil || end {
				return
			}
		}
	})
	return s
}

// drawAnswer draws an answer to a request with the method. end says that it
// ends with the connection.
func drawAnswer(t *rapid.T, method string) (raw string, end bool) {
	var b strings.Builder
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "interim") {
		b.WriteString("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-A: 1\r\nX-A: 2\r\n\r\n")
	}
	code := rapid.SampledFrom([]int{200, 200, 200, 201, 202, 203, 204, 206, 301, 304, 400, 401, 404, 418, 429, 451, 500, 503, 599, 799}).Draw(t, "status")
	bodiless := method == "HEAD" || code == 204 || code == 304
	lines := append([]string{"Date: Thu, 01 Jan 1970 00:00:00 GMT"}, drawFields(t)...)
	version, body := "HTTP/1.1", ""
	switch kind := rapid.SampledFrom([]string{"framed", "framed", "framed", "end", "end of HTTP/1.0"}).Draw(t, "framing"); {
	case bodiless:
		if code != 204 && rapid.Bool().Draw(t, "length of what is not there") {
			lines = append(lines, "Content-Length: 1234")
		}
	case kind == "framed":
		var framing string
		if framing, body = drawBody(t, true); framing == "" {
			framing = "Content-Length: 0"
		}
		lines = append(lines, framing)
	default:
		if kind == "end of HTTP/1.0" {
			version = "HTTP/1.0"
		} else {
			lines = append(lines, "Connection: close")
		}
		body, end = bytesOf(valueBytes+"\r\n\x00", 0, 300).Draw(t, "bytes"), true
	}
	if rapid.IntRange(0, 5).Draw(t, "hops") == 0 && !end {
		lines = append(lines, rapid.SampledFrom([]string{"Connection: keep-alive", "Connection: x-hop\r\nX-Hop: 1", "Keep-Alive: timeout=5"}).Draw(t, "hop"))
	}
	lines = rapid.Permutation(lines).Draw(t, "order")
	reason := rapid.SampledFrom([]string{" OK", " ", " Any Reason", " \xe9"}).Draw(t, "reason")
	fmt.Fprintf(&b, "%s %d%s\r\n%s\r\n\r\n%s", version, code, reason, strings.Join(lines, "\r\n"), body)
	return b.String(), end
}

// Answers that are sound arrive through the path as they do directly.
func TestAnswersArriveTheSame(t *testing.T) {
	overBoth(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		s := newScript(t)
		run := start(t, newPath(t, s.url))
		rapid.Check(t, func(t *rapid.T) {
			method := rapid.SampledFrom([]string{"GET", "GET", "HEAD", "DELETE", "BREW"}).Draw(t, "method")
			raw, end := drawAnswer(t, method)
			s.mu.Lock()
			s.say, s.end = []byte(raw), end
			s.mu.Unlock()
			ask := func(addr string) (all []message) {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				in := &answers{bufio.NewReader(conn)}
				for n := range 2 {
					if n == 1 && (end || addr != run.addr) {
						break // a second one only where the connection is to stay
					}
					io.WriteString(conn, method+" / HTTP/1.1\r\nHost: h\r\n\r\n")
					interim, final, err := in.next(method)
					if err != nil {
						t.Fatalf("answer %d over %s: %v to\n%.500q", n, addr, err, raw)
					}
					all = append(append(all, interim...), final)
				}
				return all
			}
			direct, through := ask(strings.TrimPrefix(s.url, "http://")), ask(run.addr)
			if !end {
				direct = append(direct, direct...)
			}
			if len(direct) != len(through) {
				t.Fatalf("%d answers, want %d", len(through), len(direct))
			}
			for n := range direct {
				sameAnswer(t, direct[n], through[n])
			}
		})
	})
}

// sameAnswer takes a length as well as none, where the backend has said none.
// net/http's server leaves length and type of a 304 out, as it may (RFC 9110
// section 15.4.5), and the fast lane does as it does.
func sameAnswer(t rapid.TB, want, got message) {
	t.Helper()
	if want.first == "304" {
		want.length = ""
		delete(want.fields, "content-type")
	}
	if want.length == "" && got.length == fmt.Sprint(len(got.body)) {
		got.length = ""
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(message{})); d != "" {
		t.Fatalf("an answer differs (-directly +through the path):\n%s", d)
	}
}
