package front

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"reflect"
	"testing"
)

// feedBytewise feeds a head a byte at a time.
func feedBytewise(h *head, b []byte) (done bool, no *refusal, used int) {
	for n := 1; n <= len(b); n++ {
		if done, no = h.feed(b[:n]); done || no != nil {
			return done, no, n
		}
	}
	return false, nil, len(b)
}

// FuzzHead holds that a head is judged the same in whatever pieces it comes,
// and that the request that the fast lane makes of it is net/http's.
func FuzzHead(f *testing.F) {
	for _, c := range requestCases {
		f.Add([]byte(c.send))
	}
	for _, c := range refused {
		f.Add([]byte(c.send))
	}
	s := New(Config{Handler: http.NotFoundHandler(), HeadBytes: 1 << 20})
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	f.Fuzz(func(t *testing.T, b []byte) {
		l := &lane{conn: s.newConn(ours, &origin{ctx: context.Background()}), buf: bytes.Clone(b), w: len(b)}
		l.head.reset()
		done, no := l.head.feed(b)
		var slow head
		slow.reset()
		slowDone, slowNo, used := feedBytewise(&slow, b)
		if (no == nil) != (slowNo == nil) || done != slowDone {
			t.Fatalf("at once: %v, %v; byte by byte: %v, %v", done, no, slowDone, slowNo)
		}
		if !done || no != nil {
			return
		}
		slow.seen = l.head.seen
		if used != l.head.at || slow.at != l.head.at || !reflect.DeepEqual(slow, l.head) {
			t.Fatalf("at once %+v, byte by byte %+v", l.head, slow)
		}
		if !l.plain() {
			return
		}
		same(t, l, b)
	})
}

// same compares the lane's request with what net/http reads.
func same(t *testing.T, l *lane, b []byte) {
	start := l.head.start
	want, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b[start:])))
	x := l.request()
	if x == nil {
		if err == nil {
			t.Fatalf("net/http reads the target %q", want.RequestURI)
		}
		return
	}
	if err != nil {
		t.Fatalf("net/http refuses it: %v", err)
	}
	got := x.request
	for what, pair := range map[string][2]any{
		"method": {got.Method, want.Method}, "target": {got.RequestURI, want.RequestURI}, "URL": {got.URL, want.URL},
		"host": {got.Host, want.Host}, "header": {got.Header, want.Header}, "length": {got.ContentLength, want.ContentLength},
		"coding": {got.TransferEncoding, want.TransferEncoding}, "close": {got.Close, want.Close},
		"trailer": {got.Trailer, want.Trailer}, "version": {got.Proto, want.Proto},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s is %#v, with net/http %#v", what, pair[0], pair[1])
		}
	}
}

// decode reads a chunked body that comes in pieces of size n.
func decode(b []byte, n int) (data []byte, used int, done bool, no *refusal) {
	var k chunks
	for used < len(b) && !k.done() && no == nil {
		piece := b[used:min(len(b), used+n)]
		for len(piece) > 0 && !k.done() && no == nil {
			var some []byte
			var m int
			some, m, no = k.next(piece)
			data = append(data, some...)
			piece = piece[m:]
			used += m
		}
	}
	return data, used, k.done(), no
}

// FuzzChunks holds that a chunked body is read the same in whatever pieces it
// comes, and that what is taken is read the same by net/http.
func FuzzChunks(f *testing.F) {
	for _, body := range []string{
		"0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\nGET /", "5\nhello", "5 \r\nhello",
		"+5\r\nhello\r\n0\r\n\r\n", "0\r\nX: y\n\r\n", "fffffffffffffff\r\n", "5\r\nhello!\r\n",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		data, used, done, no := decode(b, max(len(b), 1))
		for _, n := range []int{1, 2, 7} {
			data2, used2, done2, no2 := decode(b, n)
			if !bytes.Equal(data, data2) || done != done2 || no != no2 || no == nil && used != used2 {
				t.Fatalf("at once %q %d %v %v, in pieces of %d %q %d %v %v", data, used, done, no, n, data2, used2, done2, no2)
			}
		}
		var k chunks
		if sound := k.sound(b); sound != no {
			t.Fatalf("ahead it is judged %v, in its turn %v", sound, no)
		}
		if !done {
			return
		}
		// Extensions are not bounded alike.
		theirs, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(b[:used])))
		if err != nil || !bytes.Equal(theirs, data) {
			t.Fatalf("got %q, net/http %q %v", data, theirs, err)
		}
	})
}
