package proxy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quackproxy/quack/internal/redact"
)

// records is an access log that tests read.
type records struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *records) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// all waits for n records.
func (r *records) all(t *testing.T, n int) []map[string]any {
	t.Helper()
	until(t, "records", func() bool { return strings.Count(r.text(), "\n") >= n })
	var list []map[string]any
	for line := range strings.Lines(r.text()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		list = append(list, m)
	}
	if len(list) != n {
		t.Fatalf("%d records, want %d:\n%s", len(list), n, r.text())
	}
	return list
}

func fingerprint(secret string) string { return redact.New([]byte("key")).Fingerprint(secret) }

func logged(change func(*AccessLog)) (*records, func(*Config)) {
	r := &records{}
	a := &AccessLog{Handler: slog.NewJSONHandler(r, nil), Share: 1, Redact: redact.New([]byte("key"))}
	if change != nil {
		change(a)
	}
	return r, func(c *Config) { c.Access = a }
}

func TestAccessLog(t *testing.T) {
	hello := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "hello, client")
	}
	for _, c := range []struct {
		reason               string
		method, target, body string
		header               []string
		want                 map[string]any // "" for none
	}{
		{"a request with a body", "POST", "/accounts?full=1", "four", []string{"Host", "shop.example", "User-Agent", "curl/8", "Traceparent", clientParent},
			map[string]any{"msg": "request", "method": "POST", "path": "/accounts", "host": "shop.example", "proto": "HTTP/1.1", "status": 201.0, "in": 4.0, "out": 13.0,
				"route": "create", "stage": "legacy", "side": "legacy", "backend": "monolith", "client": "127.0.0.1", "user_agent": "curl/8", "trace": clientTrace, "skipped": "", "ended": ""}},
		{"not compared, with the reason", "GET", "/stream", "", nil, map[string]any{"route": "stream", "stage": "shadow", "skipped": "stream", "status": 200.0, "in": 0.0}},
		{"behind a trusted proxy the client is who that says", "GET", "/accounts/7", "", []string{"X-Forwarded-For", "203.0.113.9"}, map[string]any{"client": "203.0.113.9", "route": "(default)", "trace": ""}},
		{"a backend that is not there", "GET", "/down", "", nil, map[string]any{"status": 502.0, "route": "down", "backend": "accounts", "side": "new"}},
		{"refused before it was matched", "TRACE", "/x?token=hunter2", "", nil, map[string]any{"status": 501.0, "path": "/x", "client": "127.0.0.1", "backend": ""}},
		{"a secret in the path", "GET", "/reset/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "", nil,
			map[string]any{"path": "/reset/" + redact.New([]byte("key")).Fingerprint("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl")}},
		{"what the route takes for one", "GET", "/u/ACME-123456/hunter2", "", []string{"Host", "token=hunter2", "User-Agent", "ACME-123456"},
			map[string]any{"path": "/u/" + fingerprint("ACME-123456") + "/" + fingerprint("hunter2"), "host": "token=" + fingerprint("hunter2"), "user_agent": fingerprint("ACME-123456"), "route": "own"}},
		{"a path without end", "GET", "/" + strings.Repeat("x", 3000), "", nil, map[string]any{"path": "/" + strings.Repeat("x", 2047) + "…"}},
		{"lines that a client makes up", "GET", "/x", "", []string{"User-Agent", `a" msg="forged`}, map[string]any{"user_agent": `a" msg="forged`}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			log, change := logged(nil)
			w := newWorld(t, `  - {name: create, match: "POST /accounts"}
  - {name: down, match: "GET /down", stage: new}
  - {name: stream, match: "GET /stream", stage: shadow}
  - {name: own, match: "GET /u/{ref}/{token}", redact: {patterns: ['ACME-[0-9]{6}']}}
`, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == "POST":
					w.WriteHeader(201)
				case r.URL.Path == "/stream":
					w.Header().Set("Content-Type", "text/event-stream")
				}
				hello(w, r)
			}, "http://127.0.0.1:1", change, func(c *Config) { c.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
			w.ask(c.method, c.target, c.body, c.header...)
			got := log.all(t, 1)[0]
			for key, want := range c.want {
				if have := got[key]; have != want && (want != "" || have != nil) {
					t.Errorf("%s is %v, want %v", key, have, want)
				}
			}
			id, _ := got["request"].(string)
			if ms, _ := got["ms"].(float64); len(id) != 26 || ms <= 0 {
				t.Errorf("request %v, ms %v", got["request"], got["ms"])
			}
			if _, asked := c.want["backend"]; c.want["status"] == 201.0 && asked {
				if ms, _ := got["backend_ms"].(float64); ms <= 0 || ms > got["ms"].(float64) {
					t.Errorf("backend_ms %v of %v", got["backend_ms"], got["ms"])
				}
			}
			if strings.Contains(log.text(), "hunter2") || strings.Contains(log.text(), "full=1") {
				t.Errorf("the query is told: %s", log.text())
			}
		})
	}
}

