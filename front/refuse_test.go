package front

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// refused are requests that reach no handler, and why. Only the status and the
// label of the count are told apart here; the rules are those of refuse.go.
var refused = []struct {
	reason string // the rule, in words
	send   string
	status int
	label  string
}{
	{"line feed alone ends the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "line-end"},
	{"line feed alone ends a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400, "line-end"},
	{"line feed alone ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "line-end"},
	{"line feeds only", "GET / HTTP/1.1\nHost: a\n\n", 400, "line-end"},
	{"carriage return in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400, "field-value"},
	{"carriage return alone ends a field", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400, "field-value"},
	{"carriage return twice", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400, "request-line"},
	{"two empty lines before the request", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "empty-line"},
	{"no version", "GET /\r\nHost: a\r\n\r\n", 400, "request-line"},
	{"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request-line"},
	{"nothing but a word", "GET\r\n\r\n", 400, "request-line"},
	{"space before the method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request-line"},
	{"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"},
	{"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"},
	{"space at the end", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, "request-line"},
	{"tab for a space", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", 400, "request-line"},
	{"something behind the version", "GET / HTTP/1.1x\r\nHost: a\r\n\r\n", 400, "request-line"},
	{"version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400, "request-line"},
	{"HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505, "version"},
	{"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "version"},
	{"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "version"},
	{"HTTP/01.1", "GET / HTTP/01.1\r\nHost: a\r\n\r\n", 400, "request-line"},
	{"HTTP/1.1 in two digits", "GET / HTTP/1.11\r\nHost: a\r\n\r\n", 400, "request-line"},
	{"method that is no token", "G<T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "method"},
	{"control character in the target", "GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"},
	{"NUL in the target", "GET /a\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"},
	{"DEL in the target", "GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"},
	{"fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"},
	{"target without a slash", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"},
	{"asterisk of another method", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"},
	{"other scheme", "GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"},
	{"scheme only", "GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"},
	{"absolute form without a host", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "host"},
	{"absolute form with user information", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "host"},
	{"absolute form of another host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "host-differs"},
	{"absolute form of another port", "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "host-differs"},
	{"absolute form and a bad Host", "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "host"},
	{"CONNECT to a path", "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"},
	{"CONNECT without a port", "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"},
	{"CONNECT elsewhere", "CONNECT b:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 400, "host-differs"},
	{"no Host", "GET / HTTP/1.1\r\n\r\n", 400, "host-missing"},
	{"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "host-repeated"},
	{"two Hosts in two cases", "GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", 400, "host-repeated"},
	{"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "host"},
	{"Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "host"},
	{"Host with a comma", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400, "host"},
	{"Host with user information", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "host"},
	{"Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "host"},
	{"Host with a scheme", "GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", 400, "host"},
	{"Host with a bad port", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400, "host"},
	{"Host with a port too high", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400, "host"},
	{"Host with two ports", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400, "host"},
	{"Host with an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, "host"},
	{"Host with IPv4 in brackets", "GET / HTTP/1.1\r\nHost: [1.2.3.4]\r\n\r\n", 400, "host"},
	{"Host with a zone", "GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", 400, "host"},
	{"Host with half an escape", "GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", 400, "host"},
	{"Host beyond ASCII", "GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n", 400, "host"},
	{"Host with nothing but a port", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400, "host"},
	{"bad Host in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", 400, "host"},
	{"space before the colon", "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400, "field-name"},
	{"tab before the colon", "GET / HTTP/1.1\r\nHost: a\r\nX\t: y\r\n\r\n", 400, "field-name"},
	{"no name", "GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", 400, "field-name"},
	{"no colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400, "field-name"},
	{"name that is no token", "GET / HTTP/1.1\r\nHost: a\r\nX(y): z\r\n\r\n", 400, "field-name"},
	{"NUL in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\x00: z\r\n\r\n", 400, "field-name"},
	{"name beyond ASCII", "GET / HTTP/1.1\r\nHost: a\r\nX\xe4: z\r\n\r\n", 400, "field-name"},
	{"folded field", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400, "fold"},
	{"folded with a tab", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n", 400, "fold"},
	{"space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "fold"},
	{"NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: y\x00z\r\n\r\n", 400, "field-value"},
	{"control character late in a long value", "GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789abcdef\x1f0123456\r\n\r\n", 400, "field-value"},
	{"DEL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: 01234567\x7f\r\n\r\n", 400, "field-value"},
	{"both lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "both-lengths"},
	{"both lengths the other way round", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", 400, "both-lengths"},
	{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400, "content-length"},
	{"two equal lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400, "content-length"},
	{"list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello", 400, "content-length"},
	{"empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nhello", 400, "content-length"},
	{"length with a plus", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", 400, "content-length"},
	{"length with a minus", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nhello", 400, "content-length"},
	{"length in hex", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello", 400, "content-length"},
	{"length with a fraction", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5.0\r\n\r\nhello", 400, "content-length"},
	{"length with an underscore", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1_0\r\n\r\nhello", 400, "content-length"},
	{"length beyond all bounds", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\nhello", 400, "content-length"},
	{"other digits", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \xd9\xa5\r\n\r\nhello", 400, "content-length"},
	{"length spelt with an underscore", "POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\nhello", 400, "lookalike"},
	{"coding spelt with an underscore", "POST / HTTP/1.1\r\nHost: a\r\ntransfer_encoding: chunked\r\n\r\n0\r\n\r\n", 400, "lookalike"},
	{"unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "coding-unknown"},
	{"coding before chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "coding-unknown"},
	{"identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501, "coding-unknown"},
	{"almost chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, "coding-unknown"},
	{"chunked in quotes", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400, "transfer-encoding"},
	{"chunked with a parameter", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 400, "transfer-encoding"},
	{"chunked twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, "transfer-encoding"},
	{"chunked twice in two fields", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "transfer-encoding"},
	{"chunked not last", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400, "transfer-encoding"},
	{"chunked and then identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400, "transfer-encoding"},
	{"empty coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n", 400, "transfer-encoding"},
	{"comma behind chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", 400, "transfer-encoding"},
	{"vertical tab before chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400, "field-value"},
	{"coding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "transfer-encoding"},
	{"Connection takes the length off", "POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length\r\nContent-Length: 5\r\n\r\nhello", 400, "connection"},
	{"Connection takes the Host off", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, host\r\n\r\n", 400, "connection"},
	{"chunk size with a sign", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n", 400, "chunk"},
	{"chunk size with 0x", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", 400, "chunk"},
	{"chunk size with a space before", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n", 400, "chunk"},
	{"chunk size with a space behind", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n", 400, "chunk"},
	{"chunk size missing", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n", 400, "chunk"},
	{"chunk size beyond all bounds", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n", 400, "chunk"},
	{"line feed alone behind a chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 400, "chunk"},
	{"line feed alone behind a chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n", 400, "chunk"},
	{"chunk longer than it says", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n", 400, "chunk"},
	{"line feed in an extension", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n", 400, "chunk"},
	{"carriage return in an extension", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a\rb\r\nhello\r\n0\r\n\r\n", 400, "chunk"},
	{"long extension", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;" + strings.Repeat("a", 300) + "\r\nhello\r\n0\r\n\r\n", 400, "chunk"},
	{"length in the trailer", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n", 400, "trailer"},
	{"bad name in the trailer", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX y: 5\r\n\r\n", 400, "trailer"},
	{"line feed alone in the trailer", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 5\n\r\n", 400, "trailer"},
	{"head too large", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 70<<10) + "\r\n\r\n", 431, "head-size"},
	{"more fields than anybody needs", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("x:\r\n", maxFields) + "\r\n", 431, "head-size"},
	{"target too large", "GET /" + strings.Repeat("x", 70<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", 431, "head-size"},
	{"head without an end", "GET / HTTP/1.1\r\nHost: a\r\nX: y", 400, "cut-short"},
	{"TLS where none is spoken", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 400, "request-line"},
	{"PROXY header from anybody", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request-line"},
	{"preface where HTTP/2 is not served", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version"},
}

func TestRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var called atomic.Int64
		var mu sync.Mutex
		var labels []string
		s := serve(t, Config{
			Front:   kind,
			Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called.Add(1) }),
			Refused: func(reason string) { mu.Lock(); labels = append(labels, reason); mu.Unlock() },
		})
		for _, before := range []string{"", get} {
			for _, c := range refused {
				if before != "" && strings.HasPrefix(c.send, "\r\n") {
					continue // one more empty line behind a request is as good
				}
				t.Run(c.reason, func(t *testing.T) {
					mu.Lock()
					labels = nil
					mu.Unlock()
					called.Store(0)
					answers := exchangeAnswers(t, s.addr, before+c.send)
					if before != "" {
						if len(answers) == 0 || answers[0].status != 200 {
							t.Fatalf("the sound request before was answered %+v", answers)
						}
						answers = answers[1:]
					}
					if len(answers) != 1 {
						t.Fatalf("got %d answers, want the refusal: %+v", len(answers), answers)
					}
					a := answers[0]
					if a.status != c.status || !a.close || a.problem.Status != c.status {
						t.Errorf("got %+v, want status %d as a problem, and the end of the connection", a, c.status)
					}
					if n := called.Load(); n != int64(len(before)/max(len(get), 1)) {
						t.Errorf("the handler was called %d times", n)
					}
					mu.Lock()
					defer mu.Unlock()
					if len(labels) != 1 || labels[0] != c.label {
						t.Errorf("counted %q, want %q", labels, c.label)
					}
				})
			}
		}
	})
}

type gotAnswer struct {
	status  int
	close   bool
	problem struct {
		Status int
		Detail string
	}
}

// exchangeAnswers sends bytes and reads answers until the end.
func exchangeAnswers(t *testing.T, addr, send string) (all []gotAnswer) {
	t.Helper()
	c := dial(t, addr)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		io.WriteString(c, send)
		closeWrite(c.Conn)
	}()
	defer func() { <-sent }()
	for {
		res, err := http.ReadResponse(c.r, nil)
		if err != nil {
			return all
		}
		body, _ := io.ReadAll(res.Body)
		a := gotAnswer{status: res.StatusCode, close: res.Close}
		if strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") {
			if err := json.Unmarshal(body, &a.problem); err != nil {
				t.Errorf("problem %q: %v", body, err)
			}
		}
		all = append(all, a)
	}
}

// TestTaken holds that what is odd and sound is served.
func TestTaken(t *testing.T) {
	for _, c := range []struct{ reason, send string }{
		{"one empty line before the request", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"port", "GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n"},
		{"IPv6", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n"},
		{"underscore in the host", "GET / HTTP/1.1\r\nHost: a_b.example\r\n\r\n"},
		{"underscore in a name", "GET / HTTP/1.1\r\nHost: a\r\nX_Y: z\r\n\r\n"},
		{"absolute form with the host in another case", "GET http://A.example/ HTTP/1.1\r\nHost: a.EXAMPLE\r\n\r\n"},
		{"HTTP/1.0 without a Host", "GET / HTTP/1.0\r\n\r\n"},
		{"OPTIONS of the server as a whole", "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n"},
		{"tabs and Latin-1 in a value", "GET / HTTP/1.1\r\nHost: a\r\nX:\ta\tb \xe4\t\r\n\r\n"},
		{"empty value", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n"},
		{"chunk extension", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b;c\"\r\nhello\r\n00\r\n\r\n"},
		{"upgrade to h2c is left alone", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			onBoth(t, func(t *testing.T, kind Kind) {
				s := serve(t, Config{Front: kind, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, err := io.Copy(io.Discard, r.Body); err != nil {
						w.WriteHeader(500)
					}
				})})
				answers := exchangeAnswers(t, s.addr, c.send+get)
				want := 2
				if strings.Contains(c.send, "HTTP/1.0") {
					want = 1
				}
				if len(answers) != want {
					t.Fatalf("got %+v, want %d answers", answers, want)
				}
				for _, a := range answers {
					if a.status != 200 {
						t.Errorf("got %+v", a)
					}
				}
			})
		})
	}
}

// TestBadChunkLate holds that a chunk that is bad behind the part that came
// with the head breaks the body off, and that nothing behind it is a request.
func TestBadChunkLate(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		bodies, more := make(chan error, 2), make(chan struct{})
		s := serve(t, Config{Front: kind, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(more)
			_, err := io.ReadAll(r.Body)
			bodies <- err
		})})
		c := dial(t, s.addr)
		c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
		<-more
		c.send("5 \r\nhello\r\n0\r\n\r\n" + get)
		if err := <-bodies; err == nil || err == io.EOF {
			t.Errorf("the body was read without an error")
		}
		c.answer("POST")
		c.ended()
	})
}
