package front

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestContextEndsWhenTheClientGoes also holds that a derived context does.
func TestContextEndsWhenTheClientGoes(t *testing.T) {
	sends := []struct{ name, send string }{
		{"without a body", get},
		{"with a body", post("hello")},
		{"chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
	}
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, c := range sends {
			t.Run(c.name, func(t *testing.T) {
				started, ended := make(chan struct{}), make(chan error, 1)
				s := serve(t, Config{Front: kind, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					ctx, cancel := context.WithCancel(r.Context())
					defer cancel()
					close(started)
					select {
					case <-ctx.Done():
						ended <- r.Context().Err()
					case <-time.After(patience):
						ended <- errors.New("the context did not end")
					}
				})})
				c2 := dial(t, s.addr)
				c2.send(c.send)
				<-started
				c2.Close()
				if err := <-ended; err != context.Canceled {
					t.Error(err)
				}
			})
		}
	})
}

// TestContextOfLaneStaysWithPipelined holds that a next request on its way is
// not taken for the client's end.
func TestContextStaysWhileMoreComes(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var n atomic.Int64
		s := serve(t, Config{Front: kind, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) == 1 {
				time.Sleep(4 * sweepEvery)
			}
			if err := r.Context().Err(); err != nil {
				t.Errorf("context: %v", err)
			}
		})})
		c := dial(t, s.addr)
		c.send(get)
		c.send(get)
		c.answer("GET")
		c.answer("GET")
	})
}

func TestContextEndsWithTheHandlerAndWithServe(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var kept context.Context
		started := make(chan struct{}, 1)
		s := serve(t, Config{Front: kind, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/wait" {
				started <- struct{}{}
				<-r.Context().Done()
				return
			}
			kept = r.Context()
			if kept.Err() != nil {
				t.Error("the context has ended before the handler")
			}
		})})
		c := dial(t, s.addr)
		c.send(get)
		c.answer("GET")
		c.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
		<-started
		if kept.Err() != context.Canceled {
			t.Errorf("after the handler the context says %v", kept.Err())
		}
		select {
		case <-kept.Done():
		default:
			t.Error("Done is open")
		}
		s.base()
		c.answer("GET")
	})
}

func TestRequestContext(t *testing.T) {
	base := context.WithValue(context.Background(), notesKey{}, "base")
	c := &requestContext{base: base}
	if c.Value(notesKey{}) != "base" || c.Err() != nil {
		t.Fatal("not the base's values")
	}
	child, cancelChild := context.WithCancel(c)
	other, cancelOther := context.WithCancel(c)
	defer cancelOther()
	hanging := func() int {
		n := len(c.after)
		if c.first != nil {
			n++
		}
		return n
	}
	if n := hanging(); n != 2 {
		t.Errorf("%d functions hang on the context, want one for each child", n)
	}
	cancelChild()
	if n := hanging(); child.Err() == nil || other.Err() != nil || n != 1 {
		t.Errorf("after one child has ended: %v, %v, %d", child.Err(), other.Err(), n)
	}
	cancelOther()
	stopFirst := c.AfterFunc(func() { t.Error("was taken off") })
	if !stopFirst() || stopFirst() {
		t.Error("a function comes off once")
	}
	stopSecond := c.AfterFunc(func() {})
	if stopFirst() {
		t.Error("what was taken off before took another off")
	}
	if !stopSecond() || hanging() != 0 {
		t.Errorf("%d functions are left", hanging())
	}
	last, cancelLast := context.WithCancel(c)
	defer cancelLast()
	ran := make(chan struct{})
	stop := context.AfterFunc(c, func() { close(ran) })
	c.cancel()
	c.cancel()
	<-ran
	if last.Err() != context.Canceled || stop() || context.Cause(c) != context.Canceled {
		t.Errorf("after the end: %v, cause %v", last.Err(), context.Cause(c))
	}
	late, cancelLate := context.WithCancel(c)
	defer cancelLate()
	<-late.Done()
	if detached := context.WithoutCancel(c); detached.Err() != nil || detached.Value(notesKey{}) != "base" {
		t.Error("detached context")
	}
}

