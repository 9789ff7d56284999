package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// deaf is an address that refuses connections, and can not become anybody
// else's meanwhile; listen begins to accept there.
func deaf(t *testing.T) (addr string, listen func() net.Listener) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "deaf")
	t.Cleanup(func() { f.Close() })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr = fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	return addr, func() net.Listener {
		if err := syscall.Listen(fd, 16); err != nil {
			t.Fatal(err)
		}
		l, err := net.FileListener(f)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
}

func TestRest(t *testing.T) {
	b := newBackend(t, Options{}, "http://a", "http://b")
	x, other := b.instances[0], b.instances[1]
	now := time.Now()
	picked := func(at time.Time) (n int) {
		for range 10 {
			if b.pick(nil, at) == x {
				n++
			}
		}
		return n
	}
	for _, length := range []time.Duration{1, 2, 4, 8, 15, 15} {
		length *= time.Second
		before := x.rest.Load()
		x.unreachable(before, now)
		x.unreachable(before, now) // at the same time
		if n := picked(now); n != 0 {
			t.Errorf("rest of %v: picked %d times as it begins", length, n)
		}
		end := now.Add(length)
		x.unreachable(x.rest.Load(), now) // asked though it rested
		if n := picked(end.Add(-1)); n != 0 {
			t.Errorf("rest of %v: picked %d times before it ends", length, n)
		}
		if b.pick(func(i *Instance) bool { return i == x }, now) != x {
			t.Errorf("rest of %v: not picked though no other may be", length)
		}
		if n := picked(end); n != 1 {
			t.Errorf("rest of %v: picked %d times when it ends, want one try", length, n)
		}
		now = end
	}
	x.reached()
	if n := picked(now); n != 5 {
		t.Errorf("picked %d times of 10 after it was reached", n)
	}
	x.unreachable(nil, now)
	if n := picked(now.Add(shortestRest)); n != 1 {
		t.Errorf("picked %d times: being reached did not reset the rest", n)
	}
	other.unhealthy.Store(true)
	if n := picked(now); n != 0 {
		t.Errorf("picked %d times before an instance that is only unhealthy", n)
	}
	other.unreachable(nil, now)
	if n := picked(now); n != 10 {
		t.Errorf("picked %d times of 10: among those that rest health counts", n)
	}
}

func TestNotSent(t *testing.T) {
	refused, _ := deaf(t)
	noTLS := httptest.NewServer(nil)
	t.Cleanup(noTLS.Close)
	unknownCA := httptest.NewUnstartedServer(nil)
	unknownCA.Config.ErrorLog = log.New(io.Discard, "", 0)
	unknownCA.StartTLS()
	t.Cleanup(unknownCA.Close)
	silent, listen := deaf(t) // takes connections and says nothing
	l := listen()
	t.Cleanup(func() { l.Close() })
	breaksOff := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for _, c := range []struct {
		reason, url string
		want        bool
	}{
		{"refused", "http://" + refused, true},
		{"not TLS", "https://" + strings.TrimPrefix(noTLS.URL, "http://"), true},
		{"a certificate of nobody we know", unknownCA.URL, true},
		{"no TLS handshake in time", "https://" + silent, true},
		{"broke off", breaksOff.URL, false},
	} {
		for _, path := range []string{"/", "//a|b"} {
			for _, idempotent := range []bool{true, false} {
				i := newBackend(t, Options{DialTimeout: 100 * time.Millisecond}, c.url).Pick(nil)
				body := &watched{Reader: strings.NewReader("body")}
				_, _, err := call(i, request(t, "POST", path, "", nil, body, 4), idempotent)
				if err == nil || NotSent(err) != c.want {
					t.Errorf("%s: not sent is %v of %v", c.reason, !c.want, err)
				}
				if c.want && body.read {
					t.Errorf("%s: the body was read", c.reason)
				}
				if rests := i.rest.Load() != nil; rests != c.want {
					t.Errorf("%s: rests is %v", c.reason, rests)
				}
			}
		}
	}
}

// A client that goes while its connection is being made says nothing of the
// instance, nor that another should be asked.
func TestGoneWhileDialling(t *testing.T) {
	addr, listen := deaf(t)
	l := listen()
	i := newBackend(t, Options{}, "https://"+addr).Pick(nil)
	ctx, cancel := context.WithCancel(context.Background())
	arrived := make(chan net.Conn, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			arrived <- conn
		}
		cancel()
	}()
	_, _, err := call(i, request(t, "GET", "/", "", nil, nil, 0).WithContext(ctx), true)
	if err == nil || NotSent(err) || i.rest.Load() != nil {
		t.Errorf("%v, rests: %v", err, i.rest.Load())
	}
	(<-arrived).Close()
	l.Close()
	until(t, "the dial ended", func() bool { return i.rest.Load() != nil })
}

type watched struct {
	io.Reader
	read bool
}

func (w *watched) Read(p []byte) (int, error) {
	w.read = true
	return w.Reader.Read(p)
}

func TestComesBack(t *testing.T) {
	addr, listen := deaf(t)
	up := serve(t, func(http.ResponseWriter, *http.Request) {})
	b := newBackend(t, Options{}, "http://"+addr, up.URL)
	dead := b.instances[0]
	if _, _, err := call(dead, request(t, "GET", "/", "", nil, nil, 0), true); !NotSent(err) {
		t.Fatal(err)
	}
	revived := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	revived.Listener.Close()
	revived.Listener = listen()
	revived.Start()
	t.Cleanup(revived.Close)
	i := b.pick(nil, time.Now().Add(shortestRest))
	for i != dead { // in turn among equals
		i = b.pick(nil, time.Now().Add(shortestRest))
	}
	if _, _, err := call(dead, request(t, "GET", "/", "", nil, nil, 0), true); err != nil {
		t.Fatal(err)
	}
	if dead.rest.Load() != nil {
		t.Error("rests although it was reached")
	}
}

// Calls that are broken off while a connection is dialled leave no more than a
// few dials behind, however many there are.
func TestAbandonedDialsAreBounded(t *testing.T) {
	url := serveRaw(t, func(c net.Conn, r *bufio.Reader) { hang(r) }) // shakes no hands
	i := newBackend(t, Options{DialTimeout: time.Hour}, strings.Replace(url, "http:", "https:", 1)).Pick(nil)
	const calls = 4 * maxAbandoned
	for range calls {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := i.dial(ctx, wait{})
			done <- err
		}()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	until(t, "the others are broken off", func() bool {
		i.dials.mu.Lock()
		defer i.dials.mu.Unlock()
		return len(i.dials.abandoned) <= maxAbandoned
	})
}
