package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

// nobody counts and compares nothing.
type nobody struct{ *shadowNotes }

func (nobody) Served(string, string, string, int, time.Duration) {}
func (nobody) Skip(string, string)                               {}

func (nobody) Unmarked(string)         {}
func (nobody) Fallback(string, string) {}

func (nobody) Asked(string, int, compare.Request, bool) {}

// BenchmarkLivePath is one request after the other over kept-alive
// connections, in the same process as client and backend, whose parts are as
// cheap as they can be. What counts is the ratio of the two in cpu-ns/op, which
// holds on a busy machine too.
func BenchmarkLivePath(b *testing.B) {
	answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n%s", strings.Repeat("x", 1024))
	backend := cannedServer(b, answer)
	target, err := url.Parse(backend)
	if err != nil {
		b.Fatal(err)
	}
	table, err := routes.Parse("routes.yaml", fmt.Appendf(nil, `
version: 1
backends: {monolith: {urls: [%q]}, accounts: {urls: [%q]}}
defaults: {legacy: monolith, new: accounts}
routes:
  - {name: show, match: "GET /accounts/{id}"}
`, backend, backend))
	if err != nil {
		b.Fatal(err)
	}
	set := upstream.NewSet()
	set.Use([]upstream.Spec{{Name: "monolith", URLs: []*url.URL{target}}})
	b.Cleanup(func() { set.Use(nil) })
	live := set.Backend("monolith")
	quack := New(Config{
		Table:   func() *routes.Table { return table },
		Backend: func(*routes.Backend) *upstream.Backend { return live },
		Gate:    openGate, Shadow: nobody{}, Counters: nobody{}, Protocol: plainProtocol{},
		Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	std := &httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(target); p.SetXForwarded() },
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		// Without it each answer takes a new buffer of 32 KiB.
		BufferPool: pooled{},
	}
	for _, c := range []struct {
		name    string
		handler http.Handler
	}{{"quack", quack}, {"ReverseProxy", std}} {
		b.Run(c.name, func(b *testing.B) {
			srv := httptest.NewServer(c.handler)
			defer srv.Close()
			b.ReportAllocs()
			b.SetParallelism(16)
			before := cpuTime(b)
			b.RunParallel(func(pb *testing.PB) { askAgainAndAgain(b, pb, srv.URL) })
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
	std.Transport.(*http.Transport).CloseIdleConnections()
}

type pooled struct{}

func (pooled) Get() []byte  { return buffers.Get().(*buffer)[:] }
func (pooled) Put(b []byte) { buffers.Put((*buffer)(b)) }

// cpuTime is what this process has used, in user and system time.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func askAgainAndAgain(b *testing.B, pb *testing.PB, url string) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		b.Error(err)
		return
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for pb.Next() {
		io.WriteString(conn, "GET /accounts/17?full=1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				b.Error(err)
				return
			}
			if len(line) == 2 {
				break
			}
		}
		if _, err := in.Discard(1024); err != nil {
			b.Error(err)
			return
		}
	}
}

// cannedServer says the same to everything, without reading more than heads.
func cannedServer(b *testing.B, answer string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for {
					line, err := in.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) == 2 {
						io.WriteString(conn, answer)
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}
