package main

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// answerEach serves connections that end at the test's end: each request head
// is answered by the next of the answers; "" closes the connection.
func answerEach(t *testing.T, answers ...string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { ln.Close(); <-ended })
	go func() {
		defer close(ended)
		for n := 0; ; { // one connection after the other
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			in := bufio.NewReader(conn)
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					break
				}
				if line != "\r\n" {
					continue
				}
				answer := answers[n%len(answers)]
				if n++; answer == "" {
					break
				}
				io.WriteString(conn, answer)
			}
			conn.Close()
		}
	}()
	return ln.Addr().String()
}

func TestLoadAgainstTheBackend(t *testing.T) {
	live := serveRole(t, answering{Side: "legacy"}.args()...)
	proxied := serveRole(t, "reverseproxy", "-to", live)
	for _, addr := range []string{live, proxied} {
		for _, size := range []string{"small", "large"} {
			spec := loadSpec{Addr: addr, Connections: 4, Duration: 100 * time.Millisecond, Requests: request(size), Length: lengths[size]}
			r, err := makeLoad(t.Context(), spec)
			for ; err == nil && r.Requests < 10 && spec.Duration < 30*time.Second; r, err = makeLoad(t.Context(), spec) {
				spec.Duration *= 4 // a busy machine does not send ten in a tenth of a second
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.Requests < 10 || r.failures() > 0 || r.P50 <= 0 || r.P50 > r.P99 || r.P99 > r.Max {
				t.Errorf("%s: %+v", size, r)
			}
		}
	}
	// Not through ReverseProxy: now and then net/http closes a connection after an
	// answer that came before its server saw the end of the request's body.
	r, err := makeLoad(t.Context(), loadSpec{Addr: live, Connections: 2, Duration: 100 * time.Millisecond, Requests: largeBothWays(), Length: large})
	if err != nil || r.Requests < 2 || r.failures() > 0 {
		t.Errorf("large bodies both ways: %+v, %v", r, err)
	}
}

// TestOpenLoopSendsWhatIsDue holds the rate, and that a request that waits for
// a connection is charged with its wait.
func TestOpenLoopSendsWhatIsDue(t *testing.T) {
	const delay = 20 * time.Millisecond
	addr := serveRole(t, answering{Side: "legacy", Delay: delay}.args()...)
	spec := loadSpec{Addr: addr, Connections: 50, Duration: 200 * time.Millisecond, Rate: 200, Requests: request("small"), Length: small}
	r, err := makeLoad(t.Context(), spec)
	if err != nil || r.Requests != 40 || r.P50 < delay {
		t.Errorf("%+v, %v", r, err)
	}
	// One connection takes 20 ms for each of 40 requests, the last of which was
	// due after 195 ms.
	spec.Connections = 1
	r, err = makeLoad(t.Context(), spec)
	if err != nil || r.Requests != 40 || r.Max < 40*delay-195*time.Millisecond || r.P50 < 5*delay {
		t.Errorf("on one connection: %+v, %v", r, err)
	}
}

func TestLoadCountsWhatFails(t *testing.T) {
	const good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	for _, c := range []struct{ reason, answer, want string }{
		{"an error page", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno", "status 502"},
		{"another body", strings.Replace(good, ": 2", ": 1", 1), "a body of 1 bytes"},
		{"too much", good + "!", "bytes after the answer"},
		{"no answer", "", "closed without an answer"},
		{"what is no HTTP", "oh\r\n\r\n", errNoAnswer.Error()},
	} {
		addr := answerEach(t, good, c.answer)
		r, err := makeLoad(t.Context(), loadSpec{Addr: addr, Connections: 1, Duration: 50 * time.Millisecond, Requests: [][]byte{[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")}, Length: 2})
		if err != nil || r.Requests < 1 || r.Failed[c.want] < 1 || r.failures() != r.Failed[c.want] {
			t.Errorf("%s: %+v, %v", c.reason, r, err)
		}
	}
}

// TestClosedConnectionIsNoFailure: a server may end a connection after an
// answer, if it says so.
func TestClosedConnectionIsNoFailure(t *testing.T) {
	addr := answerEach(t, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", "")
	r, err := makeLoad(t.Context(), loadSpec{Addr: addr, Connections: 1, Duration: 50 * time.Millisecond, Rate: 20, Requests: [][]byte{[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")}, Length: 2})
	if err != nil || r.Requests != 1 || r.Reopened != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}
