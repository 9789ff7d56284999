package upstream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// headServer answers every request with 204 and hands over its head.
func headServer(t *testing.T) (string, <-chan string) {
	heads := make(chan string, 64)
	url := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		for {
			head, err := readHead(r)
			if err != nil {
				return
			}
			heads <- head
			io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	return url, heads
}

var targets = []struct {
	path, query string
	force       bool
	want        string
	reason      string
}{
	{path: "/", want: "/", reason: "the root"},
	{path: "/a/b", query: "x=1", want: "/a/b?x=1", reason: "the ordinary"},
	{path: "/a%2Fb%2fc", want: "/a%2Fb%2fc", reason: "an escaped slash keeps its spelling"},
	{path: "/a//b/../c/./", want: "/a//b/../c/./", reason: "nothing is cleaned"},
	{path: "//", want: "//", reason: "two slashes are not an authority"},
	{path: "//a/b", query: "x", want: "//a/b?x", reason: "nor with a path behind them"},
	{path: "//a%2Fb;c=d", want: "//a%2Fb;c=d", reason: "nor with what has to stay escaped"},
	{path: "///a", want: "///a", reason: "three slashes"},
	{path: `//a|b"c{d}^`, query: "|", want: `//a|b"c{d}^?|`, reason: "bytes that url.URL would escape"},
	{path: "//\xff\xc3\xa4", want: "//\xff\xc3\xa4", reason: "bytes above ASCII after two slashes"},
	{path: "//http://x", want: "//http://x", reason: "a target that looks like a URL"},
	{path: `/a|b"c{d}^\`, want: `/a|b"c{d}^\`, reason: "the same after one slash"},
	{path: "/\xff\xc3\xa4", want: "/\xff\xc3\xa4", reason: "bytes above ASCII"},
	{path: "/a;b=c", query: "z=1;y=2&b=%zz&a=3&&=", want: "/a;b=c?z=1;y=2&b=%zz&a=3&&=", reason: "parameters that do not parse"},
	{path: "/a", force: true, want: "/a?", reason: "a question mark with nothing behind it"},
	{path: "/a", query: "?", want: "/a??", reason: "two question marks"},
	{path: "/a#b", query: "c#d", want: "/a#b?c#d", reason: "a fragment that should not have been sent"},
	{path: "*", want: "*", reason: "OPTIONS *"},
	{path: "/a:b", want: "/a:b", reason: "a colon in the first segment"},
}

func TestTargetBytes(t *testing.T) {
	url, heads := headServer(t)
	i := newBackend(t, Options{}, url).Pick(nil)
	for _, c := range targets {
		for _, idempotent := range []bool{true, false} {
			req, err := NewRequest(context.Background(), "OPTIONS", c.path, c.query, c.force, "shop.example", http.Header{}, nil, 0)
			if err != nil {
				t.Fatalf("%s: %v", c.reason, err)
			}
			if _, _, err := call(i, req, idempotent); err != nil {
				t.Fatalf("%s: %v", c.reason, err)
			}
			line, _, _ := strings.Cut(<-heads, "\r\n")
			if want := "OPTIONS " + c.want + " HTTP/1.1"; line != want {
				t.Errorf("%s (idempotent=%t): sent %q, want %q", c.reason, idempotent, line, want)
			}
		}
	}
}

func TestTargetBytesOverTLS(t *testing.T) {
	var got string
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.RequestURI }))
	t.Cleanup(srv.Close)
	i := newBackend(t, Options{}, srv.URL).Pick(nil)
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	i.tls.RootCAs = pool
	for _, path := range []string{"/a", "//a/b", "//a|b"} {
		for _, idempotent := range []bool{true, false} {
			if _, _, err := call(i, request(t, "GET", path, "", nil, nil, 0), idempotent); err != nil {
				t.Fatal(err)
			}
			if got != path {
				t.Errorf("arrived %q, want %q", got, path)
			}
		}
	}
}

func TestNewRequestRefuses(t *testing.T) {
	for _, c := range []struct {
		path, query, reason string
	}{
		{"", "", "no path at all"},
		{"http://x/", "", "a URL"},
		{"/a HTTP/1.1\r\nHost: x", "", "a second line"},
		{"/a b", "", "a space ends the target"},
		{"/a", "b\n", "a line feed in the query"},
		{"//a\x7f", "", "a control character"},
	} {
		if _, err := NewRequest(context.Background(), "GET", c.path, c.query, false, "h", http.Header{}, nil, 0); err == nil {
			t.Errorf("%q?%q was taken (%s)", c.path, c.query, c.reason)
		}
	}
	if _, err := NewRequest(context.Background(), "POST", "/", "", false, "h", http.Header{}, nil, 5); err == nil {
		t.Error("a length without a body was taken")
	}
}

