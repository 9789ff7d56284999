package front

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// writeOn writes until the client is given up, and says so.
func writeOn(ended chan<- error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		piece := make([]byte, 32<<10)
		for {
			if _, err := w.Write(piece); err != nil {
				ended <- err
				return
			}
		}
	}
}

func waitFor(t *testing.T, ended <-chan error) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the handler is still writing to a client that takes nothing")
	}
}

// A client that asks and never reads must not hold a handler, and whatever
// that holds, for ever.
func TestClientThatTakesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, c := range []struct{ reason, fields string }{
			{"in the fast lane, where that is", ""},
			{"under net/http", "Connection: x\r\n"},
		} {
			ended := make(chan error, 1)
			s := serve(t, Config{Front: kind, WriteTimeout: time.Millisecond, Handler: writeOn(ended)})
			dial(t, s.addr).send("GET / HTTP/1.1\r\nHost: a\r\n" + c.fields + "\r\n")
			waitFor(t, ended)
		}
	})
}

// Over HTTP/2 the connection moves on while a stream may send nothing.
func TestStreamThatTakesNothing(t *testing.T) {
	for _, c := range []struct {
		reason  string
		handler func(ended chan<- error) http.HandlerFunc
	}{
		{"a long answer", writeOn},
		{"a short one, sent when the handler has returned", func(ended chan<- error) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, "short")
				ended <- nil
			}
		}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			ended := make(chan error, 1)
			s := serve(t, Config{H2C: true, WriteTimeout: 50 * time.Millisecond, Handler: c.handler(ended)})
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			conn.Write([]byte(preface))
			f := http2.NewFramer(conn, conn)
			f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
			var block strings.Builder
			enc := hpack.NewEncoder(&block)
			for _, field := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}} {
				enc.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
			}
			f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(block.String()), EndHeaders: true, EndStream: true})
			for {
				frame, err := f.ReadFrame()
				if err != nil {
					t.Fatalf("the stream was to be reset: %v", err)
				}
				if reset, ok := frame.(*http2.RSTStreamFrame); ok && reset.StreamID == 1 {
					break
				}
			}
			waitFor(t, ended)
		})
	}
}

// A body that stands still is waited for when the answer is there, but not for
// ever.
func TestUnreadBodyThatStandsStill(t *testing.T) {
	for _, c := range []struct {
		reason string
		close  bool
		limit  time.Duration
	}{
		{"the rest is waited for", false, time.Millisecond},
		{"not when the connection ends anyway", true, time.Hour},
	} {
		t.Run(c.reason, func(t *testing.T) {
			onBoth(t, func(t *testing.T, kind Kind) {
				s := serve(t, Config{Front: kind, OpenTimeout: c.limit, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if c.close {
						w.Header().Set("Connection", "close")
					}
					w.WriteHeader(403)
				})})
				client := dial(t, s.addr)
				client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
				if res, _ := client.answer("POST"); res.StatusCode != 403 || !res.Close {
					t.Errorf("got %s, and that the connection ends: %v", res.Status, res.Close)
				}
				if !c.close {
					client.ended()
				}
			})
		})
	}
}

// pieces notes how much is written at once.
type pieces struct {
	net.Conn
	sizes []int
}

func (p *pieces) Write(b []byte) (int, error) {
	p.sizes = append(p.sizes, len(b))
	return len(b), nil
}

// A long write has to be seen to move.
func TestLongWriteGoesPieceByPiece(t *testing.T) {
	to := new(pieces)
	c := &conn{quick: to, server: New(Config{})}
	for _, size := range []int{0, 1, writePiece, 3*writePiece + 1} {
		to.sizes = nil
		n, err := c.Write(make([]byte, size))
		if n != size || err != nil {
			t.Fatalf("wrote %d of %d, %v", n, size, err)
		}
		sum := 0
		for _, piece := range to.sizes {
			sum += piece
			if piece > writePiece {
				t.Errorf("%d bytes at once", piece)
			}
		}
		if sum != size {
			t.Errorf("%d bytes came of %d", sum, size)
		}
	}
}

// What a head with many fields has taken is not kept for the life of its
// connection.
func TestManyFieldsAreForgotten(t *testing.T) {
	var h head
	h.reset()
	if done, no := h.feed([]byte("GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("x:\r\n", 900) + "\r\n")); !done || no != nil {
		t.Fatal(done, no)
	}
	h.reset()
	if cap(h.fields) > keptFields {
		t.Errorf("room for %d fields is kept", cap(h.fields))
	}
}

// Connections that idle must not keep others out.
func TestMaxConns(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		inside, leave := make(chan bool), make(chan bool)
		s := serve(t, Config{Front: kind, MaxConns: 2, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/busy" {
				inside <- true
				<-leave
			}
		})})
		const busy = "GET /busy HTTP/1.1\r\nHost: a\r\n\r\n"
		first, second := dial(t, s.addr), dial(t, s.addr)
		first.send(get)
		first.answer("GET")
		second.send(busy)
		<-inside
		third := dial(t, s.addr)
		first.ended() // idle: made room
		third.send(busy)
		<-inside
		dial(t, s.addr).ended() // nobody is idle: turned away
		if n := s.Stats().Refused["full"]; n != 1 {
			t.Errorf("%d connections were turned away", n)
		}
		leave <- true
		leave <- true
		for _, c := range []*client{second, third} {
			if res, _ := c.answer("GET"); res.StatusCode != 200 {
				t.Errorf("a request under way got %s", res.Status)
			}
		}
	})
}
