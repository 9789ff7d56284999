package wire

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// take gives what has come since the last time, when it is n requests.
func (w *witness) take(t rapid.TB, n int) []arrived {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Microsecond) {
		w.mu.Lock()
		got := w.got
		if len(got) >= n {
			w.got = nil
		}
		w.mu.Unlock()
		if len(got) >= n {
			return got
		}
		if time.Now().After(end) {
			t.Fatalf("%d requests came, want %d: %.1000q", len(got), n, fmt.Sprint(got))
		}
	}
}

// drawRequest draws a request that is sound.
func drawRequest(t *rapid.T) (raw, method string) {
	method = rapid.SampledFrom([]string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "QUERY", "BREW", "m-search", "X!#$"}).Draw(t, "method")
	lines := append([]string{"Host: " + rapid.SampledFrom([]string{"h", "Shop.Example:8443", "[::1]:80", "127.0.0.1"}).Draw(t, "host")}, drawFields(t)...)
	framing, body := drawBody(t, true)
	if framing != "" {
		lines = append(lines, framing)
	}
	if rapid.IntRange(0, 5).Draw(t, "hops") == 0 {
		lines = append(lines, rapid.SampledFrom([]string{"Connection: keep-alive", "Connection: x-hop\r\nX-Hop: 1", "Keep-Alive: 5", "TE: trailers", "TE: gzip"}).Draw(t, "hop"))
	}
	lines = rapid.Permutation(lines).Draw(t, "order")
	return method + " " + drawTarget(t) + " HTTP/1.1\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n" + body, method
}

// inPieces cuts raw up.
func inPieces(t *rapid.T, raw string) []string {
	var pieces []string
	for _, cut := range rapid.SliceOfN(rapid.IntRange(0, 400), 0, 3).Draw(t, "cuts") {
		cut = min(cut, len(raw))
		pieces, raw = append(pieces, raw[:cut]), raw[cut:]
	}
	return append(pieces, raw)
}

// Requests that are sound arrive through the path as they do directly, save
// what concerns one connection and what Quack adds.
func TestRequestsArriveTheSame(t *testing.T) {
	overBoth(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		near, w := newWitness(t, anySize), newWitness(t, strictSize)
		run := start(t, newPath(t, w.url))
		rapid.Check(t, func(t *rapid.T) {
			var raws, methods []string
			for range rapid.IntRange(1, 3).Draw(t, "requests") {
				raw, method := drawRequest(t)
				raws, methods = append(raws, raw), append(methods, method)
			}
			pieces := inPieces(t, strings.Join(raws, ""))
			exchange := func(addr string, w *witness) []arrived {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				var sending sync.WaitGroup
				sending.Go(func() {
					for _, piece := range pieces {
						io.WriteString(conn, piece)
						time.Sleep(100 * time.Microsecond)
					}
				})
				defer sending.Wait()
				in := &answers{bufio.NewReader(conn)}
				for n, method := range methods {
					if _, a, err := in.next(method); err != nil || a.first != "200" {
						t.Fatalf("%s, %v for\n%.500q", a.first, err, raws[n])
					}
				}
				return w.take(t, len(raws))
			}
			direct, through := exchange(strings.TrimPrefix(near.url, "http://"), near), exchange(run.addr, w)
			for n := range raws {
				if through[n].fault != "" || through[n].cut {
					t.Fatalf("what arrived is malformed: %s\n%.500q", through[n].fault, through[n].raw)
				}
				sameRequest(t, requestOf(direct[n]), requestOf(through[n]))
			}
		})
	})
}

func sameRequest(t rapid.TB, want, got message) {
	t.Helper()
	if want.length != got.length && want.length+got.length != "0" && want.length != "" {
		t.Fatalf("length %q, want %q", got.length, want.length)
	}
	want.length, got.length = "", ""
	if d := cmp.Diff(want, got, cmp.AllowUnexported(message{})); d != "" {
		t.Fatalf("a request differs (-directly +through the path):\n%s", d)
	}
}
