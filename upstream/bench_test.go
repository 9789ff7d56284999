package upstream

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// The candidates for the engine towards HTTP/1.1 backends, on the same work:
//
//	go test ./upstream -run xxx -bench Engines -benchtime 3s
//
// cpu-ns/op is the time that this process has spent, in user and system mode,
// per call; the backend is another process. docs/decisions/0007-engine.md has
// the figures, and what the candidates can not do.
func BenchmarkEngines(b *testing.B) {
	addr := startBackend(b)
	for _, engine := range []struct {
		name string
		make func(b *testing.B, addr string) roundTrip
	}{
		{"transport", newTransportEngine},
		{"fasthttp", newFasthttpEngine},
		{"own", newOwnEngine(ReuseAlways)},
		{"own-default", newOwnEngine(ReuseIdempotent)}, // a POST has a connection of its own
	} {
		send := engine.make(b, addr)
		for _, size := range []int{1 << 10, 64 << 10} {
			for _, method := range []string{"GET", "POST"} {
				b.Run(fmt.Sprintf("%s/%dKiB/%s", engine.name, size>>10, method), func(b *testing.B) {
					benchmarkCalls(b, send, method, size)
				})
			}
		}
	}
}

type roundTrip func(req *http.Request) (*http.Response, error)

// benchmarkCalls makes calls from 32 goroutines, with contexts that can end, as
// those of a server's requests can.
func benchmarkCalls(b *testing.B, send roundTrip, method string, size int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	content := bytes.Repeat([]byte("x"), 1<<10)
	b.SetParallelism(max(1, 32/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime(b)
	b.RunParallel(func(pb *testing.PB) {
		buf := make([]byte, 32<<10)
		for pb.Next() {
			if err := benchmarkCall(ctx, send, method, content, buf, size); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
}

func benchmarkCall(ctx context.Context, send roundTrip, method string, content, buf []byte, size int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var body io.Reader
	var length int64
	if method == "POST" {
		body, length = bytes.NewReader(content), int64(len(content))
	}
	header := http.Header{"Accept": {"*/*"}, "User-Agent": {"bench"}, "X-Request-Id": {"42"}, "X-Forwarded-For": {"127.0.0.1"}}
	req, err := NewRequest(ctx, method, "/"+strconv.Itoa(size), "", false, "shop.example", header, body, length)
	if err != nil {
		return err
	}
	return drain(send, req, buf, size)
}

func drain(send roundTrip, req *http.Request, buf []byte, size int) error {
	res, err := send(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	total := 0
	for {
		n, err := res.Body.Read(buf)
		total += n
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if res.StatusCode != 200 || total != size {
		return fmt.Errorf("status %d with %d bytes", res.StatusCode, total)
	}
	return nil
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func newTransportEngine(b *testing.B, addr string) roundTrip {
	t := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	b.Cleanup(t.CloseIdleConnections)
	return func(req *http.Request) (*http.Response, error) {
		req.URL.Scheme, req.URL.Host = "http", addr
		return t.RoundTrip(req)
	}
}

func newOwnEngine(reuse Reuse) func(*testing.B, string) roundTrip {
	return func(b *testing.B, addr string) roundTrip {
		back := New("bench", parseURLs(b, "http://"+addr), Options{Reuse: reuse})
		b.Cleanup(back.retire)
		i := back.Pick(nil)
		return func(req *http.Request) (*http.Response, error) { return i.RoundTrip(req, req.Method == "GET") }
	}
}

// newFasthttpEngine is fasthttp's client behind the contract of RoundTrip, as
// far as it can hold that: the answer is in memory when it is returned.
func newFasthttpEngine(b *testing.B, addr string) roundTrip {
	c := &fasthttp.HostClient{
		Addr: addr, MaxConns: 64, NoDefaultUserAgentHeader: true,
		DisablePathNormalizing: true, DisableHeaderNamesNormalizing: true,
	}
	b.Cleanup(c.CloseIdleConnections)
	return func(req *http.Request) (*http.Response, error) {
		out, in := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(out)
		out.Header.SetMethod(req.Method)
		out.SetRequestURI("http://" + addr + req.URL.Opaque)
		out.Header.SetHost(req.Host)
		out.UseHostHeader = true
		for name, values := range req.Header {
			for _, value := range values {
				out.Header.Add(name, value)
			}
		}
		if req.ContentLength > 0 {
			out.SetBodyStream(req.Body, int(req.ContentLength))
		}
		if err := c.Do(out, in); err != nil {
			fasthttp.ReleaseResponse(in)
			return nil, err
		}
		res := &http.Response{StatusCode: in.StatusCode(), Header: make(http.Header), ContentLength: int64(len(in.Body()))}
		for name, value := range in.Header.All() {
			key := textproto.CanonicalMIMEHeaderKey(string(name))
			res.Header[key] = append(res.Header[key], string(value))
		}
		res.Body = &fasthttpBody{Reader: bytes.NewReader(in.Body()), in: in}
		return res, nil
	}
}

type fasthttpBody struct {
	*bytes.Reader
	in *fasthttp.Response
}

func (b *fasthttpBody) Close() error {
	fasthttp.ReleaseResponse(b.in)
	return nil
}

// startBackend starts this program as a backend, and gives its address.
func startBackend(b *testing.B) string {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "UPSTREAM_BENCH_BACKEND=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close() // it ends with its input
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(addr)
}

// beBackend answers each request with as many bytes as its path says, until the
// standard input ends.
func beBackend() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerCanned(c)
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	l.Close()
}

func answerCanned(c net.Conn) {
	defer c.Close()
	canned := make(map[string][]byte)
	for _, size := range []int{1 << 10, 64 << 10} {
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: canned\r\nDate: Mon, 05 Jan 2026 10:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", size)
		canned["/"+strconv.Itoa(size)] = append([]byte(head), bytes.Repeat([]byte("y"), size)...)
	}
	r := bufio.NewReader(c)
	for {
		head, err := readHead(r)
		if err != nil {
			return
		}
		if strings.HasPrefix(head, "POST ") {
			if _, err := r.Discard(1 << 10); err != nil {
				return
			}
		}
		path := strings.SplitN(head, " ", 3)[1]
		if _, err := c.Write(canned[path]); err != nil || strings.Contains(head, "Connection: close") {
			return
		}
	}
}
