package wire

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// echoing answers with each request's head as it arrived.
func echoing(t *testing.T) string {
	return rawBackend(t, func(conn net.Conn, r *bufio.Reader) {
		for {
			head, err := readHead(r)
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(head), head)
			if strings.Contains(head, "\r\nConnection: close\r\n") {
				return
			}
		}
	})
}

// What a request over HTTP/2 is to a backend that speaks HTTP/1.1.
func TestH2BecomesHTTP1(t *testing.T) {
	url := echoing(t)
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		run := start(t, newPath(t, url))
		c := newH2(t, run)
		scheme := "http"
		if run.tls != nil {
			scheme = "https"
		}
		plain := func(path string) []hpack.HeaderField { return request("GET", path) }
		for _, k := range []struct {
			reason string
			fields []hpack.HeaderField
			line   string   // "" is any
			has    []string // lines, in this order
			not    string   // pattern of what must not be there
		}{
			{"the authority is the Host, RFC 9113 section 8.3.1", plain("/a"), "GET /a HTTP/1.1", []string{"Host: h.example"}, ""},
			{"a Host without an authority", []hpack.HeaderField{field(":method", "GET"), field(":scheme", "http"), field(":path", "/"), field("host", "shop.example:8443")},
				"GET / HTTP/1.1", []string{"Host: shop.example:8443"}, ""},
			{"the authority goes before a Host of the same kind", append(plain("/"), field("host", "h.example")), "", []string{"Host: h.example"}, `(?i)host: .*\r\n.*\r\nhost: h`},
			{"crumbs of a cookie are put together, section 8.2.3", append(plain("/"), field("cookie", "a=b"), field("x-between", "1"), field("cookie", "c=d; e=f"), field("cookie", "g=h")),
				"", []string{"Cookie: a=b; c=d; e=f; g=h"}, `(?s)Cookie.*Cookie`},
			{"duplicates stay, in their order", append(plain("/"), field("x-a", "2"), field("x-b", ""), field("x-a", "1, 3"), field("x-a", "\"q,\"")),
				"", []string{"X-A: 2", "X-A: 1, 3", "X-A: \"q,\""}, ""},
			{"an empty value stays", append(plain("/"), field("x-empty", "")), "", []string{"X-Empty: "}, ""},
			{"bytes over 0x7f stay", append(plain("/"), field("x-obs", "\xe9\xff\x80")), "", []string{"X-Obs: \xe9\xff\x80"}, ""},
			{"escapes keep their spelling", plain("/a%2Fb%2fc/%E2%82%AC?q=%2f%2F+%20"), "GET /a%2Fb%2fc/%E2%82%AC?q=%2f%2F+%20 HTTP/1.1", nil, ""},
			{"nothing is cleaned", plain("//a//../b/./;p=1/?"), "GET //a//../b/./;p=1/? HTTP/1.1", nil, ""},
			{"parameters that do not parse", plain("/?z=1;y=2&b=%zz&a=3"), "GET /?z=1;y=2&b=%zz&a=3 HTTP/1.1", nil, ""},
			{"two slashes in front are no authority", plain("//evil.example/a"), "GET //evil.example/a HTTP/1.1", []string{"Host: h.example"}, ""},
			{"OPTIONS for all", request("OPTIONS", "*"), "OPTIONS * HTTP/1.1", nil, ""},
			{"a method nobody knows", request("BREW", "/pot"), "BREW /pot HTTP/1.1", nil, ""},
			{"te: trailers is passed on", append(plain("/"), field("te", "trailers")), "", []string{"Te: trailers"}, ""},
			{"who it is for", plain("/"), "", []string{"Via: 2 quack", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: h.example", "X-Forwarded-Proto: " + scheme}, ""},
			{"no body, no framing", plain("/"), "", nil, `(?i)content-length|transfer-encoding`},
			{"fields that concern a connection are gone", append(plain("/"), field("proxy-authorization", "x")), "", nil, `(?i)proxy-authorization`},
			{"nothing of HTTP/2 is left", plain("/"), "", nil, `(?im)^:|http2-settings|^priority`},
			{"priority is end to end, RFC 9218", append(plain("/"), field("priority", "u=1, i")), "", []string{"Priority: u=1, i"}, ""},
			{"Quack's own names are not a client's", append(plain("/"), field("quack-role", "shadow"), field("quack_role", "shadow")), "", nil, `(?i)role`},
		} {
			a := c.answer(c.open(true, k.fields...))
			got := string(a.body)
			if a.status() != 200 || a.reset != nil {
				t.Errorf("%s: %v, reset %v", k.reason, a.fields, a.reset)
				continue
			}
			if line, _, _ := strings.Cut(got, "\r\n"); k.line != "" && line != k.line {
				t.Errorf("%s: line %q, want %q", k.reason, line, k.line)
			}
			rest := got
			for _, want := range k.has {
				at := strings.Index(rest, "\r\n"+want+"\r\n")
				if at < 0 {
					t.Errorf("%s: no line %q, or not in this place, in\n%s", k.reason, want, got)
					break
				}
				rest = rest[at+len(want)+2:]
			}
			if k.not != "" && regexp.MustCompile(k.not).MatchString(got) {
				t.Errorf("%s: %q is in\n%s", k.reason, k.not, got)
			}
		}
	})
}

