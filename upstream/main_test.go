package upstream

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv("UPSTREAM_BENCH_BACKEND") != "" {
		beBackend()
		return
	}
	goleak.VerifyTestMain(m,
		// A candidate's, in benchmarks: it has no way to end them.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*TCPDialer).tcpAddrsClean"))
}

// newBackend is a backend over servers, whose idle connections are closed at
// the end of the test.
func newBackend(t *testing.T, o Options, urls ...string) *Backend {
	t.Helper()
	b := New("test", parseURLs(t, urls...), o)
	t.Cleanup(b.retire)
	return b
}

func parseURLs(t testing.TB, urls ...string) []*url.URL {
	t.Helper()
	var parsed []*url.URL
	for _, s := range urls {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, u)
	}
	return parsed
}

func serve(t *testing.T, h http.HandlerFunc, config ...func(*http.Server)) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	for _, set := range config {
		set(srv.Config)
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// serveRaw gives each connection to handle, closes it afterwards, and waits
// for all of them at the end of the test.
func serveRaw(t *testing.T, handle func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				handle(conn, bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}

// readHead reads up to and with the empty line.
func readHead(r *bufio.Reader) (string, error) {
	var head bytes.Buffer
	for {
		line, err := r.ReadString('\n')
		head.WriteString(line)
		if err != nil || line == "\r\n" {
			return head.String(), err
		}
	}
}

func request(t *testing.T, method, path, query string, header http.Header, body io.Reader, length int64) *http.Request {
	t.Helper()
	if header == nil {
		header = http.Header{}
	}
	req, err := NewRequest(context.Background(), method, path, query, false, "shop.example", header, body, length)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// call sends req and returns status and body.
func call(i *Instance, req *http.Request, idempotent bool) (int, string, error) {
	res, err := i.RoundTrip(req, idempotent)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

// countOpen counts a server's open connections.
func countOpen(open *atomic.Int64) func(*http.Server) {
	return func(srv *http.Server) {
		before := srv.ConnState // httptest's own
		srv.ConnState = func(c net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed, http.StateHijacked:
				open.Add(-1)
			}
			if before != nil {
				before(c, s)
			}
		}
	}
}
