package front

import (
	"errors"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestIdleAndSlow(t *testing.T) {
	for _, c := range []struct{ reason, send string }{
		{"nothing sent", ""},
		{"between requests", get},
		{"head that does not end", "GET / HTTP/1.1\r\nHos"},
		{"second head that does not end", get + "GET / HTTP/1.1\r\nHos"},
		{"preface that does not end", "PRI * HT"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, kind Kind) {
				s := serve(t, Config{
					Front: kind, H2C: true, OpenTimeout: time.Millisecond, IdleTimeout: time.Millisecond,
					Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
				})
				c2 := dial(t, s.addr)
				c2.send(c.send)
				if strings.HasPrefix(c.send, get) {
					c2.answer("GET")
				}
				c2.ended()
			})
		})
	}
}

func TestConnectionsAreCounted(t *testing.T) {
	s := serve(t, Config{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	c := dial(t, s.addr)
	c.send(get + get)
	c.answer("GET")
	c.answer("GET")
	c2 := dial(t, s.addr)
	c2.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
	c2.answer("OPTIONS")
	c3 := dial(t, s.addr)
	c3.send("GET / HTTP/1.1\r\n\r\n")
	c3.answer("GET")
	c3.ended()
	until(t, "the third connection is forgotten", func() bool { return s.Stats().Open == 2 })
	want := Stats{Accepted: 3, Open: 2, HandedOver: 2, Lane: 2, Refused: map[string]int64{"host-missing": 1}}
	if got := s.Stats(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// failing is a listener whose first accepts fail.
type failing struct {
	net.Listener
	left atomic.Int64
}

type passing struct{ error }

func (passing) Temporary() bool { return true }

func (f *failing) Accept() (net.Conn, error) {
	if f.left.Add(-1) >= 0 {
		return nil, passing{errors.New("too many open files")}
	}
	return f.Listener.Accept()
}

func TestAcceptGoesOn(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := &failing{Listener: inner}
	ln.left.Store(3)
	s := New(Config{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	served := make(chan error, 1)
	go func() { served <- s.Serve(t.Context(), ln) }()
	c := dial(t, inner.Addr().String())
	c.send(get)
	c.answer("GET")
	s.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	if err := s.Serve(t.Context(), ln); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve after Close: %v", err)
	}
}

// TestListenerBreaks holds that an error that does not pass ends Serve.
func TestListenerBreaks(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Handler: http.NotFoundHandler()})
	ln.Close()
	if err := s.Serve(t.Context(), ln); err == nil || errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	s.Close()
}
