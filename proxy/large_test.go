package proxy

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Requests larger than their route allows are refused before a backend is
// asked, or, where the length was not said, when it shows.
func TestRequestLimits(t *testing.T) {
	const routes = `
  - {name: small, match: "/small", stage: shadow, limits: {request_body: 10B}}
  - {name: wide, match: "/*", limits: {request_header: 1KiB}}`
	chunked := func(n int) string {
		return fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", n, strings.Repeat("x", n))
	}
	sized := func(n int) string {
		return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", n, strings.Repeat("x", n))
	}
	for _, c := range []struct {
		reason  string
		request string // after "Host: h\r\n"
		line    string
		status  int
		kind    string
		reached bool // the backend sees something of it
	}{
		{"as much as is allowed", sized(10), "POST /small", 200, "", true},
		{"as much as is allowed, without a length", chunked(10), "POST /small", 200, "", true},
		{"more, by its length", sized(11), "POST /small", 413, "body-size", false},
		{"more, and asked before it is sent", "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n", "POST /small", 413, "body-size", false},
		{"more, without a length, read before a shadow", chunked(11), "POST /small", 413, "body-size", false},
		{"more, without a length, of a safe request", chunked(11), "GET /small", 413, "body-size", true},
		{"no limit of bodies here", sized(100_000), "POST /wide", 200, "", true},
		{"a header too large", "X-A: " + strings.Repeat("x", 1024) + "\r\n\r\n", "GET /wide", 431, "header-size", false},
		{"many fields are one header", strings.Repeat("X-A: 0123456789\r\n", 70) + "\r\n", "GET /wide", 431, "header-size", false},
		{"a header that fits", "X-A: " + strings.Repeat("x", 900) + "\r\n\r\n", "GET /wide", 200, "", true},
		{"a target too long", "\r\n", "GET /wide?" + strings.Repeat("x", 1024), 414, "target-size", false},
	} {
		t.Run(c.reason, func(t *testing.T) {
			var asked atomic.Int64
			w := newWorld(t, routes, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				io.Copy(io.Discard, r.Body)
			}, nil)
			conn, in := dial(t, w.url)
			go io.WriteString(conn, c.line+" HTTP/1.1\r\nHost: h\r\n"+c.request)
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != c.status {
				t.Fatalf("status %d, want %d: %s %v", res.StatusCode, c.status, body, err)
			}
			if !c.reached && asked.Load() > 0 {
				t.Error("the backend was asked")
			}
			if c.kind == "" {
				return
			}
			var p map[string]any
			if err := json.Unmarshal(body, &p); err != nil || p["type"] != "https://quackproxy.github.io/problems/"+c.kind || p["request_id"] == "" {
				t.Errorf("got %s", body)
			}
			if hasBody := !strings.HasPrefix(c.request, "X-") && c.request != "\r\n"; res.Close != hasBody {
				t.Errorf("the connection is to be closed: %v", res.Close)
			}
			if offers, befores := w.shadow.all(); len(offers)+len(befores) > 0 {
				t.Error("a request that was refused was shadowed")
			}
		})
	}
}

// What passed the limit on its way was not taken for a whole body by anybody.
func TestBodyTooLargeIsNotWhole(t *testing.T) {
	read := make(chan error, 1)
	w := newWorld(t, `
  - {name: small, match: "/", limits: {request_body: 10B}}`, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	}, nil)
	conn, in := dial(t, w.url)
	io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n")
	go io.WriteString(conn, "8\r\n01234567\r\n0\r\n\r\n")
	if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != 413 {
		t.Errorf("%v, %v", res, err)
	}
	if err := <-read; err == nil {
		t.Error("the backend took a part for the whole")
	}
}

// A body that stands still is broken off, in whichever direction.
func TestIdleBodies(t *testing.T) {
	const routes = `
  - {name: before, match: POST /before, stage: shadow, limits: {idle: 60ms}}
  - {name: all, match: "/*", timeout: 20s, limits: {idle: 60ms}}`
	stalls := func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	reads := func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }
	for _, c := range []struct {
		reason, line, framing string
	}{
		{"an upload", "POST /x", "Content-Length: 10"},
		{"an upload without a length", "POST /x", "Transfer-Encoding: chunked"},
		{"an upload that is read first", "PUT /x", "Content-Length: 10"},
		{"an upload that a shadow waits for", "POST /before", "Content-Length: 10"},
	} {
		w := newWorld(t, routes, reads, nil)
		conn, in := dial(t, w.url)
		io.WriteString(conn, c.line+" HTTP/1.1\r\nHost: h\r\n"+c.framing+"\r\n\r\n")
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != 408 || !res.Close {
			t.Errorf("%s: %v, %v", c.reason, res, err)
		}
	}

	w := newWorld(t, routes, stalls, nil)
	res, err := w.client.Get(w.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err == nil || string(got) != "hello" {
		t.Errorf("an answer: %q, %v", got, err)
	}

	// The client that takes nothing: the backend's call ends with it.
	ended := make(chan bool)
	w = newWorld(t, routes, func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		for buf := make([]byte, 64<<10); r.Context().Err() == nil; {
			if _, err := w.Write(buf); err != nil {
				return
			}
		}
	}, nil)
	conn, _ := dial(t, w.url)
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-ended
}

// Bodies that move, and waits between them, may take their time.
func TestBodiesThatMove(t *testing.T) {
	w := newWorld(t, `
  - {name: all, match: "/*", timeout: 20s, limits: {idle: 300ms}}`, func(w http.ResponseWriter, r *http.Request) {
		in := bufio.NewReader(r.Body)
		for range 4 {
			if _, err := in.ReadByte(); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(500 * time.Millisecond) // what is tested is time: no body is to move now
		for range 4 {
			time.Sleep(100 * time.Millisecond)
			io.WriteString(w, "x")
			http.NewResponseController(w).Flush()
		}
	}, nil)
	conn, in := dial(t, w.url)
	io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n")
	for range 4 {
		time.Sleep(100 * time.Millisecond)
		io.WriteString(conn, "x")
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 || string(got) != "xxxx" {
		t.Errorf("%d %q, %v", res.StatusCode, got, err)
	}
}