// Bodies and trailers keep their framing: a length stays one, and no length is
// chunked.
func TestH2Bodies(t *testing.T) {
	url := newBackend(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "length %d, coding %q, body %q, trailer %v, %v", r.ContentLength, r.TransferEncoding, b, r.Trailer, err)
	})
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		c := newH2(t, start(t, newPath(t, url)))
		for _, k := range []struct {
			reason  string
			fields  []hpack.HeaderField
			data    []string
			trailer []hpack.HeaderField
			want    string
		}{
			{"a length", []hpack.HeaderField{field("content-length", "5")}, []string{"hello"}, nil, `length 5, coding [], body "hello", trailer map[], <nil>`},
			{"no length", nil, []string{"hel", "", "lo"}, nil, `length -1, coding ["chunked"], body "hello", trailer map[], <nil>`},
			{"no length, and nothing in it", nil, []string{""}, nil, `length -1, coding ["chunked"], body "", trailer map[], <nil>`},
			{"trailers that were announced", []hpack.HeaderField{field("trailer", "x-sum")}, []string{"hello"}, []hpack.HeaderField{field("x-sum", "7")},
				`length -1, coding ["chunked"], body "hello", trailer map[X-Sum:[7]], <nil>`},
			{"twice the same", []hpack.HeaderField{field("trailer", "x-sum")}, []string{"hello"}, []hpack.HeaderField{field("x-sum", "7"), field("x-sum", "8")},
				`length -1, coding ["chunked"], body "hello", trailer map[X-Sum:[7 8]], <nil>`},
			{"trailers that were not: net/http's server drops them, over HTTP/2", nil, []string{"hello"}, []hpack.HeaderField{field("x-sum", "7")},
				`length -1, coding ["chunked"], body "hello", trailer map[], <nil>`},
		} {
			id := c.open(false, request("POST", "/", k.fields...)...)
			for n, piece := range k.data {
				c.data(id, k.trailer == nil && n == len(k.data)-1, piece)
			}
			if k.trailer != nil {
				c.write(func(fr *http2.Framer) error {
					return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block(k.trailer...), EndHeaders: true, EndStream: true})
				})
			}
			if a := c.answer(id); string(a.body) != k.want {
				t.Errorf("%s: got %s\nwant %s", k.reason, a.body, k.want)
			}
		}
	})
}

// What an answer of HTTP/1.1 is over HTTP/2.
func TestH2Answers(t *testing.T) {
	for _, k := range []struct {
		reason, method, answer string
		status                 int
		body                   string
		fields                 []hpack.HeaderField // all but :status
		trailer                []hpack.HeaderField
		interim                int
	}{
		{"a length", "GET", "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\nhello", 200, "hello",
			[]hpack.HeaderField{field("content-length", "5"), field("date", "x")}, nil, 0},
		{"chunks", "GET", "HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello",
			[]hpack.HeaderField{field("date", "x")}, nil, 0},
		{"up to the end of the connection", "GET", "HTTP/1.0 200 OK\r\nDate: x\r\n\r\nhello", 200, "hello",
			[]hpack.HeaderField{field("date", "x")}, nil, 0},
		{"fields of a connection have no place in HTTP/2, RFC 9113 section 8.2.2", "GET",
			"HTTP/1.1 200 OK\r\nDate: x\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n", 200, "",
			[]hpack.HeaderField{field("content-length", "0"), field("date", "x")}, nil, 0},
		{"duplicates", "GET", "HTTP/1.1 200 OK\r\nDate: x\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nX-E: \r\nContent-Length: 0\r\n\r\n", 200, "",
			[]hpack.HeaderField{field("content-length", "0"), field("date", "x"), field("set-cookie", "a=b"), field("set-cookie", "c=d"), field("x-e", "")}, nil, 0},
		{"HEAD keeps the length of what GET gives", "HEAD", "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 500\r\n\r\n", 200, "",
			[]hpack.HeaderField{field("content-length", "500"), field("date", "x")}, nil, 0},
		{"204", "DELETE", "HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n", 204, "", []hpack.HeaderField{field("date", "x")}, nil, 0},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\nDate: x\r\nETag: \"a\"\r\n\r\n", 304, "",
			[]hpack.HeaderField{field("date", "x"), field("etag", `"a"`)}, nil, 0},
		{"103 goes ahead", "GET", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 2\r\n\r\nok", 200, "ok",
			[]hpack.HeaderField{field("content-length", "2"), field("date", "x")}, nil, 1},
		{"trailers that were announced", "GET", "HTTP/1.1 200 OK\r\nDate: x\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n", 200, "hello",
			[]hpack.HeaderField{field("date", "x"), field("trailer", "X-Sum")}, []hpack.HeaderField{field("x-sum", "7")}, 0},
		{"trailers that were not", "GET", "HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n", 200, "hello",
			[]hpack.HeaderField{field("date", "x")}, []hpack.HeaderField{field("x-sum", "7")}, 0},
	} {
		t.Run(k.reason, func(t *testing.T) {
			url := rawBackend(t, func(conn net.Conn, r *bufio.Reader) {
				if _, err := readHead(r); err == nil {
					io.WriteString(conn, k.answer)
				}
			})
			overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
				c := newH2(t, start(t, newPath(t, url)))
				a := c.answer(c.open(true, request(k.method, "/")...))
				if a.status() != k.status || string(a.body) != k.body || a.reset != nil || len(a.interim) != k.interim {
					t.Errorf("got %v %q, reset %v, %d interim answers", a.fields, a.body, a.reset, len(a.interim))
				}
				sameFields(t, "head", a.fields, k.fields)
				sameFields(t, "trailer", a.trailer, k.trailer)
			})
		})
	}
}

