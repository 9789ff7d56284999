package upstream

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answerWith is a server that answers each request with these bytes, and closes
// the connection when the request asks for that.
func answerWith(t *testing.T, raw string) string {
	return serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := readHead(r); err == nil {
			io.WriteString(c, raw)
		}
	})
}

// The answers that the engine takes: it and http.Transport say the same of them.
var goodAnswers = []struct {
	reason string
	method string // GET when ""
	raw    string
}{
	{"by length", "", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello"},
	{"nothing", "", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{"no reason", "", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"},
	{"an empty reason", "", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"},
	{"a reason with spaces and bytes above ASCII", "", "HTTP/1.1 404 Nicht da, \xfcberhaupt\r\nContent-Length: 0\r\n\r\n"},
	{"a status that nobody knows", "", "HTTP/1.1 799 Odd\r\nContent-Length: 1\r\n\r\nx"},
	{"to the end of the connection", "", "HTTP/1.1 200 OK\r\n\r\nhello"},
	{"HTTP/1.0", "", "HTTP/1.0 200 OK\r\n\r\nhello"},
	{"HTTP/1.0 with keep-alive", "", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"},
	{"HTTP/1.2, which can not be but is the same", "", "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nhi"},
	{"close", "", "HTTP/1.1 200 OK\r\nConnection: X, close\r\nContent-Length: 2\r\n\r\nhi"},
	{"keep-alive", "", "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"},
	{"duplicates in their order", "", "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX: y\r\nSet-Cookie: b=2\r\nset-cookie: c=3\r\nContent-Length: 0\r\n\r\n"},
	{"names in any case", "", "HTTP/1.1 200 OK\r\ncontent-LENGTH: 2\r\nx-request-ID: 1\r\nETAG: x\r\nwww-authenticate: y\r\n\r\nhi"},
	{"odd names", "", "HTTP/1.1 200 OK\r\n1x_y!z: 1\r\n-a--b: 2\r\nContent-Length: 0\r\n\r\n"},
	{"values with blanks around and within", "", "HTTP/1.1 200 OK\r\nA:  \t b \tc \t \r\nB:x\r\nC:\r\nD: \r\nContent-Length: 0\r\n\r\n"},
	{"values above ASCII", "", "HTTP/1.1 200 OK\r\nX: \xc3\xa4\xff\r\nContent-Length: 0\r\n\r\n"},
	{"line feeds alone in the head", "", "HTTP/1.1 200 OK\nX: 1\nContent-Length: 2\n\nhi"},
	{"the same length twice", "", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi"},
	{"a length with zeros before it", "", "HTTP/1.1 200 OK\r\nContent-Length: 002\r\n\r\nhi"},
	{"HEAD with a length", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
	{"HEAD without one", "HEAD", "HTTP/1.1 200 OK\r\nX: 1\r\n\r\n"},
	{"HEAD of something chunked", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{"204", "", "HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n"},
	{"304 with the length of what it stands for", "", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nEtag: x\r\n\r\n"},
	{"chunks", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"},
	{"no chunk", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"},
	{"chunks with extensions, blanks and zeros", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0005;a=b\r\nhello\r\nA;c=\"d\"\r\n0123456789\r\n1  \r\n!\r\n000;x\r\n\r\n"},
	{"chunk sizes in both cases", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"},
	{"a trailer that was announced", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, x-other\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 7\r\nX-Sum: 8\r\n\r\n"},
	{"a trailer that was not", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nGrpc-Status: 0\r\n\r\n"},
	{"Trailer without chunks stays a field", "", "HTTP/1.1 200 OK\r\nTrailer: X\r\nContent-Length: 0\r\n\r\n"},
	{"interim answers before it", "", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"},
	{"a switch that was none", "", "HTTP/1.1 101 Switching Protocols\r\n\r\n"},
	{"a large body", "", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("0123456789", 10000)},
	{"a large chunk", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n" + strings.Repeat("0123456789", 10000) + "\r\n0\r\n\r\n"},
	{"a head over several reads", "", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 20000) + "\r\nY: z\r\nContent-Length: 2\r\n\r\nhi"},
	{"many fields", "", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\nZ: z\r\n", 100) + "Content-Length: 2\r\n\r\nhi"},
}

// heard is what there is to say of an answer.
type heard struct {
	Status           string
	Code             int
	Proto            string
	Major, Minor     int
	Header, Trailer  http.Header
	TransferEncoding []string
	Length           int64
	Close            bool
	Body             string
}

func hear(res *http.Response) (heard, error) {
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return heard{
		res.Status, res.StatusCode, res.Proto, res.ProtoMajor, res.ProtoMinor, res.Header, res.Trailer,
		res.TransferEncoding, res.ContentLength, res.Close, string(body),
	}, err
}

func TestAnswersAsTransportReadsThem(t *testing.T) {
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	for _, c := range goodAnswers {
		method := c.method
		if method == "" {
			method = "GET"
		}
		url := answerWith(t, c.raw)
		req, err := http.NewRequest(method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatalf("%s: Transport: %v", c.reason, err)
		}
		want, err := hear(theirs)
		if err != nil {
			t.Fatalf("%s: Transport: %v", c.reason, err)
		}
		ours, err := newBackend(t, Options{}, url).Pick(nil).RoundTrip(request(t, method, "/", "", nil, nil, 0), true)
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		got, err := hear(ours)
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-Transport +engine):\n%s", c.reason, d)
		}
	}
}

// One thing that Transport does to an answer the engine does not.
func TestPragmaIsLeftAlone(t *testing.T) {
	url := answerWith(t, "HTTP/1.1 200 OK\r\nPragma: no-cache\r\nContent-Length: 0\r\n\r\n")
	res, err := newBackend(t, Options{}, url).Pick(nil).RoundTrip(request(t, "GET", "/", "", nil, nil, 0), true)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if _, ok := res.Header["Cache-Control"]; ok {
		t.Error("Cache-Control was added")
	}
}

// The answers that it does not take.
var badAnswers = []struct {
	reason string
	raw    string
}{
	{"nothing at all", ""},
	{"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"},
	{"HTTP/2 in the status line", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{"an empty line first", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{"a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"},
	{"a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"},
	{"a status that is no number", "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n"},
	{"two spaces before the status", "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n"},
	{"CR in the reason", "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n"},
	{"a head that does not end", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"},
	{"half a status line", "HTTP/1.1 2"},
	{"a field without a colon", "HTTP/1.1 200 OK\r\nX\r\nContent-Length: 0\r\n\r\n"},
	{"a field without a name", "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n"},
	{"a blank before the colon", "HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 0\r\n\r\n"},
	{"a blank within a name", "HTTP/1.1 200 OK\r\nX y: z\r\nContent-Length: 0\r\n\r\n"},
	{"a folded line", "HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 0\r\n\r\n"},
	{"a folded first line", "HTTP/1.1 200 OK\r\n X: y\r\nContent-Length: 0\r\n\r\n"},
	{"CR within a value", "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n"},
	{"NUL within a value", "HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n"},
	{"DEL within a value", "HTTP/1.1 200 OK\r\nX: a\x7fb\r\nContent-Length: 0\r\n\r\n"},
	{"a name above ASCII", "HTTP/1.1 200 OK\r\nX\xc3\xa4: y\r\nContent-Length: 0\r\n\r\n"},
	{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"},
	{"two lengths in one line", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi"},
	{"a length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi"},
	{"a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi"},
	{"an empty length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhi"},
	{"a length in hexadecimal", "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nhi"},
	{"a length that is too large", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nhi"},
	{"a bad length where there is no body", "HTTP/1.1 204 No Content\r\nContent-Length: x\r\n\r\n"},
	{"length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"},
	{"chunks twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"a coding that nobody knows", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
	{"identity", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi"},
	{"a vertical tab before chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"},
	{"chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"Content-Length announced as a trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n"},
	{"a bad interim answer", "HTTP/1.1 103 Early Hints\r\nX y: z\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{"interim answers without end", strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n", 4000) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{"an interim answer alone", "HTTP/1.1 103 Early Hints\r\n\r\n"},
	{"a head that is too long", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 70000) + "\r\nContent-Length: 0\r\n\r\n"},
}

func TestBadAnswers(t *testing.T) {
	for _, c := range badAnswers {
		i := newBackend(t, Options{}, answerWith(t, c.raw)).Pick(nil)
		if res, err := i.RoundTrip(request(t, "GET", "/", "", nil, nil, 0), true); err == nil {
			t.Errorf("%s: got %s %v", c.reason, res.Status, res.Header)
			res.Body.Close()
		}
		if n := i.calls.Load(); n != 0 {
			t.Errorf("%s: %d calls under way", c.reason, n)
		}
	}
}

// Bodies that end in the wrong way. What came before is passed on.
var badBodies = []struct {
	reason     string
	raw        string // behind the head of a chunked answer
	length     string // Content-Length instead
	want       string
	unexpected bool // the error is io.ErrUnexpectedEOF
}{
	{"shorter than its length", "hel", "5", "hel", true},
	{"nothing of its length", "", "5", "", true},
	{"no chunk", "", "", "", true},
	{"a chunk that ends too soon", "5\r\nhel", "", "hel", true},
	{"no end of a chunk", "5\r\nhello", "", "hello", true},
	{"half an end of a chunk", "5\r\nhello\r", "", "hello", true},
	{"no last chunk", "5\r\nhello\r\n", "", "hello", true},
	{"no end after the last chunk", "5\r\nhello\r\n0\r\n", "", "hello", true},
	{"half a trailer", "5\r\nhello\r\n0\r\nX: y\r\n", "", "hello", true},
	{"a chunk longer than its size", "5\r\nhello!\r\n0\r\n\r\n", "", "hello", false},
	{"a line feed alone behind a size", "5\nhello\r\n0\r\n\r\n", "", "", false},
	{"a line feed alone behind a chunk", "5\r\nhello\n0\r\n\r\n", "", "hello", false},
	{"CR within a size's line", "5;\rx\r\nhello\r\n0\r\n\r\n", "", "", false},
	{"NUL in an extension", "5;\x00\r\nhello\r\n0\r\n\r\n", "", "", false},
	{"a blank before a size", " 5\r\nhello\r\n0\r\n\r\n", "", "", false},
	{"an empty size", "\r\nhello\r\n0\r\n\r\n", "", "", false},
	{"an extension alone", ";x\r\nhello\r\n0\r\n\r\n", "", "", false},
	{"junk behind a size", "5x\r\nhello\r\n0\r\n\r\n", "", "", false},
	{"a size with a sign", "+5\r\nhello\r\n0\r\n\r\n", "", "", false},
	{"a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n", "", "", false},
	{"a size that is too large", "8000000000000000\r\nhello\r\n0\r\n\r\n", "", "", false},
	{"a size of more than 16 digits", "00000000000000005\r\nhello\r\n0\r\n\r\n", "", "", false},
	{"an extension that is too long", "5;" + strings.Repeat("x", 2000) + "\r\nhello\r\n0\r\n\r\n", "", "", false},
	{"a line feed alone behind the last chunk", "5\r\nhello\r\n0\r\n\n", "", "hello", false},
	{"a bad trailer", "5\r\nhello\r\n0\r\nX y: z\r\n\r\n", "", "hello", false},
	{"a trailer with line feeds alone", "5\r\nhello\r\n0\r\nX: y\n\r\n", "", "hello", false},
	{"a trailer that is too long", "5\r\nhello\r\n0\r\nX: " + strings.Repeat("x", 70000) + "\r\n\r\n", "", "hello", false},
	{"mostly extensions", strings.Repeat("1;"+strings.Repeat("x", 900)+"\r\nh\r\n", 100) + "0\r\n\r\n", "", strings.Repeat("h", 18), false},
}

func TestBadBodies(t *testing.T) {
	for _, c := range badBodies {
		head := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		if c.length != "" {
			head = "HTTP/1.1 200 OK\r\nContent-Length: " + c.length + "\r\n\r\n"
		}
		i := newBackend(t, Options{}, answerWith(t, head+c.raw)).Pick(nil)
		_, got, err := call(i, request(t, "GET", "/", "", nil, nil, 0), true)
		if err == nil || errors.Is(err, io.ErrUnexpectedEOF) != c.unexpected || got != c.want {
			t.Errorf("%s: got %q, %v", c.reason, got, err)
		}
		if n := i.calls.Load(); n != 0 {
			t.Errorf("%s: %d calls under way", c.reason, n)
		}
	}
}
