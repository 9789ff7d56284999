package wire

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/quackproxy/quack/front"
)

// maxHeap is what the whole process may have while bodies of any size pass.
const maxHeap = 64 << 20

// Gigabytes one way and then the other leave the heap as it was.
func TestHugeBodies(t *testing.T) {
	if testing.Short() {
		t.Skip("gigabytes take their time")
	}
	for _, k := range []struct {
		kind front.Kind
		size int64
	}{{front.Auto, hugeBody}, {front.Std, hugeBody / 8}} {
		t.Run(string(k.kind), func(t *testing.T) {
			run := startFront(t, k.kind, newPath(t, newHuge(t, k.size)), false)
			conn := run.dial(t, "")
			_ = conn.SetDeadline(time.Time{})
			stop := highWater()
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", k.size)
			if n, err := move(conn, zeros{}, k.size); err != nil {
				t.Fatalf("%d bytes were taken, %v", n, err)
			}
			in := bufio.NewReader(conn)
			res, err := http.ReadResponse(in, nil)
			if err != nil || res.ContentLength != k.size {
				t.Fatalf("%v, %v", res, err)
			}
			n, err := move(io.Discard, in, k.size)
			if _, heap := stop(); err != nil || heap > maxHeap {
				t.Errorf("%d bytes came, %v; the heap was %d MiB", n, err, heap>>20)
			}
		})
	}
}

// newHuge is a backend that takes a body of size bytes and then gives as many.
func newHuge(t *testing.T, size int64) string {
	return rawBackend(t, func(conn net.Conn, r *bufio.Reader) {
		_ = conn.SetDeadline(time.Time{})
		if _, err := readHead(r); err != nil {
			return
		}
		if n, err := move(io.Discard, r, size); err != nil {
			t.Errorf("the backend got %d bytes, %v", n, err)
			return
		}
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		if n, err := move(conn, zeros{}, size); err != nil {
			t.Errorf("the backend sent %d bytes, %v", n, err)
		}
	})
}

// The same over HTTP/2 and without a length, both ways at once.
func TestLargeBodiesOverHTTP2(t *testing.T) {
	const size = 64 << 20
	url := newBackend(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Content-Type", "application/octet-stream")
		_ = http.NewResponseController(w).Flush()
		if n, err := move(w, r.Body, size); err != nil {
			t.Errorf("the backend got %d bytes, %v", n, err)
		}
	})
	run := startFront(t, fronts[0], newPath(t, url), false)
	client, at := run.client(t, true)
	stop := highWater()
	res, err := client.Post(at, "application/octet-stream", io.NopCloser(io.LimitReader(zeros{}, size)))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	n, err := move(io.Discard, res.Body, size)
	if _, heap := stop(); err != nil || heap > maxHeap {
		t.Errorf("%d bytes came, %v; the heap was %d MiB", n, err, heap>>20)
	}
}

// move copies n bytes through a buffer of its own: io.Copy would let the two
// ends choose.
func move(to io.Writer, from io.Reader, n int64) (int64, error) {
	buf := make([]byte, 256<<10)
	return io.CopyBuffer(onlyWriter{to}, &exactly{from, n}, buf)
}

type onlyWriter struct{ io.Writer }

// exactly is n bytes; an end before that is an error.
type exactly struct {
	io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.Reader.Read(p[:min(int64(len(p)), e.left)])
	if e.left -= int64(n); err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
