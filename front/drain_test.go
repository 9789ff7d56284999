package front

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// gate is a handler that holds requests until it is opened.
type gate struct {
	arrived chan struct{}
	open    chan struct{}
}

func newGate() *gate { return &gate{make(chan struct{}, 10), make(chan struct{})} }

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.arrived <- struct{}{}
	select {
	case <-g.open:
	case <-r.Context().Done():
	}
	io.WriteString(w, "done")
}

func shutdown(s *running, d time.Duration) <-chan error {
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		done <- s.Shutdown(ctx)
	}()
	return done
}

// stopping waits until a stop has closed what is idle.
func stopping(t *testing.T, s *running) {
	t.Helper()
	until(t, "no connection is accepted", func() bool {
		c, err := net.Dial("tcp", s.addr)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}

func TestShutdown(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		g := newGate()
		s := serve(t, Config{Front: kind, H2C: true, Handler: g})
		fresh := dial(t, s.addr)
		idle := dial(t, s.addr)
		begun := dial(t, s.addr)
		second := dial(t, s.addr)
		busy := dial(t, s.addr)
		busy.send(get)
		<-g.arrived
		begun.send("GET / HTTP/1.1\r\nHo")
		for _, c := range []*client{idle, second} {
			c.send(get)
			<-g.arrived
		}
		close(g.open)
		idle.answer("GET")
		second.answer("GET")
		busy.answer("GET")
		second.send("GET / HTTP/1.1\r\nHo")
		g.open = make(chan struct{})
		busy.send(get)
		<-g.arrived
		until(t, "what has begun to arrive was read", func() bool { return reads(s, reading) == 2 })

		done := shutdown(s, patience)
		stopping(t, s)
		fresh.ended()
		idle.ended()
		for _, c := range []*client{begun, second} {
			c.send("st: a\r\n\r\n")
			<-g.arrived
		}
		close(g.open)
		for _, c := range []*client{busy, begun, second} {
			res, body := c.answer("GET")
			if body != "done" || !res.Close {
				t.Errorf("got %q, close %v", body, res.Close)
			}
			c.ended()
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// reads counts the connections in a phase.
func reads(s *running, p phase) (n int) {
	s.each(func(c *conn) {
		if c.phase() == p {
			n++
		}
	})
	return n
}

// TestShutdownServesOddRequests holds that a request that leaves the fast lane
// while the server stops is served.
func TestShutdownServesOddRequests(t *testing.T) {
	g := newGate()
	s := serve(t, Config{Handler: g})
	busy, odd := dial(t, s.addr), dial(t, s.addr)
	busy.send(get)
	<-g.arrived
	odd.send("OPTIONS * HT")
	until(t, "the request has begun to arrive", func() bool { return reads(s, reading) == 1 })
	done := shutdown(s, patience)
	stopping(t, s)
	odd.send("TP/1.1\r\nHost: a\r\n\r\n")
	<-g.arrived
	close(g.open)
	if res, body := odd.answer("OPTIONS"); body != "done" || !res.Close {
		t.Errorf("got %q, close %v", body, res.Close)
	}
	busy.answer("GET")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestShutdownHTTP2(t *testing.T) {
	g := newGate()
	s := serve(t, Config{H2C: true, Handler: g})
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	defer tr.CloseIdleConnections()
	got := make(chan string, 1)
	go func() { got <- postWith(t, tr, "http://"+s.addr+"/") }()
	<-g.arrived
	done := shutdown(s, patience)
	stopping(t, s)
	close(g.open)
	if body := <-got; body != "done" {
		t.Error(body)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestShutdownInTime(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		g := newGate()
		s := serve(t, Config{Front: kind, Handler: g})
		c := dial(t, s.addr)
		c.send(get)
		<-g.arrived
		if err := <-shutdown(s, 50*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		s.Close()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := s.Wait(ctx); err != nil { // the context of the request has ended
			t.Error(err)
		}
		c.ended()
	})
}

func TestSeveralListeners(t *testing.T) {
	s := serve(t, Config{Handler: http.HandlerFunc(describe)})
	second, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(t.Context(), second) }()
	for _, addr := range []string{s.addr, second.Addr().String()} {
		c := dial(t, addr)
		c.send(get)
		c.answer("GET")
	}
	if err := <-shutdown(s, patience); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

// TestShutdownAfterTheHead holds that a connection whose answer had begun
// before the stop, so that its head does not say so, is closed behind it.
func TestShutdownAfterTheHead(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		stop := make(chan struct{})
		s := serve(t, Config{Front: kind, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "begun")
			http.NewResponseController(w).Flush()
			<-stop
		})})
		c := dial(t, s.addr)
		c.send(get)
		if _, err := c.r.Peek(1); err != nil {
			t.Fatal(err)
		}
		done := shutdown(s, patience)
		stopping(t, s)
		close(stop)
		c.answer("GET")
		c.ended()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
