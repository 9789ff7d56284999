package wire

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// wrong is a case of what a client must not send.
type wrong struct {
	reason string
	send   func(c *h2)
	// want is what net/http's own server does about it: "stream 1 CODE" (a
	// RST_STREAM), "connection CODE" (GOAWAY), or a status.
	want string
	// passes says that the backend may see a request of this case.
	passes bool
	// better is what the path has to do instead of it, where net/http lets
	// through what deserves a refusal; "" is want.
	better string
}

// head sends a request's head on stream 1, at its end or not.
func head(end bool, fields ...hpack.HeaderField) func(*h2) {
	return func(c *h2) { c.open(end, fields...) }
}

// afterHead sends the head of a POST and then what next writes.
func afterHead(next func(fr *http2.Framer) error) func(*h2) {
	return func(c *h2) {
		c.open(false, request("POST", wrongPath)...)
		_ = c.send(next)
	}
}

// frames sends them as they are.
func frames(write func(fr *http2.Framer) error) func(*h2) {
	return func(c *h2) { _ = c.send(write) }
}

// with is a GET with one more field.
func with(name, value string) func(*h2) {
	return head(true, request("GET", wrongPath, field(name, value))...)
}

// whole does a request to its end.
func whole(c *h2) {
	if a := c.answer(c.open(true, request("GET", "/before")...)); a.status() != 200 {
		c.t.Errorf("the request before: %v, reset %v", a.fields, a.reset)
	}
}

