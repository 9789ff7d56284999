package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorder answers each request and hands over head and body as they came.
func recorder(t *testing.T) (string, <-chan string) {
	got := make(chan string, 64)
	return rawBackend(t, func(c net.Conn, r *bufio.Reader) {
		for {
			head, err := readHead(r)
			if err != nil {
				return
			}
			var body strings.Builder
			switch {
			case strings.Contains(strings.ToLower(head), "transfer-encoding: chunked"):
				for !strings.HasSuffix(body.String(), "0\r\n\r\n") && !strings.Contains(body.String(), "\r\n0\r\n") || !strings.HasSuffix(body.String(), "\r\n\r\n") {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					body.WriteString(line)
				}
			case strings.Contains(head, "Content-Length: 5"):
				b := make([]byte, 5)
				if _, err := io.ReadFull(r, b); err != nil {
					return
				}
				body.Write(b)
			}
			got <- head + body.String()
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			if strings.Contains(head, "Connection: close") {
				return
			}
		}
	}), got
}

// added are the lines that Quack adds on the default route.
var added = regexp.MustCompile(`(?m)^(X-Forwarded-(For|Host|Proto)|Via|Quack-Request-Id|Connection): [^\r]*\r\n`)

// sorted is a request with the lines of its head in order: the engine writes
// names in an order of its own. Values of one name keep theirs.
func sorted(request string) []string {
	head, body, _ := strings.Cut(request, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	byName := map[string][]string{}
	var names []string
	for _, line := range lines[1:] {
		name, _, _ := strings.Cut(line, ":")
		if byName[name] == nil {
			names = append(names, name)
		}
		byName[name] = append(byName[name], line)
	}
	out := []string{lines[0]}
	for _, name := range slices.Sorted(slices.Values(names)) {
		out = append(out, byName[name]...)
	}
	return append(out, body)
}

// The same bytes to a backend directly and through the proxy: what arrives
// differs by what Quack adds and by hop-by-hop fields, and nothing else.
func TestBytesArriveAsSent(t *testing.T) {
	url, got := recorder(t)
	w := newWorld(t, "  - {name: other, match: /other}", url, nil)
	for _, c := range []struct {
		reason string
		raw    string
		want   string // "" is as sent directly
	}{
		{reason: "a plain GET", raw: "GET /a/b?x=1 HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\n\r\n"},
		{reason: "escapes keep their spelling", raw: "GET /a%2Fb%2fc/%E2%82%AC?q=%2f%2F+%20 HTTP/1.1\r\nHost: h\r\n\r\n"},
		{reason: "nothing is cleaned", raw: "GET //a//../b/./?? HTTP/1.1\r\nHost: h\r\n\r\n"},
		{reason: "parameters that do not parse", raw: "GET /?z=1;y=2&b=%zz&a=3 HTTP/1.1\r\nHost: h\r\n\r\n"},
		{reason: "a question mark with nothing behind it", raw: "GET /a? HTTP/1.1\r\nHost: h\r\n\r\n"},
		{reason: "bytes that url.URL escapes", raw: "GET /a|b\"{}^`\xff?\xff|\" HTTP/1.1\r\nHost: h\r\n\r\n"},
		{reason: "the same after two slashes", raw: "GET //a|b HTTP/1.1\r\nHost: h\r\n\r\n"},
		{reason: "duplicates in their order, odd and empty values", raw: "GET / HTTP/1.1\r\nHost: h\r\nX-A: 2\r\nX-B: \r\nX-A: 1, 3\r\nX-A: \"q,\"\r\nCookie: a=b; c=d\r\nCookie: e=f\r\n\r\n"},
		{reason: "a user agent and encodings of its own", raw: "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: x/1\r\nAccept-Encoding: br;q=1, *;q=0\r\n\r\n"},
		{reason: "the Host with a port", raw: "GET / HTTP/1.1\r\nHost: Shop.Example:8443\r\n\r\n"},
		{reason: "a body with a length", raw: "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"},
		{reason: "a body without one", raw: "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{reason: "an empty one", raw: "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{reason: "with GET", raw: "GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{reason: "trailers", raw: "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n"},
		{reason: "trailers that were not announced", raw: "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n"},
		{reason: "Te keeps trailers", raw: "GET / HTTP/1.1\r\nHost: h\r\nTe: trailers\r\n\r\n"},
		{reason: "an announced empty body", raw: "DELETE /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"},
		{reason: "a method nobody knows", raw: "BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n"},
		{reason: "OPTIONS for all", raw: "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"},
		{reason: "absolute form becomes origin form", raw: "GET http://shop.example/a//b?c HTTP/1.1\r\nHost: shop.example\r\n\r\n",
			want: "GET /a//b?c HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
		{reason: "absolute form without a path", raw: "GET http://shop.example?c HTTP/1.1\r\nHost: shop.example\r\n\r\n",
			want: "GET /?c HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
		{reason: "absolute form of OPTIONS *", raw: "OPTIONS http://shop.example HTTP/1.1\r\nHost: shop.example\r\n\r\n",
			want: "OPTIONS * HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
		{reason: "hop-by-hop fields stay behind", raw: "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: 5\r\nX-Hop: 1\r\nTe: gzip\r\nProxy-Authorization: x\r\nX-Stays: 1\r\n\r\n",
			want: "GET / HTTP/1.1\r\nHost: h\r\nX-Stays: 1\r\n\r\n"},
		{reason: "no upgrade to h2c", raw: "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
			want: "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
	} {
		want := c.want
		if want == "" {
			direct, in := dial(t, url)
			io.WriteString(direct, c.raw)
			want = <-got
			if _, err := http.ReadResponse(in, nil); err != nil {
				t.Fatalf("%s: directly: %v", c.reason, err)
			}
		}
		through, in := dial(t, w.url)
		io.WriteString(through, c.raw)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%s: through the proxy: %v", c.reason, err)
		}
		if res.StatusCode != 200 {
			t.Errorf("%s: %s", c.reason, res.Status)
			continue
		}
		if d := cmp.Diff(sorted(want), sorted(added.ReplaceAllString(<-got, ""))); d != "" {
			t.Errorf("%s (-directly +through the proxy):\n%s", c.reason, d)
		}
	}
	if s := w.counts.skipped(); s != "" {
		t.Errorf("counted %s", s)
	}
}

// The same for answers.
func TestAnswersArriveAsSent(t *testing.T) {
	for _, c := range []struct {
		reason string
		method string
		answer string
		status int
		header http.Header // with Date, unless the backend gave one
		body   string
		cut    bool // the answer ends before its end
	}{
		{"a length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: x\r\n\r\nhello", 200,
			http.Header{"Content-Length": {"5"}, "Date": {"x"}}, "hello", false},
		{"no type is made up", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nDate: x\r\n\r\n<html>", 200,
			http.Header{"Content-Length": {"6"}, "Date": {"x"}}, "<html>", false},
		{"no length", "GET", "HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200,
			http.Header{"Date": {"x"}}, "hello", false},
		{"up to the end of the connection", "GET", "HTTP/1.0 200 OK\r\nDate: x\r\n\r\nhello", 200,
			http.Header{"Date": {"x"}}, "hello", false},
		{"duplicates, and hop-by-hop fields", "GET", "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nX: \r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nContent-Length: 0\r\nDate: x\r\n\r\n", 200,
			http.Header{"Set-Cookie": {"a=b", "c=d"}, "X": {""}, "Content-Length": {"0"}, "Date": {"x"}}, "", false},
		{"HEAD with the length of what GET gives", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\nDate: x\r\n\r\n", 200,
			http.Header{"Content-Length": {"500"}, "Date": {"x"}}, "", false},
		{"HEAD without a length", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: x\r\n\r\n", 200,
			http.Header{"Date": {"x"}}, "", false},
		{"204", "DELETE", "HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n", 204, http.Header{"Date": {"x"}}, "", false},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nDate: x\r\n\r\n", 304,
			http.Header{"Date": {"x"}, "Etag": {`"a"`}}, "", false},
		{"a status nobody knows", "GET", "HTTP/1.1 799 Odd\r\nContent-Length: 0\r\nDate: x\r\n\r\n", 799,
			http.Header{"Content-Length": {"0"}, "Date": {"x"}}, "", false},
		{"compressed bytes stay so", "GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\nDate: x\r\n\r\n\x1f\x8b\x00\x01", 200,
			http.Header{"Content-Encoding": {"gzip"}, "Content-Length": {"4"}, "Date": {"x"}}, "\x1f\x8b\x00\x01", false},
		{"Quack's marks never reach a client", "GET", "HTTP/1.1 200 OK\r\nQuack-Shadow-Result: x\r\nquack-footprint: y\r\nQuack-Read-Only: 1\r\nContent-Length: 0\r\nDate: x\r\n\r\n", 200,
			http.Header{"Content-Length": {"0"}, "Date": {"x"}}, "", false},
		{"it dies in mid-body, with a length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\nDate: x\r\n\r\nhello", 200,
			http.Header{"Content-Length": {"50"}, "Date": {"x"}}, "hello", true},
		{"it dies in mid-body, without one", "GET", "HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 200,
			http.Header{"Date": {"x"}}, "hello", true},
	} {
		t.Run(c.reason, func(t *testing.T) {
			url := rawBackend(t, func(conn net.Conn, r *bufio.Reader) {
				if _, err := readHead(r); err == nil {
					io.WriteString(conn, c.answer)
				}
			})
			w := newWorld(t, "  - {name: other, match: /other}", url, nil)
			conn, in := dial(t, w.url)
			io.WriteString(conn, c.method+" / HTTP/1.1\r\nHost: h\r\n\r\n")
			res, err := http.ReadResponse(in, &http.Request{Method: c.method})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if (err != nil) != c.cut {
				t.Errorf("read to the end: %v, want an error: %t", err, c.cut)
			}
			if res.StatusCode != c.status || string(body) != c.body {
				t.Errorf("got %d %q", res.StatusCode, body)
			}
			if d := cmp.Diff(c.header, res.Header); d != "" {
				t.Errorf("header (-want +got):\n%s", d)
			}
			if c.cut {
				if b, err := in.ReadByte(); err == nil {
					t.Errorf("the connection goes on with %q", b)
				}
			}
		})
	}
}

func TestRefusedRequests(t *testing.T) {
	for _, c := range []struct {
		reason string
		raw    string
		status int
	}{
		{"no tunnel", "CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n", 501},
		{"no TRACE", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
		{"a target that is no path", "GET mailto:x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"an asterisk is for OPTIONS", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"round in a circle", "GET / HTTP/1.1\r\nHost: h\r\nVia: 1.1 a, " + strings.Repeat("1.1 quack, ", 10) + "1.1 b\r\n\r\n", 508},
		{"a few Quacks in a row are none", "GET / HTTP/1.1\r\nHost: h\r\nVia: " + strings.Repeat("1.1 quack, ", 9) + "1.1 b\r\n\r\n", 200},
	} {
		w := newWorld(t, "  - {name: other, match: /other}", func(http.ResponseWriter, *http.Request) {}, nil)
		conn, in := dial(t, w.url)
		io.WriteString(conn, c.raw)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.reason, err)
		}
		if res.StatusCode != c.status {
			t.Errorf("%s: %s", c.reason, res.Status)
		}
		if got := w.counts.waitServed(t, 1); got[0].status != c.status || got[0].route != "(default)" {
			t.Errorf("%s: counted %v", c.reason, got)
		}
	}
}
