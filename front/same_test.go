package front

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// sameCase is asked of net/http's server and of both fronts; what the handler
// sees and what the client gets has to be the same.
type sameCase struct {
	name    string
	send    string
	handler http.HandlerFunc // default: echo
}

const get = "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"

func post(body string) string {
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

var requestCases = []sameCase{
	{name: "plain", send: get},
	{name: "twice over one connection", send: get + get},
	{name: "query", send: "GET /a/b?c=d&e HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
	{name: "query with nothing", send: "GET /a? HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
	{name: "two question marks", send: "GET /a?? HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
	{name: "escaped", send: "GET /a%2Fb%20c/%C3%A4;x=y//z?%zz HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
	{name: "path that net/url spells otherwise", send: "GET /a!b'(c)*|\"<>^`{}[] HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
	{name: "bytes beyond ASCII", send: "GET /\xc3\xa4?\xff HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
	{name: "double slash", send: "GET //a//b HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
	{name: "bad escape", send: "GET /%zz HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
	{name: "absolute form", send: "GET http://shop.example/a?b HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
	{name: "asterisk", send: "OPTIONS * HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
	{name: "names and values", send: "GET / HTTP/1.1\r\nhost:shop.example:80\r\nX-ODD-name: \t a  b\t\r\nx_y: 1\r\nEMPTY:\r\nx-odd-NAME: again\r\nX-Odd-Name: \xe4\r\n\r\n"},
	{name: "lower case as some clients do", send: "GET / HTTP/1.1\r\nhost: shop.example\r\nuser-agent: u\r\naccept: */*\r\nx-own-thing: 1\r\nx-forwarded-for: 1.2.3.4\r\n\r\n"},
	{name: "many fields", send: "GET / HTTP/1.1\r\nHost: shop.example\r\n" + manyFields(200) + "\r\n"},
	{name: "large head", send: "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Large: " + strings.Repeat("l", 40<<10) + "\r\n\r\n" + get},
	{name: "own method", send: "PURGE /a HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
	{name: "pragma", send: "GET / HTTP/1.1\r\nHost: shop.example\r\nPragma: no-cache\r\n\r\n"},
	{name: "pragma beside cache-control", send: "GET / HTTP/1.1\r\nHost: shop.example\r\nPragma: no-cache\r\nCache-Control: max-age=0\r\n\r\n"},
	{name: "with a length", send: post("hello") + get},
	{name: "length zero", send: post("") + get},
	{name: "leading zeros", send: "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0005\r\n\r\nhello"},
	{name: "long body", send: post(strings.Repeat("0123456789abcdef", 10<<10)) + get},
	{name: "GET with a body", send: "GET / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\n\r\nabc" + get},
	{name: "chunked", send: "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0A;x=\"y\"\r\n0123456789\r\n0\r\n\r\n" + get},
	{name: "chunked in any case", send: "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n" + get},
	{name: "chunked and long", send: "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n" + manyChunks(300) + "0\r\n\r\n" + get},
	{name: "trailer", send: "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, x-other\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\nx-sum: 2\r\nX-Late:  3 \r\n\r\n" + get},
	{name: "trailer nobody announced", send: "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Late: 3\r\n\r\n" + get},
	{name: "trailer announced without chunks", send: "GET / HTTP/1.1\r\nHost: shop.example\r\nTrailer: X-Sum\r\n\r\n"},
	{name: "close", send: "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n" + get},
	{name: "keep-alive", send: "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive\r\n\r\n" + get},
	{name: "other options", send: "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: TE, close\r\nTE: trailers\r\n\r\n"},
	{name: "HTTP/1.0", send: "GET / HTTP/1.0\r\n\r\n" + get},
	{name: "HTTP/1.0 kept alive", send: "GET / HTTP/1.0\r\nHost: shop.example\r\nConnection: keep-alive\r\n\r\n" + get},
	{name: "expect", send: "POST / HTTP/1.1\r\nHost: shop.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello" + get},
	{name: "expect something else", send: "POST / HTTP/1.1\r\nHost: shop.example\r\nExpect: more\r\nContent-Length: 5\r\n\r\nhello"},
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "X-Field-%d: %d\r\n", i%150, i)
	}
	return b.String()
}

func manyChunks(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", i+1, strings.Repeat("c", i+1))
	}
	return b.String()
}

func answering(status int, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(fields); i += 2 {
			w.Header().Add(fields[i], fields[i+1])
		}
		w.WriteHeader(status)
	}
}

func saying(body string, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(fields); i += 2 {
			w.Header().Add(fields[i], fields[i+1])
		}
		_, err := io.WriteString(w, body)
		if err != nil {
			noteOn(r, "write: %v", err)
		}
	}
}

var answerCases = []sameCase{
	{name: "nothing", handler: func(http.ResponseWriter, *http.Request) {}},
	{name: "status only", handler: answering(404)},
	{name: "status nobody knows", handler: answering(299)},
	{name: "high status", handler: answering(799)},
	{name: "204", handler: answering(204, "Content-Type", "text/plain", "Content-Length", "3")},
	{name: "204 with a body", handler: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(204)
		_, err := io.WriteString(w, "x")
		noteOn(r, "%v", err)
	}},
	{name: "304", handler: answering(304, "Content-Type", "text/plain", "Content-Length", "3", "Etag", `"a"`)},
	{name: "304 with a length and a trailer", handler: answering(304, "Trailer", "X-Sum")},
	{name: "short without a length", handler: saying("hello")},
	{name: "HTML", handler: saying("<html><body>")},
	{name: "typed", handler: saying("<html>", "Content-Type", "text/x-own")},
	{name: "type switched off", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		io.WriteString(w, "<html>")
	}},
	{name: "encoded", handler: saying("\x1f\x8b\x08", "Content-Encoding", "gzip")},
	{name: "empty encoding", handler: saying("abc", "Content-Encoding", "")},
	{name: "with a length", handler: saying("hello", "Content-Length", "5", "Content-Type", "text/plain")},
	{name: "with a length and no type", handler: saying("hello", "Content-Length", "5")},
	{name: "too much", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		_, err := io.WriteString(w, "hello")
		_, err2 := io.WriteString(w, "more")
		noteOn(r, "%v %v", err, err2)
	}},
	{name: "too little", handler: saying("hel", "Content-Length", "5", "Content-Type", "text/plain"), send: get},
	{name: "2048", handler: saying(strings.Repeat("a", 2048))},
	{name: "2049", handler: saying(strings.Repeat("a", 2049))},
	{name: "2049 in two", handler: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("a", 2000))
		io.WriteString(w, strings.Repeat("b", 49))
	}},
	{name: "long", handler: saying(strings.Repeat("0123456789", 20000))},
	{name: "long with a length", handler: saying(strings.Repeat("0123456789", 20000), "Content-Length", "200000", "Content-Type", "text/plain")},
	{name: "in many pieces", handler: func(w http.ResponseWriter, r *http.Request) {
		for i := range 2000 {
			fmt.Fprintf(w, "%d,", i)
		}
	}},
	{name: "flushed", handler: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		io.WriteString(w, "b")
	}},
	{name: "flushed empty", handler: func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() }},
	{name: "flushed with a length", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "2")
		w.(http.Flusher).Flush()
		io.WriteString(w, "ab")
	}},
	{name: "trailer announced", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum, Content-Length, x-none")
		io.WriteString(w, "a")
		w.Header().Set("X-Sum", "1")
		w.Header().Add("X-Sum", "2")
	}},
	{name: "trailer by prefix", handler: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
	}},
	{name: "trailer by prefix before the head", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
		io.WriteString(w, "a")
	}},
	{name: "header changed too late", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-A", "1")
		w.WriteHeader(200)
		w.Header().Set("X-A", "2")
		w.Header().Set("X-B", "3")
		io.WriteString(w, "a")
	}},
	{name: "status twice", handler: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(201)
		w.WriteHeader(404)
	}},
	{name: "interim", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.Header().Set("Content-Length", "1")
		w.WriteHeader(103)
		w.WriteHeader(102)
		io.WriteString(w, "a")
	}},
	{name: "close", handler: saying("a", "Connection", "close"), send: get + get},
	{name: "other options", handler: saying("a", "Connection", "X-Own", "X-Own", "1")},
	{name: "close among others", handler: saying("a", "Connection", "X-Own, close", "X-Own", "1"), send: get},
	{name: "identity", handler: saying("abc", "Transfer-Encoding", "identity"), send: get},
	{name: "chunked by hand", handler: saying("abc", "Transfer-Encoding", "chunked")},
	{name: "both lengths", handler: saying("abc", "Transfer-Encoding", "chunked", "Content-Length", "3")},
	{name: "own date", handler: saying("a", "Date", "yesterday")},
	{name: "no date", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		io.WriteString(w, "a")
	}},
	{name: "line breaks in a value", handler: saying("a", "X-A", "b\r\nX-C: d\ne", "X-F", " g\t")},
	{name: "names that are none", handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X A"] = []string{"1"}
		w.Header()["X-B\r\nX-C"] = []string{"1"}
		w.Header()[""] = []string{"1"}
		w.Header()["x-lower"] = []string{"1", "2"}
	}},
	{name: "body left alone", handler: saying("a"), send: post("hello") + get},
	{name: "body left alone, chunked", handler: saying("a"), send: "POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + get},
	{name: "long body left alone", handler: saying("a", "Content-Length", "1", "Content-Type", "x"), send: post(strings.Repeat("u", 300<<10))},
	{name: "body closed", handler: func(w http.ResponseWriter, r *http.Request) {
		r.Body.Close()
		_, err := r.Body.Read(make([]byte, 1))
		noteOn(r, "%v", err)
	}, send: post("hello") + get},
	{name: "body half read", handler: func(w http.ResponseWriter, r *http.Request) {
		io.ReadFull(r.Body, make([]byte, 2))
		io.WriteString(w, "a")
	}, send: post("hello") + get},
	{name: "answered while reading", handler: func(w http.ResponseWriter, r *http.Request) {
		noteOn(r, "%v", http.NewResponseController(w).EnableFullDuplex())
		io.WriteString(w, "first,")
		http.NewResponseController(w).Flush()
		io.Copy(w, r.Body)
	}, send: post("hello") + get},
	{name: "broken off before the head", handler: func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, send: get},
	{name: "broken off in the body", handler: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, send: get},
	{name: "panic", handler: func(w http.ResponseWriter, r *http.Request) { panic("oh") }, send: get},
	{name: "deadlines", handler: func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		noteOn(r, "%v %v", c.SetReadDeadline(time.Now().Add(time.Hour)), c.SetWriteDeadline(time.Now().Add(time.Hour)))
	}},
}