func TestHeadIsSentAsGiven(t *testing.T) {
	url, heads := headServer(t)
	host := strings.TrimPrefix(url, "http://")
	i := newBackend(t, Options{}, url).Pick(nil)
	for _, c := range []struct {
		reason string
		method string
		header http.Header
		want   []string // the fields, sorted
	}{
		{"nothing is added", "GET", http.Header{}, nil},
		{"what is there stays, duplicates in their order", "GET",
			http.Header{"X-B": {"2", "1"}, "User-Agent": {"curl/8"}, "Accept-Encoding": {"br"}},
			[]string{"Accept-Encoding: br", "User-Agent: curl/8", "X-B: 2", "X-B: 1"}},
		{"an empty body that was announced", "DELETE", http.Header{"Content-Length": {"0"}}, []string{"Content-Length: 0"}},
		{"an idempotency key is passed on", "DELETE", http.Header{"X-Idempotency-Key": {"k"}}, []string{"X-Idempotency-Key: k"}},
		{"the sign that a request may be repeated is not sent", "DELETE", http.Header{}, nil},
	} {
		if _, _, err := call(i, request(t, c.method, "/", "", c.header, nil, 0), true); err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSuffix(<-heads, "\r\n\r\n"), "\r\n")[1:]
		if d := cmp.Diff(append([]string{"Host: shop.example"}, c.want...), got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, d)
		}
	}
	req, err := NewRequest(context.Background(), "GET", "/", "", false, "", http.Header{}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := call(i, req, true); err != nil {
		t.Fatal(err)
	}
	if got := <-heads; !strings.Contains(got, "Host: "+host+"\r\n") {
		t.Errorf("without a host: sent %q, want the instance's own", got)
	}
}

func TestBodies(t *testing.T) {
	type seen struct {
		Length   int64
		Encoding []string
		Body     string
		Trailer  http.Header
	}
	got := make(chan seen, 1)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- seen{r.ContentLength, r.TransferEncoding, string(b), r.Trailer}
	})
	i := newBackend(t, Options{}, srv.URL).Pick(nil)
	for _, c := range []struct {
		reason  string
		method  string
		body    func() io.Reader
		length  int64
		trailer http.Header
		want    seen
	}{
		{"known length", "POST", func() io.Reader { return strings.NewReader("abc") }, 3, nil,
			seen{3, nil, "abc", nil}},
		{"unknown length", "POST", func() io.Reader { return bytes.NewBufferString("abc") }, -1, nil,
			seen{-1, []string{"chunked"}, "abc", nil}},
		{"unknown length, nothing in it", "POST", func() io.Reader { return bytes.NewReader(nil) }, -1, nil,
			seen{-1, []string{"chunked"}, "", nil}},
		{"a stream", "GET", func() io.Reader { return io.MultiReader(strings.NewReader("q")) }, -1, nil,
			seen{-1, []string{"chunked"}, "q", nil}},
		{"no body", "POST", func() io.Reader { return nil }, 0, nil,
			seen{0, nil, "", nil}},
		{"trailer", "PUT", func() io.Reader { return strings.NewReader("abc") }, -1, http.Header{"X-Sum": {"7"}},
			seen{-1, []string{"chunked"}, "abc", http.Header{"X-Sum": {"7"}}}},
	} {
		for _, idempotent := range []bool{true, false} {
			req := request(t, c.method, "/", "", nil, c.body(), c.length)
			req.Trailer = c.trailer
			if _, _, err := call(i, req, idempotent); err != nil {
				t.Fatalf("%s: %v", c.reason, err)
			}
			if d := cmp.Diff(c.want, <-got); d != "" {
				t.Errorf("%s (idempotent=%t, -want +got):\n%s", c.reason, idempotent, d)
			}
		}
	}
}

func TestRemoveHopByHop(t *testing.T) {
	for _, c := range []struct {
		reason    string
		have, not http.Header
	}{
		{"the listed fields", http.Header{"Keep-Alive": {"timeout=5"}, "Te": {"trailers"}, "Upgrade": {"h2c"}, "X": {"1"}}, http.Header{"X": {"1"}}},
		{"what Connection names, in any case and line", http.Header{"Connection": {"close, x-one", " X-TWO ,,"}, "X-One": {"1"}, "X-Two": {"2"}, "X-Three": {"3"}}, http.Header{"X-Three": {"3"}}},
		{"proxy fields", http.Header{"Proxy-Authorization": {"secret"}, "Proxy-Connection": {"close"}}, http.Header{}},
		{"nothing to remove", http.Header{"Accept": {"*/*"}}, http.Header{"Accept": {"*/*"}}},
	} {
		RemoveHopByHop(c.have)
		if d := cmp.Diff(c.not, c.have); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, d)
		}
	}
}

func FuzzTargetArrives(f *testing.F) {
	for _, c := range targets {
		f.Add(c.path, c.query)
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		u, err := target(path, query, false)
		if err != nil {
			t.Skip()
		}
		want := path
		if query != "" {
			want += "?" + query
		}
		got := string(appendTarget(nil, &http.Request{URL: u}))
		if got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	})
}