// sameFields compares all but pseudo-fields, names in any order.
func sameFields(t *testing.T, what string, got, want []hpack.HeaderField) {
	t.Helper()
	lines := func(fields []hpack.HeaderField) map[string][]string {
		m := map[string][]string{}
		for _, f := range fields {
			if !f.IsPseudo() {
				m[f.Name] = append(m[f.Name], f.Value)
			}
		}
		return m
	}
	if g, w := fmt.Sprint(lines(got)), fmt.Sprint(lines(want)); g != w {
		t.Errorf("%s %s, want %s", what, g, w)
	}
}

// An answer that breaks off must not look whole: its stream is reset.
func TestH2AnswerBreaksOff(t *testing.T) {
	for reason, answer := range map[string]string{
		"with a length": "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
		"in chunks":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		url := rawBackend(t, func(conn net.Conn, r *bufio.Reader) {
			if head, err := readHead(r); err == nil && strings.HasPrefix(head, "GET /broken") {
				io.WriteString(conn, answer)
				return
			}
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		})
		overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
			c := newH2(t, start(t, newPath(t, url)))
			if a := c.answer(c.open(true, request("GET", "/broken")...)); a.reset == nil || *a.reset != http2.ErrCodeInternal {
				t.Errorf("%s: got %v %q, reset %v", reason, a.fields, a.body, a.reset)
			}
			if a := c.answer(c.open(true, request("GET", "/")...)); string(a.body) != "ok" {
				t.Errorf("%s: then %v %q, reset %v", reason, a.fields, a.body, a.reset)
			}
		})
	}
}

// The client is told to go on. net/http's server keeps the field to itself over
// HTTP/2, so that the backend is not asked first; a refusal comes all the same.
func TestH2ExpectContinue(t *testing.T) {
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		url := newBackend(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/refuses" {
				http.Error(w, "too large", http.StatusRequestEntityTooLarge)
				return
			}
			io.Copy(w, r.Body)
		})
		c := newH2(t, start(t, newPath(t, url)))
		expect := []hpack.HeaderField{field("expect", "100-continue"), field("content-length", "5")}
		id := c.open(false, request("POST", "/takes", expect...)...)
		e := c.await("100 Continue", func(e event) bool { return e.stream == id && e.kind == http2.FrameHeaders })
		if value(e.fields, ":status") != "100" || e.end {
			t.Errorf("got %v, want 100", e.fields)
		}
		c.data(id, true, "hello")
		if a := c.answer(id); a.status() != 200 || string(a.body) != "hello" || len(a.interim) != 0 {
			t.Errorf("then %v %v %q", a.interim, a.fields, a.body)
		}
		// A short body may be asked for before the backend is.
		id = c.open(false, request("POST", "/refuses", expect...)...)
		c.data(id, true, "hello")
		if a := c.answer(id); a.status() != 413 {
			t.Errorf("refused with %v", a.fields)
		}
	})
}

// Quack is no tunnel.
func TestH2NoTunnel(t *testing.T) {
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		url := newBackend(t, func(w http.ResponseWriter, r *http.Request) {
			t.Errorf("%s %s reached the backend", r.Method, r.RequestURI)
		})
		c := newH2(t, start(t, newPath(t, url)))
		if _, offered := c.limits[http2.SettingEnableConnectProtocol]; offered {
			t.Error("extended CONNECT is offered")
		}
		id := c.open(true, field(":method", "CONNECT"), field(":authority", "h.example:443"))
		if a := c.answer(id); a.status() != 501 {
			t.Errorf("CONNECT: %v, reset %v", a.fields, a.reset)
		}
		id = c.open(true, request("CONNECT", "/chat", field(":protocol", "websocket"))...)
		if a := c.answer(id); a.reset == nil || *a.reset != http2.ErrCodeProtocol {
			t.Errorf("extended CONNECT (RFC 8441), which was not offered: %v, reset %v", a.fields, a.reset)
		}
		if a := c.answer(c.open(true, request("TRACE", "/")...)); a.status() != 501 {
			t.Errorf("TRACE: %v", a.fields)
		}
	})
}