func TestWhichRequestsAreLogged(t *testing.T) {
	for _, c := range []struct {
		reason string
		share  float64
		slow   time.Duration
		status int
		took   time.Duration
		want   bool
	}{
		{"all", 1, 0, 200, 0, true},
		{"none", 0, 0, 200, time.Hour, false},
		{"an error is always in it", 0, 0, 500, 0, true},
		{"what the client did wrong is not", 0, 0, 404, 0, false},
		{"what is slow is always in it", 0, time.Second, 200, time.Second, true},
		{"what is not slow is not", 0, time.Second, 200, time.Second - 1, false},
	} {
		a := AccessLog{Share: c.share, Slow: c.slow}
		if got := a.wants(c.status, c.took); got != c.want {
			t.Errorf("%s: %v", c.reason, got)
		}
	}
	n := 0
	a := AccessLog{Share: 0.25}
	for range 10000 {
		if a.wants(200, 0) {
			n++
		}
	}
	if n < 2000 || n > 3000 {
		t.Errorf("a quarter of 10000 is %d", n)
	}
}

// What comes to no good end is told as well.
func TestAccessLogOfBrokenAnswers(t *testing.T) {
	log, change := logged(nil)
	left := make(chan struct{})
	w := newWorld(t, `  - {name: slow, match: "GET /slow"}`, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(left)
			<-r.Context().Done()
		}
	}, rawBackend(t, answerThenClose("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")), change)
	conn, _ := dial(t, w.url)
	io.WriteString(conn, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	<-left
	conn.Close()
	if got := log.all(t, 1)[0]; got["status"] != 499.0 || got["ended"] != "client-gone" {
		t.Errorf("%v", got)
	}

	log, change = logged(nil)
	w = newWorld(t, `  - {name: half, match: "GET /half", stage: new}`, nil, rawBackend(t, answerThenClose("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")), change)
	if res, err := w.client.Get(w.url + "/half"); err == nil {
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	if got := log.all(t, 1)[0]; got["status"] != 200.0 || got["ended"] != "broken-off" || got["out"] != 5.0 {
		t.Errorf("%v", got)
	}
}

// The bytes of an upgraded connection are counted both ways.
func TestAccessLogOfAnUpgrade(t *testing.T) {
	log, change := logged(nil)
	backend := rawBackend(t, echoUpgrade)
	w := newWorld(t, `  - {name: chat, match: "GET /chat"}`, backend, nil, change)
	conn, in := dial(t, w.url)
	io.WriteString(conn, "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	if head, err := readHead(in); err != nil || !strings.Contains(head, "101") {
		t.Fatalf("%q %v", head, err)
	}
	io.WriteString(conn, "hello")
	if _, err := io.ReadFull(in, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, in)
	if got := log.all(t, 1)[0]; got["status"] != 101.0 || got["in"] != 5.0 || got["out"] != 5.0 {
		t.Errorf("%v", got)
	}
}

// A fault in the log does not cost the answer.
func TestAccessLogThatPanics(t *testing.T) {
	_, change := logged(func(a *AccessLog) { a.Redact = nil })
	w := newWorld(t, `  - {name: show, match: "GET /accounts/{id}"}`, new(seen).answer(200), nil, change)
	if res, body := w.ask("GET", "/accounts/7", ""); res.StatusCode != 200 || body != "{}" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
	until(t, "a word in the log", func() bool { return strings.Contains(w.log.String(), "panic in the access log") })
}

// echoUpgrade switches protocols and says back what it hears.
func echoUpgrade(c net.Conn, in *bufio.Reader) {
	if _, err := readHead(in); err != nil {
		return
	}
	io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	io.Copy(c, in)
}