func TestStreaming(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		next := make(chan string)
		s := serve(t, Config{Front: kind, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for text := range next {
				io.WriteString(w, text)
				http.NewResponseController(w).Flush()
			}
		})})
		c := dial(t, s.addr)
		c.send(get)
		next <- "data: 1\n"
		res, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		n, _ := res.Body.Read(buf)
		if string(buf[:n]) != "data: 1\n" {
			t.Errorf("first event %q", buf[:n])
		}
		next <- strings.Repeat("x", 100<<10)
		close(next)
		rest, err := io.ReadAll(res.Body)
		if len(rest) != 100<<10 || err != nil {
			t.Errorf("rest: %d bytes, %v", len(rest), err)
		}
	})
}

// TestBothWaysAtOnce reads a piece of the request for each piece of the answer.
func TestBothWaysAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		s := serve(t, Config{Front: kind, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			c.EnableFullDuplex()
			buf := make([]byte, 10)
			for {
				n, err := r.Body.Read(buf)
				w.Write(buf[:n])
				c.Flush()
				if err != nil {
					return
				}
			}
		})})
		c := dial(t, s.addr)
		c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
		c.send("1\r\na\r\n")
		res, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 1)
		for _, want := range []string{"a", "b", "c"} {
			if _, err := io.ReadFull(res.Body, buf); err != nil || string(buf) != want {
				t.Fatalf("got %q, %v", buf, err)
			}
			c.send("1\r\n" + string(want[0]+1) + "\r\n")
		}
		c.send("0\r\n\r\n")
		io.ReadAll(res.Body)
		c.send(get)
		c.answer("GET")
	})
}

// TestReaderLeftBehind holds that a goroutine that reads on when the handler
// has returned gets nothing of the next request, and holds nobody up.
func TestReaderLeftBehind(t *testing.T) {
	left := make(chan error, 1)
	s := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		reading := make(chan struct{})
		go func() {
			close(reading)
			_, err := io.ReadAll(r.Body)
			_, again := r.Body.Read(make([]byte, 1))
			left <- errors.Join(err, again)
		}()
		<-reading
		time.Sleep(10 * time.Millisecond)
	})})
	c := dial(t, s.addr)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
	c.answer("POST")
	if err := <-left; err == nil {
		t.Error("the reader got to an end that never came")
	}
	c.ended()
}

// TestDeadlineWakesReader is what the live path does when a backend is late.
func TestDeadlineWakesReader(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		s := serve(t, Config{Front: kind, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			c.EnableFullDuplex()
			done := make(chan error)
			go func() {
				_, err := io.ReadAll(r.Body)
				done <- err
			}()
			time.Sleep(10 * time.Millisecond)
			c.SetReadDeadline(time.Now())
			if err := <-done; err == nil {
				t.Error("no error")
			}
			w.WriteHeader(http.StatusGatewayTimeout)
		})})
		c := dial(t, s.addr)
		c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
		if res, _ := c.answer("POST"); res.StatusCode != http.StatusGatewayTimeout {
			t.Error(res.Status)
		}
	})
}

// TestShortRestIsReadAway holds that the rest of a body that a handler has left
// alone, which answered at once, is no request. net/http closes here.
func TestShortRestIsReadAway(t *testing.T) {
	s := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		io.WriteString(w, r.Method)
	})})
	c := dial(t, s.addr)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n")
	c.answer("POST")
	c.send(strings.Repeat("GET / HTTP", 50) + get)
	if _, body := c.answer("GET"); body != "GET" {
		t.Errorf("got %q", body)
	}
}

// TestBodyThatNobodyWants holds that an answer that ends the connection does
// not wait for a body that its client may be keeping back.
func TestBodyThatNobodyWants(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		s := serve(t, Config{Front: kind, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		})})
		c := dial(t, s.addr)
		c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n")
		if res, _ := c.answer("POST"); res.StatusCode != http.StatusRequestEntityTooLarge || !res.Close {
			t.Errorf("got %s, close %v", res.Status, res.Close)
		}
	})
}