// notes collects what handlers have seen.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.lines, "\n")
}

type notesKey struct{}

func noteOn(r *http.Request, format string, args ...any) {
	n := r.Context().Value(notesKey{}).(*notes)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

// echo notes all of a request that a handler can see.
func echo(w http.ResponseWriter, r *http.Request) {
	noteOn(r, "%s %s %s %d.%d host=%q close=%v length=%d coding=%q tls=%v url=%#v", r.Method, r.RequestURI, r.Proto, r.ProtoMajor,
		r.ProtoMinor, r.Host, r.Close, r.ContentLength, r.TransferEncoding, r.TLS, *r.URL)
	noteOn(r, "header %q trailer %q", r.Header, r.Trailer)
	body, err := io.ReadAll(r.Body)
	again, err2 := r.Body.Read(make([]byte, 1))
	noteOn(r, "body %q %v, then %d %v, trailer %q", body, err, again, err2, r.Trailer)
	_, local := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	_, server := r.Context().Value(http.ServerContextKey).(*http.Server)
	noteOn(r, "local %v, server %v, nobody %v", local, server, r.Body == http.NoBody)
	io.WriteString(w, "ok")
}

func TestSameAsNetHTTP(t *testing.T) {
	cases := slices.Clone(requestCases)
	for _, c := range answerCases {
		if c.send == "" {
			c.send = get + get
		}
		cases = append(cases, c)
		c.name, c.send = "HEAD "+c.name, strings.ReplaceAll(c.send, "GET /", "HEAD /")
		cases = append(cases, c)
	}
	for _, c := range cases {
		if c.handler == nil {
			c.handler = echo
		}
		t.Run(c.name, func(t *testing.T) {
			seen, got := reference(t, c)
			onBoth(t, func(t *testing.T, kind Kind) {
				n := new(notes)
				s := serve(t, Config{Front: kind, Handler: noting(n, c.handler)})
				answers := exchangeRaw(t, s.addr, c.send)
				if have := n.String(); have != seen {
					t.Errorf("the handler saw\n%s\nwith net/http\n%s", have, seen)
				}
				if answers != got {
					t.Errorf("the client got\n%s\nwith net/http\n%s", answers, got)
				}
			})
		})
	}
}

func noting(n *notes, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// In place: a copy of the request would never get the trailer.
		*r = *r.WithContext(context.WithValue(r.Context(), notesKey{}, n))
		h.ServeHTTP(w, r)
	})
}

