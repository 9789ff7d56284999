package upstream

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// h2Backend is an instance of a server that speaks HTTP/2 alone, over TLS or
// not.
func h2Backend(t *testing.T, secure bool, o Options, h http.HandlerFunc) *Instance {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetHTTP2(secure)
	srv.Config.Protocols.SetUnencryptedHTTP2(!secure)
	srv.EnableHTTP2 = true
	if secure {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	o.Protocol = ProtocolHTTP2
	i := newBackend(t, o, srv.URL).Pick(nil)
	if secure {
		pool := x509.NewCertPool()
		pool.AddCert(srv.Certificate())
		i.tls.RootCAs = pool
		i.h2 = i.newHTTP2()
	}
	return i
}

func TestHTTP2(t *testing.T) {
	for _, secure := range []bool{true, false} {
		i := h2Backend(t, secure, Options{}, func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 {
				t.Errorf("spoken: %s", r.Proto)
			}
			for _, name := range []string{"User-Agent", "Accept-Encoding"} {
				if v, ok := r.Header[name]; ok {
					t.Errorf("%s was added: %q", name, v)
				}
			}
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Trailer", "X-Sum")
			w.Header().Set("X-Target", r.RequestURI)
			w.Write(body)
			w.Header().Set("X-Sum", r.Trailer.Get("X-Sent"))
		})
		for _, path := range []string{"/", "/a%2Fb|c", "//", "//a/b", "//a|b"} {
			req := request(t, "POST", path, "z=1;y", nil, strings.NewReader("body"), -1)
			req.Trailer = http.Header{"X-Sent": {"4"}}
			res, err := i.RoundTrip(req, false)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || string(got) != "body" || res.Header.Get("X-Target") != path+"?z=1;y" || res.Trailer.Get("X-Sum") != "4" {
				t.Errorf("%s: %q to %q, trailer %v, %v", path, got, res.Header.Get("X-Target"), res.Trailer, err)
			}
			if n := i.calls.Load(); n != 0 {
				t.Errorf("%d calls under way", n)
			}
		}
	}
}

func TestHTTP2IsNotSpoken(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	i := newBackend(t, Options{Protocol: ProtocolHTTP2}, srv.URL).Pick(nil)
	i.tls.InsecureSkipVerify = true
	i.h2 = i.newHTTP2()
	if _, _, err := call(i, request(t, "GET", "/", "", nil, nil, 0), true); err == nil {
		t.Error("a backend that does not agree on HTTP/2 was spoken to")
	}
}

func TestHTTP2EndsWithItsContext(t *testing.T) {
	arrived, release := make(chan bool), make(chan bool)
	i := h2Backend(t, false, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/head" {
			arrived <- true
			<-release
			return
		}
		io.WriteString(w, "part")
		_ = http.NewResponseController(w).Flush()
		arrived <- true
		<-release
	})
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() { <-arrived; cancel(errStop) }()
	if _, _, err := call(i, request(t, "GET", "/head", "", nil, nil, 0).WithContext(ctx), true); !errors.Is(err, errStop) {
		t.Errorf("before the head: %v", err)
	}
	release <- true
	ctx, cancel = context.WithCancelCause(context.Background())
	go func() { <-arrived; cancel(errStop) }()
	if _, _, err := call(i, request(t, "GET", "/body", "", nil, nil, 0).WithContext(ctx), true); !errors.Is(err, errStop) {
		t.Errorf("within the body: %v", err)
	}
	release <- true
	go func() { <-arrived }()
	if _, err := i.Do(request(t, "GET", "/head", "", nil, nil, 0), Call{Idempotent: true, HeadTimeout: 30 * time.Millisecond}); !errors.Is(err, ErrHeadTimeout) {
		t.Errorf("late: %v", err)
	}
	release <- true
	if n := i.calls.Load(); n != 0 {
		t.Errorf("%d calls under way", n)
	}
}

// An upgrade goes by HTTP/1.1.
func TestUpgradeBesideHTTP2(t *testing.T) {
	var spoken string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) { spoken = r.Proto })
	i := newBackend(t, Options{Protocol: ProtocolHTTP2}, srv.URL).Pick(nil)
	header := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}
	if _, _, err := call(i, request(t, "GET", "/", "", header, nil, 0), true); err != nil || spoken != "HTTP/1.1" {
		t.Errorf("spoken: %q, %v", spoken, err)
	}
}

// A connection that is lost says nothing of the requests on it: those that may
// be sent again are, once.
func TestHTTP2ConnectionIsLost(t *testing.T) {
	for _, idempotent := range []bool{true, false} {
		var conns atomic.Int64
		url := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
			if conns.Add(1) == 1 {
				_, _ = r.Peek(100) // the preface, the settings, something of the request
				return
			}
			srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), Protocols: new(http.Protocols)}
			srv.Protocols.SetUnencryptedHTTP2(true)
			l := &oneConn{conn: make(chan net.Conn, 1), ended: make(chan bool)}
			srv.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateClosed {
					l.Close()
				}
			}
			l.conn <- &peeked{Conn: c, r: r}
			_ = srv.Serve(l)
		})
		i := newBackend(t, Options{Protocol: ProtocolHTTP2}, url).Pick(nil)
		_, _, err := call(i, request(t, "PUT", "/", "", nil, strings.NewReader("body"), 4), idempotent)
		if (err == nil) != idempotent {
			t.Errorf("idempotent=%t: %v", idempotent, err)
		}
	}
}

// oneConn is a listener that gives one connection.
type oneConn struct {
	net.Listener
	conn  chan net.Conn
	once  sync.Once
	ended chan bool
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.ended:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.ended) })
	return nil
}

type peeked struct {
	net.Conn
	r io.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.r.Read(b) }
