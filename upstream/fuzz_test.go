package upstream

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// scripted is a connection that says what it was given, in pieces.
type scripted struct {
	net.Conn // nil: nothing else is called
	said     *bytes.Reader
	piece    int
}

func (s *scripted) Read(p []byte) (int, error)      { return s.said.Read(p[:min(len(p), s.piece)]) }
func (s *scripted) Close() error                    { return nil }
func (s *scripted) SetDeadline(time.Time) error     { return nil }
func (s *scripted) SetReadDeadline(time.Time) error { return nil }

// readScripted reads an answer, and gives what was left behind it.
func readScripted(raw []byte, method string, piece int) (*http.Response, []byte, []byte, error) {
	s := &scripted{said: bytes.NewReader(raw), piece: piece}
	c := newConn(newWire(s), s)
	x := &exchange{
		instance: &Instance{options: Options{Reuse: ReuseNever}.withDefaults()},
		req:      &http.Request{Method: method}, conn: c, unhook: notHooked,
	}
	if err := x.readAnswer(); err != nil {
		return nil, nil, nil, err
	}
	res, err := x.answered()
	if err != nil {
		return nil, nil, nil, err
	}
	if _, ok := res.Body.(*switched); ok {
		return res, nil, raw[len(raw)-c.buffered()-s.said.Len():], nil
	}
	body, err := io.ReadAll(res.Body)
	return res, body, raw[len(raw)-c.buffered()-s.said.Len():], err
}

// FuzzAnswer: what the engine takes, net/http takes too, says the same of it and
// sees it end at the same byte; and pieces make no difference.
func FuzzAnswer(f *testing.F) {
	for _, c := range goodAnswers {
		f.Add([]byte(c.raw), c.method == "HEAD", 1)
	}
	for _, c := range badAnswers {
		f.Add([]byte(c.raw), false, 7)
	}
	for _, c := range badBodies {
		f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+c.raw), false, 3)
	}
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\n"), false, 100)
	f.Add([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhi"), false, 100)
	f.Fuzz(func(t *testing.T, raw []byte, head bool, piece int) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		res, body, rest, err := readScripted(raw, method, max(1, min(piece, 5000)))
		_, wholeBody, wholeRest, wholeErr := readScripted(raw, method, len(raw)+1)
		if (err == nil) != (wholeErr == nil) || !bytes.Equal(body, wholeBody) || err == nil && !bytes.Equal(rest, wholeRest) {
			t.Fatalf("in pieces: %q rest %q, %v; at once: %q rest %q, %v", body, rest, err, wholeBody, wholeRest, wholeErr)
		}
		if err != nil {
			return
		}
		r := bufio.NewReaderSize(bytes.NewReader(raw), 128<<10)
		var theirs *http.Response
		for theirs == nil || theirs.StatusCode/100 == 1 && theirs.StatusCode != 101 {
			if theirs, err = http.ReadResponse(r, &http.Request{Method: method}); err != nil {
				t.Fatalf("net/http does not take it: %v", err)
			}
		}
		theirBody, err := io.ReadAll(theirs.Body)
		if err != nil {
			t.Fatalf("net/http does not take the body: %v", err)
		}
		theirRest, _ := io.ReadAll(r)
		if !bytes.Equal(body, theirBody) || !bytes.Equal(rest, theirRest) {
			t.Errorf("body %q rest %q, net/http says %q rest %q", body, rest, theirBody, theirRest)
		}
		if theirs.Header.Get("Pragma") == "no-cache" {
			delete(theirs.Header, "Cache-Control")
			delete(res.Header, "Cache-Control")
		}
		if d := cmp.Diff(theirs.Header, res.Header); d != "" {
			t.Errorf("header (-net/http +engine):\n%s", d)
		}
		if d := cmp.Diff(theirs.Trailer, res.Trailer); d != "" {
			t.Errorf("trailer (-net/http +engine):\n%s", d)
		}
		if res.Status != theirs.Status || res.ContentLength != theirs.ContentLength || res.Close != theirs.Close {
			t.Errorf("%q %d %t, net/http says %q %d %t", res.Status, res.ContentLength, res.Close, theirs.Status, theirs.ContentLength, theirs.Close)
		}
	})
}

// FuzzRequestHead: what is written for a request is one request, the same one,
// whatever is in it.
func FuzzRequestHead(f *testing.F) {
	f.Add("GET", "/a?b", "host", "X-A", "b", int64(0))
	f.Add("POST", "/", "h\r\nX: y", "X-A\r\nB", "b\r\nC: d", int64(5))
	f.Add("GE T", "/", "h", "X A", "\x00", int64(-1))
	f.Add("PUT", "//a|b", "", "Content-Length", "7", int64(3))
	f.Fuzz(func(t *testing.T, method, path, host, name, value string, length int64) {
		u, err := target(path, "", false)
		if err != nil {
			return
		}
		u.Host = "instance"
		req := &http.Request{Method: method, URL: u, Host: host, Header: http.Header{name: {value}}, ContentLength: max(-1, length)}
		var o outgoing
		if err := o.head(req, false); err != nil {
			return
		}
		r := bufio.NewReader(bytes.NewReader(o.bytes))
		lines := 0
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatalf("no end: %q", o.bytes)
			}
			if line == "\r\n" {
				break
			}
			lines++
		}
		if rest, _ := io.ReadAll(r); len(rest) > 0 || lines > 5 {
			t.Errorf("%d lines, then %q", lines, rest)
		}
	})
}