// TestDeadlineIsOfOneRequest holds that the next request does not meet it.
func TestDeadlineIsOfOneRequest(t *testing.T) {
	for name, set := range map[string]func(*http.ResponseController, time.Time) error{
		"read": (*http.ResponseController).SetReadDeadline, "write": (*http.ResponseController).SetWriteDeadline,
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, kind Kind) {
				var n atomic.Int64
				s := serve(t, Config{Front: kind, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					if n.Add(1) == 1 {
						set(http.NewResponseController(w), time.Now().Add(20*time.Millisecond))
					}
					io.WriteString(w, "a")
				})})
				c := dial(t, s.addr)
				for range 2 {
					c.send(post("hello"))
					c.answer("POST")
					time.Sleep(50 * time.Millisecond)
				}
			})
		})
	}
}

// TestWholeAnswerLeavesAtOnce holds that a client does not wait for what the
// handler still has to do when all of the answer is there.
func TestWholeAnswerLeavesAtOnce(t *testing.T) {
	got := make(chan struct{})
	s := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "5")
		io.WriteString(w, "hel")
		io.WriteString(w, "lo")
		select {
		case <-got:
		case <-time.After(patience):
			t.Error("the answer has not left")
		}
	})})
	c := dial(t, s.addr)
	c.send(get)
	if _, body := c.answer("GET"); body != "hello" {
		t.Error(body)
	}
	close(got)
}

func TestBuffered(t *testing.T) {
	s := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := r.Body.(interface{ Buffered() int }).Buffered(); n != 5 {
			t.Errorf("%d bytes are there, want 5", n)
		}
		io.Copy(w, r.Body)
	})})
	c := dial(t, s.addr)
	c.send(post("hello"))
	if _, body := c.answer("POST"); body != "hello" {
		t.Error(body)
	}
}

func TestUpgrade(t *testing.T) {
	const ask = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: own\r\n\r\n"
	onBoth(t, func(t *testing.T, kind Kind) {
		s := serve(t, Config{Front: kind, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/no" {
				return
			}
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			stop := context.AfterFunc(r.Context(), func() { conn.Close() })
			defer stop()
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: own\r\n\r\n")
			for {
				line, err := rw.ReadString('\n')
				if err != nil {
					break
				}
				io.WriteString(conn, strings.ToUpper(line))
			}
			conn.(interface{ CloseWrite() error }).CloseWrite()
		})})
		t.Run("switched", func(t *testing.T) {
			c := dial(t, s.addr)
			c.send(ask)
			if res, _ := c.answer("GET"); res.StatusCode != 101 {
				t.Fatal(res.Status)
			}
			for _, line := range []string{"no http\n", "GET / HTTP/1.1\n", "\x00\n"} {
				c.send(line)
				if got, err := c.r.ReadString('\n'); got != strings.ToUpper(line) {
					t.Fatalf("got %q, %v", got, err)
				}
			}
			closeWrite(c.Conn)
			c.ended()
		})
		t.Run("switched, and the client did not wait", func(t *testing.T) {
			c := dial(t, s.addr)
			c.send(ask + "early\n\x00\n")
			c.answer("GET")
			for _, want := range []string{"EARLY\n", "\x00\n"} {
				if got, err := c.r.ReadString('\n'); got != want {
					t.Fatalf("got %q, %v, want %q", got, err, want)
				}
			}
		})
		t.Run("not switched", func(t *testing.T) {
			c := dial(t, s.addr)
			c.send(strings.Replace(ask, "/", "/no", 1) + "\x00\x01 not judged")
			if res, _ := c.answer("GET"); !res.Close {
				t.Error("the connection goes on, with bytes that may be of another protocol")
			}
			c.ended()
		})
		t.Run("does not hold up a stop", func(t *testing.T) {
			c := dial(t, s.addr)
			c.send(ask)
			c.answer("GET")
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := s.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			s.base()
			c.ended()
		})
	})
}
