package front

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// BenchmarkFront asks for 1 KiB over 32 kept-alive connections. cpu-ns/op is
// of this process, the client's half included, which is the same for all.
func BenchmarkFront(b *testing.B) {
	body := strings.Repeat("x", 1024)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Content-Type"] = []string{"application/json"}
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
		io.WriteString(w, body)
	})
	for _, kind := range []Kind{Auto, Std, "net/http"} {
		b.Run(string(kind), func(b *testing.B) {
			if kind != "net/http" {
				benchmark(b, serve(b, Config{Handler: handler, Front: kind}).addr)
				return
			}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			srv := &http.Server{Handler: handler}
			go srv.Serve(ln)
			defer srv.Close()
			benchmark(b, ln.Addr().String())
		})
	}
}

func benchmark(b *testing.B, addr string) {
	const request = "GET /accounts/17?full=1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\n" +
		"Accept-Encoding: gzip\r\nX-Request-Id: 7f9c\r\n\r\n"
	const connections = 32
	var clients []net.Conn
	for range connections {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		clients = append(clients, c)
	}
	b.ReportAllocs()
	b.ResetTimer()
	began := cpu()
	var wg sync.WaitGroup
	for i, c := range clients {
		n := b.N / connections
		if i < b.N%connections {
			n++
		}
		wg.Go(func() {
			r := bufio.NewReaderSize(c, 4096)
			for range n {
				if _, err := io.WriteString(c, request); err != nil {
					b.Error(err)
					return
				}
				skipAnswer(b, r)
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(cpu()-began)/float64(b.N), "cpu-ns/op")
}

// skipAnswer reads a head and 1 KiB.
func skipAnswer(b *testing.B, r *bufio.Reader) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			b.Error(err)
			return
		}
		if len(line) == 2 {
			break
		}
	}
	if _, err := r.Discard(1024); err != nil {
		b.Error(err)
	}
}

func cpu() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
