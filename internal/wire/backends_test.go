package wire

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quackproxy/quack/upstream"
)

// newBackend is a backend of net/http, HTTP/1.1 only.
func newBackend(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// overBackends runs a test with the path to a backend of net/http over each
// protocol that is spoken with backends.
func overBackends(t *testing.T, h http.HandlerFunc, test func(t *testing.T, p *path)) {
	t.Run("to http1", func(t *testing.T) { test(t, newPath(t, newBackend(t, h))) })
	t.Run("to h2c", func(t *testing.T) {
		srv := httptest.NewUnstartedServer(h)
		srv.Config.Protocols = new(http.Protocols)
		srv.Config.Protocols.SetUnencryptedHTTP2(true)
		srv.Start()
		t.Cleanup(srv.Close)
		test(t, newPathWith(t, srv.URL, upstream.Options{Protocol: upstream.ProtocolHTTP2}))
	})
}

// rawBackend gives each connection to handle and waits for all at the end.
func rawBackend(t testing.TB, handle func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	ln := listen(t)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
				handle(conn, bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		all.Wait()
	})
	return "http://" + ln.Addr().String()
}

// readHead reads up to and with the empty line.
func readHead(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String(), err
		}
	}
}