func reference(t *testing.T, c sameCase) (seen, got string) {
	n := new(notes)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{
		Handler: noting(n, c.handler), DisableGeneralOptionsHandler: true,
		ErrorLog: log.New(io.Discard, "", 0), MaxHeaderBytes: 64 << 10,
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	got = exchangeRaw(t, ln.Addr().String(), c.send)
	srv.Close()
	<-done
	return n.String(), got
}

// exchangeRaw sends bytes, ends its side, and tells what comes back until the
// end, in a form that does not depend on the order of fields.
func exchangeRaw(t *testing.T, addr, send string) string {
	t.Helper()
	c := dial(t, addr)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		io.WriteString(c, send) // who answers early may close
		c.Conn.(*net.TCPConn).CloseWrite()
	}()
	raw, err := io.ReadAll(c)
	<-sent
	if err != nil {
		t.Logf("read: %v", err)
	}
	return readable(raw, strings.HasPrefix(send, "HEAD"))
}

func readable(raw []byte, head bool) string {
	var b strings.Builder
	method := "GET"
	if head {
		method = "HEAD"
	}
	for r := bufio.NewReader(bytes.NewReader(raw)); ; {
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		} else if err != nil {
			fmt.Fprintf(&b, "then %v\n", err)
			break
		}
		if date := res.Header.Get("Date"); date != "" && strings.HasSuffix(date, "GMT") {
			res.Header.Set("Date", "now")
		}
		if res.StatusCode == http.StatusContinue {
			// Sent or not: that depends on who is quicker.
			continue
		}
		fmt.Fprintf(&b, "%s %s close=%v coding=%v length=%d\n", res.Proto, res.Status, res.Close, res.TransferEncoding, res.ContentLength)
		for _, name := range slices.Sorted(maps.Keys(res.Header)) {
			fmt.Fprintf(&b, "%s: %q\n", name, res.Header[name])
		}
		body, err := io.ReadAll(res.Body)
		fmt.Fprintf(&b, "body %q %v trailer %q\n", body, err, res.Trailer)
	}
	return b.String()
}
