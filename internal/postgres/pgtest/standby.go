package pgtest

import (
	"context"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/quackproxy/quack/internal/postgres"
)

// WithStandby starts a server of t's own and a standby that streams from it.
// Where PostgreSQL comes without pg_basebackup, as the one does that is fetched
// for want of another, t is skipped.
func WithStandby(t testing.TB, settings map[string]string) (primary, standby *postgres.Cluster) {
	t.Helper()
	primary, err := postgres.Start(t.Context(), postgres.Options{Settings: settings, Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	stop(t, primary)
	if _, err := os.Stat(primary.Program("pg_basebackup")); err != nil {
		t.Skipf("a standby can not be made: %v", err)
	}
	if standby, err = primary.Standby(t.Context(), postgres.Options{}); err != nil {
		t.Fatal(err)
	}
	stop(t, standby)
	return primary, standby
}

func stop(t testing.TB, c *postgres.Cluster) {
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// Address is a host and port that lead to one server, and later to another, as
// a virtual IP address or a load balancer does.
type Address struct {
	ln    net.Listener
	conns sync.WaitGroup

	mu   sync.Mutex
	to   int // port on 127.0.0.1
	open map[net.Conn]bool
}

// NewAddress makes an address that leads to c, until t ends.
func NewAddress(t testing.TB, c *postgres.Cluster) *Address {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &Address{ln: ln, to: c.Port(), open: map[net.Conn]bool{}}
	a.conns.Go(a.accept)
	t.Cleanup(func() {
		ln.Close()
		a.MoveTo(c)
		a.conns.Wait()
	})
	return a
}

// DSN is dsn by way of the address.
func (a *Address) DSN(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		panic(err)
	}
	u.Host = a.ln.Addr().String()
	return u.String()
}

// MoveTo leads all connections to c from now on, and ends those that there are.
func (a *Address) MoveTo(c *postgres.Cluster) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.to = c.Port()
	for conn := range a.open {
		conn.Close()
	}
}

func (a *Address) accept() {
	for {
		client, err := a.ln.Accept()
		if err != nil {
			return
		}
		a.conns.Go(func() { a.serve(client) })
	}
}

func (a *Address) serve(client net.Conn) {
	defer client.Close()
	a.mu.Lock()
	to := net.JoinHostPort("127.0.0.1", strconv.Itoa(a.to))
	a.mu.Unlock()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	a.mu.Lock()
	a.open[client], a.open[server] = true, true
	a.mu.Unlock()
	a.conns.Go(func() { io.Copy(server, client); server.Close() })
	io.Copy(client, server)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.open, client)
	delete(a.open, server)
}
