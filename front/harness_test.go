package front

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain looks for goroutines left over. net/http sleeps half a second after
// some answers, whatever happens.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// patience is how long a test waits for what has to happen.
const patience = 30 * time.Second

// running is a server on a real socket.
type running struct {
	*Server
	addr   string
	base   context.CancelFunc
	served chan error
}

// serve runs a server until the test ends.
func serve(t testing.TB, c Config) *running {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Server: New(c), addr: ln.Addr().String(), base: cancel, served: make(chan error, 1)}
	go func() { r.served <- r.Serve(ctx, ln) }()
	t.Cleanup(func() {
		r.Close()
		cancel()
		if err := <-r.served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.Wait(ctx); err != nil {
			t.Errorf("handlers still run: %v", err)
		}
	})
	return r
}

// onBoth runs a test on both fronts.
func onBoth(t *testing.T, f func(t *testing.T, kind Kind)) {
	for _, kind := range []Kind{Auto, Std} {
		t.Run(string(kind), func(t *testing.T) { f(t, kind) })
	}
}

// client is a connection that speaks by hand.
type client struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &client{t, c, bufio.NewReader(c)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads one answer and its body.
func (c *client) answer(method string) (*http.Response, string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("read the body: %v", err)
	}
	return res, string(body)
}

// ended waits for the end of the connection.
func (c *client) ended() {
	c.t.Helper()
	rest, err := io.ReadAll(c.r)
	if len(rest) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		c.t.Fatalf("connection was to end, got %q, %v", rest, err)
	}
}
