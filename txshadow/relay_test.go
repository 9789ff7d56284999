package txshadow_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// relay stands between an adapter's dedicated sessions and the server, as a
// pooler or a bad network does.
type relay struct {
	t    testing.TB
	ln   net.Listener
	lies bool // announces another process than the one that serves
	wg   sync.WaitGroup

	mu     sync.Mutex
	target string
	conns  []net.Conn
	down   bool
}

// newRelay makes a relay and points set's DirectDSN at it.
func newRelay(t testing.TB, set *setup, lies bool) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{t: t, ln: ln, lies: lies}
	set.direct = r.address
	r.wg.Go(r.accept)
	t.Cleanup(func() {
		ln.Close()
		r.cut()
		r.wg.Wait()
	})
	return r
}

// address is dsn by way of the relay.
func (r *relay) address(dsn string) string {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
	host, port, err := net.SplitHostPort(r.ln.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	return "host=" + host + " port=" + port + " user=" + cfg.User + " password='" + cfg.Password + "' dbname=" + cfg.Database + " sslmode=disable"
}

// cut ends all connections and lets no other through.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = true
	for _, c := range r.conns {
		c.Close()
	}
}

func (r *relay) accept() {
	for {
		client, err := r.ln.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() { r.serve(client) })
	}
}

func (r *relay) serve(client net.Conn) {
	defer client.Close()
	r.mu.Lock()
	target, down := r.target, r.down
	r.mu.Unlock()
	if down {
		return
	}
	var d net.Dialer
	server, err := d.DialContext(context.Background(), "tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	r.mu.Lock()
	r.conns = append(r.conns, client, server)
	r.mu.Unlock()
	r.wg.Go(func() { io.Copy(server, client); server.Close() })
	if r.lies {
		r.lie(client, server)
	}
	io.Copy(client, server)
}

// lie passes the server's messages on up to BackendKeyData, with another
// process in it.
func (r *relay) lie(client io.Writer, server io.Reader) {
	head := make([]byte, 5)
	for {
		if _, err := io.ReadFull(server, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(server, body); err != nil {
			return
		}
		if head[0] == 'K' {
			binary.BigEndian.PutUint32(body, binary.BigEndian.Uint32(body)+1)
		}
		if _, err := client.Write(append(head, body...)); err != nil || head[0] == 'K' {
			return
		}
	}
}