func wrongHeads() []wrong {
	pseudo := func(fields ...hpack.HeaderField) func(*h2) { return head(true, fields...) }
	method, scheme, path, authority := field(":method", "GET"), field(":scheme", "https"), field(":path", wrongPath), field(":authority", "h.example")
	return []wrong{
		{"an upper-case name, RFC 9113 section 8.2.1", with("X-Upper", "1"), "stream 1 PROTOCOL_ERROR", false, ""},
		{"a space in a name", with("x a", "1"), "stream 1 PROTOCOL_ERROR", false, ""},
		{"a colon in a name", with("x:a", "1"), "stream 1 PROTOCOL_ERROR", false, ""},
		{"an empty name", with("", "1"), "stream 1 PROTOCOL_ERROR", false, ""},
		{"a line end in a name", with("x\r\ny", "1"), "stream 1 PROTOCOL_ERROR", false, ""},
		{"a byte over 0x7f in a name", with("x\xe9", "1"), "stream 1 PROTOCOL_ERROR", false, ""},
		{"CR LF in a value, which would be two lines in HTTP/1.1", with("x-a", "1\r\nx-b: 2"), "stream 1 PROTOCOL_ERROR", false, ""},
		{"LF in a value", with("x-a", "1\nx-b: 2"), "stream 1 PROTOCOL_ERROR", false, ""},
		{"CR in a value", with("x-a", "1\rx"), "stream 1 PROTOCOL_ERROR", false, ""},
		{"NUL in a value", with("x-a", "1\x00"), "stream 1 PROTOCOL_ERROR", false, ""},
		{"DEL in a value", with("x-a", "1\x7f"), "stream 1 PROTOCOL_ERROR", false, ""},
		{"connection, section 8.2.2", with("connection", "close"), "400", false, ""},
		{"connection naming a field", with("connection", "x-a"), "400", false, ""},
		{"keep-alive", with("keep-alive", "5"), "400", false, ""},
		{"proxy-connection", with("proxy-connection", "keep-alive"), "400", false, ""},
		{"transfer-encoding", with("transfer-encoding", "chunked"), "400", false, ""},
		{"upgrade", with("upgrade", "websocket"), "400", false, ""},
		{"te other than trailers", with("te", "gzip"), "400", false, ""},
		{"te with trailers and more", with("te", "trailers, gzip"), "400", false, ""},
		{"no :method, section 8.3.1", pseudo(scheme, path, authority), "stream 1 PROTOCOL_ERROR", false, ""},
		{"no :scheme", pseudo(method, path, authority), "stream 1 PROTOCOL_ERROR", false, ""},
		{"no :path", pseudo(method, scheme, authority), "stream 1 PROTOCOL_ERROR", false, ""},
		{"an empty :path", pseudo(method, scheme, field(":path", ""), authority), "stream 1 PROTOCOL_ERROR", false, ""},
		{"an empty :method", pseudo(field(":method", ""), scheme, path, authority), "stream 1 PROTOCOL_ERROR", false, ""},
		{"a :scheme that is neither", pseudo(method, field(":scheme", "ftp"), path, authority), "stream 1 PROTOCOL_ERROR", false, ""},
		{":method twice", pseudo(method, method, scheme, path, authority), "stream 1 PROTOCOL_ERROR", false, ""},
		{":path twice", pseudo(method, scheme, path, path, authority), "stream 1 PROTOCOL_ERROR", false, ""},
		{":authority twice", pseudo(method, scheme, path, authority, authority), "stream 1 PROTOCOL_ERROR", false, ""},
		{"a pseudo-field after others, section 8.3", pseudo(method, scheme, field("x-a", "1"), path, authority), "stream 1 PROTOCOL_ERROR", false, ""},
		{"a pseudo-field that there is not", pseudo(method, scheme, path, authority, field(":foo", "1")), "stream 1 PROTOCOL_ERROR", false, ""},
		{":status in a request", pseudo(method, scheme, path, authority, field(":status", "200")), "stream 1 PROTOCOL_ERROR", false, ""},
		{":protocol, which was not offered", head(false, request("CONNECT", wrongPath, field(":protocol", "websocket"))...), "stream 1 PROTOCOL_ERROR", false, ""},
		{"CONNECT with a path, section 8.5", pseudo(field(":method", "CONNECT"), scheme, path, authority), "stream 1 PROTOCOL_ERROR", false, ""},
		{"CONNECT without an authority", pseudo(field(":method", "CONNECT")), "stream 1 PROTOCOL_ERROR", false, ""},
		{"a :path without a slash", pseudo(method, scheme, field(":path", "wrong"), authority), "stream 1 PROTOCOL_ERROR", false, ""},
		{"a line end in :path", pseudo(method, scheme, field(":path", "/wrong HTTP/1.1\r\nx: y"), authority), "stream 1 PROTOCOL_ERROR", false, ""},
		{"user information in :authority", pseudo(method, scheme, path, field(":authority", "user@h")), "stream 1 PROTOCOL_ERROR", false, ""},
		{"a Host of another kind than the authority", head(true, request("GET", wrongPath, field("host", "other.example"))...), "200", false, "400"},
		{"a field block that does not decode", frames(func(fr *http2.Framer) error {
			return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, EndHeaders: true, EndStream: true})
		}), "connection COMPRESSION_ERROR", false, ""},
		{"a field over the limit of the head", with("x-long", strings.Repeat("v", 2*maxHead)), "connection COMPRESSION_ERROR", false, ""},
		{"a head over the limit", head(true, request("GET", wrongPath, slices.Repeat([]hpack.HeaderField{field("x-long", strings.Repeat("v", maxHead/8))}, 16)...)...), "431", false, ""},
	}
}

