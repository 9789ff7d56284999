package proxy

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quackproxy/quack/upstream"
)

// addresses are what an answer to a client must not have in it: of a backend or
// its instances, of Go's errors, of a stack.
var addresses = regexp.MustCompile(`127\.0\.0\.1|localhost|\[::1\]|dial tcp|connection re|goroutine|\.go:|monolith|accounts|EOF|upstream`)

// Every answer of Quack's own, in both forms: the right status, the request's
// id, and nothing of where.
func TestErrorAnswersTellNothing(t *testing.T) {
	const routes = `
  - {name: idle, match: "/idle", timeout: 20s, expose: true, limits: {idle: 50ms}}
  - {name: late, match: "/late", timeout: 100ms, expose: true}
  - {name: all, match: "/*", timeout: 20s, expose: true, limits: {request_body: 100B, request_header: 1KiB}}`
	nothing := func(http.ResponseWriter, *http.Request) {}
	reads := func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }
	hang := func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	dead, _ := deaf(t)
	var got atomic.Int64
	for _, c := range []struct {
		reason  string
		backend any
		request string // the head's first lines
		use     upstream.Options
		times   int // the last answer counts
		status  int
		kind    string
		retry   bool // Retry-After
	}{
		{"refused", dead, "GET / HTTP/1.1\r\n", upstream.Options{}, 1, 502, "backend-unreachable", false},
		{"no such host", "http://nowhere.invalid:1", "GET / HTTP/1.1\r\n", upstream.Options{}, 1, 502, "backend-unreachable", false},
		{"no TLS", "https://" + strings.TrimPrefix(urlOf(t, nothing), "http://"), "GET / HTTP/1.1\r\n", upstream.Options{}, 1, 502, "backend-unreachable", false},
		{"broke off", badly(t, "eof", &got), "POST / HTTP/1.1\r\n", upstream.Options{}, 1, 502, "backend-unreachable", false},
		{"reset", badly(t, "reset", &got), "POST / HTTP/1.1\r\n", upstream.Options{}, 1, 502, "backend-unreachable", false},
		{"an answer that is none", badly(t, "no answer", &got), "GET / HTTP/1.1\r\n", upstream.Options{}, 1, 502, "backend-unreachable", false},
		{"too late", hang, "GET /late HTTP/1.1\r\n", upstream.Options{}, 1, 504, "backend-timeout", false},
		{"the breaker is open", dead, "GET / HTTP/1.1\r\n", upstream.Options{Breaker: upstream.Breaker{Failures: 1, For: 16 * 90 * time.Second}}, 2, 503, "backend-away", true},
		{"too large a body", nothing, "POST / HTTP/1.1\r\nContent-Length: 101\r\n", upstream.Options{}, 1, 413, "body-size", false},
		{"too large a header", nothing, "GET / HTTP/1.1\r\nX-A: " + strings.Repeat("x", 1024) + "\r\n", upstream.Options{}, 1, 431, "header-size", false},
		{"too long a target", nothing, "GET /" + strings.Repeat("x", 1024) + " HTTP/1.1\r\n", upstream.Options{}, 1, 414, "target-size", false},
		{"a body that stands still", reads, "POST /idle HTTP/1.1\r\nContent-Length: 5\r\n", upstream.Options{}, 1, 408, "body-idle", false},
		{"TRACE", nothing, "TRACE / HTTP/1.1\r\n", upstream.Options{}, 1, 501, "method", false},
	} {
		for _, accept := range []string{"*/*", "text/html"} {
			t.Run(c.reason+" "+accept, func(t *testing.T) {
				w := newWorld(t, routes, c.backend, nil)
				w.use(c.use)
				var res *http.Response
				var body []byte
				for range c.times {
					var err error
					conn, in := dial(t, w.url)
					io.WriteString(conn, c.request+"Host: shop.example\r\nAccept: "+accept+"\r\n\r\n")
					if res, err = http.ReadResponse(in, nil); err != nil {
						t.Fatal(err)
					}
					if body, err = io.ReadAll(res.Body); err != nil {
						t.Fatal(err)
					}
				}
				if res.StatusCode != c.status {
					t.Fatalf("status %d, want %d: %s", res.StatusCode, c.status, body)
				}
				var all strings.Builder
				_ = res.Header.Write(&all)
				all.Write(body)
				if where := addresses.FindString(all.String()); where != "" {
					t.Errorf("the client is told %q:\n%s", where, all.String())
				}
				if id := res.Header.Get("Quack-Request-Id"); c.status != 501 && (id == "" || !strings.Contains(string(body), id)) {
					t.Errorf("request id %q is not in the body:\n%s", id, body)
				}
				if after := res.Header.Get("Retry-After"); (after == "90") != c.retry || !c.retry && after != "" {
					t.Errorf("Retry-After %q", after)
				}
				if accept == "text/html" {
					return
				}
				var p struct{ Type, Title, Detail string }
				if err := json.Unmarshal(body, &p); err != nil || p.Type != "https://quackproxy.github.io/problems/"+c.kind || p.Title == "" || p.Detail == "" ||
					res.Header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%v: %s", err, body)
				}
			})
		}
	}
	if u, err := url.Parse(dead); err != nil || !addresses.MatchString(u.Host) {
		t.Error("the test would not see an address")
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(dead, "http://")); err == nil || !addresses.MatchString(err.Error()) {
		t.Error("the test would not see an error of Go's")
	}
}