func wrongBodies() []wrong {
	length := func(n string, pieces ...string) func(*h2) {
		return func(c *h2) {
			id := c.open(false, request("POST", wrongPath, field("content-length", n))...)
			for i, p := range pieces {
				_ = c.send(func(fr *http2.Framer) error { return fr.WriteData(id, i == len(pieces)-1, []byte(p)) })
			}
		}
	}
	trailer := func(end bool, fields ...hpack.HeaderField) func(*h2) {
		return func(c *h2) {
			id := c.open(false, request("POST", wrongPath, field("trailer", "x-sum"))...)
			c.data(id, false, "hello")
			_ = c.send(func(fr *http2.Framer) error {
				return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block(fields...), EndHeaders: true, EndStream: end})
			})
		}
	}
	return []wrong{
		{"more data than content-length, section 8.1.1", length("3", "hello"), "stream 1 PROTOCOL_ERROR", true, ""},
		{"less data than content-length", length("10", "hello"), "400", true, ""},
		{"a pseudo-field in a trailer, section 8.1", trailer(true, field(":path", "/other")), "stream 1 PROTOCOL_ERROR", true, ""},
		{"a trailer that does not end the stream", trailer(false, field("x-sum", "7")), "stream 1 PROTOCOL_ERROR", true, ""},
		{"an upper-case name in a trailer", trailer(true, field("X-Sum", "7")), "stream 1 PROTOCOL_ERROR", true, ""},
		{"a line end in a trailer", trailer(true, field("x-sum", "7\r\nx: y")), "stream 1 PROTOCOL_ERROR", true, ""},
		{"framing in a trailer", trailer(true, field("content-length", "7")), "stream 1 PROTOCOL_ERROR", true, ""},
	}
}

// Whatever is wrong with what a client sends: the path does what net/http's own
// server does about it, and the backend sees no request that is wrong.
func TestH2Wrong(t *testing.T) {
	tryWrong(t, slices.Concat(wrongHeads(), wrongBodies(), wrongFrames()))
}

func tryWrong(t *testing.T, cases []wrong) {
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		seen := &targets{}
		run := start(t, newPath(t, newBackend(t, func(w http.ResponseWriter, r *http.Request) {
			seen.add(r.RequestURI)
			answerWhole(w, r)
		})))
		std := startStd(t, http.HandlerFunc(answerWhole), run.tls != nil)
		for n, k := range cases {
			t.Run(k.reason, func(t *testing.T) {
				reference := outcome(t, std, k, target(n))
				if reference != k.want {
					t.Errorf("net/http's server alone: %s, want %s", reference, k.want)
				}
				want := cmp.Or(k.better, k.want)
				if got := outcome(t, run, k, target(n)); got != want {
					t.Errorf("the path: %s, want %s", got, want)
				}
			})
		}
		if err := run.drain(); err != nil { // all that was begun has ended
			t.Error(err)
		}
		for n, k := range cases {
			if got := slices.Contains(seen.all(), target(n)); got && !k.passes {
				t.Errorf("%s: it reached the backend", k.reason)
			}
		}
	})
}

func target(n int) string { return fmt.Sprintf("%s/%d", wrongPath, n) }

// answerWhole answers 200 to a request that is whole.
func answerWhole(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// outcome sends a case's frames and says what the server did about them: the
// first thing that decides. A PING sent behind them marks the end of waiting
// for what may not come.
func outcome(t *testing.T, run *running, k wrong, target string) string {
	t.Helper()
	c := newH2(t, run)
	defer c.conn.Close()
	c.target = target
	k.send(c)
	mark := [8]byte{9, 9}
	_ = c.send(func(fr *http2.Framer) error { return fr.WritePing(false, mark) })
	late := time.After(15 * time.Second)
	ponged, open := false, c.next > 1
	for {
		select {
		case e := <-c.came:
			switch {
			case e.kind == http2.FrameGoAway && e.code != http2.ErrCodeNo:
				return fmt.Sprintf("connection %v", e.code)
			case e.kind == http2.FrameRSTStream:
				return fmt.Sprintf("stream %d %v", e.stream, e.code)
			case e.kind == http2.FrameHeaders:
				return value(e.fields, ":status")
			case e.kind == connectionEnd:
				return "closed"
			case e.kind == http2.FramePing && e.ack:
				ponged = true
			}
			if ponged && !open {
				return "nothing"
			}
		case <-late:
			t.Fatal("the server did nothing")
		}
	}
}

// targets notes what the backend was asked for.
type targets struct {
	mu  sync.Mutex
	got []string
}

func (s *targets) add(target string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, target)
}

func (s *targets) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}
