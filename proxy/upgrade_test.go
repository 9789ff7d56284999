package proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// upgrading is a backend that switches to a protocol which says each line
// again, and "bye" at the end.
func upgrading(t *testing.T, ended chan<- bool) string {
	return rawBackend(t, func(c net.Conn, r *bufio.Reader) {
		head, err := readHead(r)
		if err != nil {
			return
		}
		if !strings.Contains(head, "\r\nConnection: Upgrade\r\n") || !strings.Contains(head, "\r\nUpgrade: websocket\r\n") || !strings.Contains(head, "\r\nSec-Websocket-Key: k\r\n") {
			t.Errorf("asked with %q", head)
			return
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\nQuack-Footprint: x\r\n\r\nhello\n")
		io.Copy(c, r)
		io.WriteString(c, "bye\n")
		ended <- true
	})
}

const upgradeRequest = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"

func TestUpgrade(t *testing.T) {
	ended := make(chan bool, 1)
	w := newWorld(t, `
  - {name: ws, match: GET /ws, stage: shadow, expose: true}`, upgrading(t, ended), nil)
	conn, in := dial(t, w.url)
	io.WriteString(conn, upgradeRequest+"early\n") // said before the switch
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := res.Header
	if res.StatusCode != 101 || h.Get("Connection") != "Upgrade" || h.Get("Upgrade") != "websocket" || h.Get("Sec-Websocket-Accept") != "a" ||
		h.Get("Quack-Footprint") != "" || h.Get("Quack-Served-By") != "legacy" {
		t.Errorf("got %d %v", res.StatusCode, h)
	}
	io.WriteString(conn, "later\n")
	for _, want := range []string{"hello\n", "early\n", "later\n"} {
		if line, err := in.ReadString('\n'); err != nil || line != want {
			t.Errorf("got %q, %v, want %q", line, err, want)
		}
	}
	conn.(*net.TCPConn).CloseWrite()
	if line, err := in.ReadString('\n'); err != nil || line != "bye\n" {
		t.Errorf("got %q, %v", line, err)
	}
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("then %v", err)
	}
	<-ended
	if got := w.counts.waitServed(t, 1); got[0] != (served{"ws", "shadow", "legacy", 101}) {
		t.Errorf("counted %v", got)
	}
	if s := w.counts.skipped(); s != "ws: upgrade" {
		t.Errorf("skipped %q", s)
	}
}

// One end that breaks off takes the other with it.
func TestUpgradeBreaksOff(t *testing.T) {
	ended := make(chan bool, 1)
	w := newWorld(t, `
  - {name: ws, match: GET /ws}`, upgrading(t, ended), nil)
	conn, in := dial(t, w.url)
	io.WriteString(conn, upgradeRequest)
	if _, err := http.ReadResponse(in, nil); err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).SetLinger(0) // a reset
	conn.Close()
	<-ended
	w.counts.waitServed(t, 1)
}

// Nothing else would end an upgraded connection when the server stops.
func TestUpgradeEndsWithTheServer(t *testing.T) {
	ended := make(chan bool, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := newWorld(t, `
  - {name: ws, match: GET /ws}`, upgrading(t, ended), nil)
	srv := &http.Server{Handler: w.server.Config.Handler, BaseContext: func(net.Listener) context.Context { return ctx }}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	conn, in := dial(t, l.Addr().String())
	io.WriteString(conn, upgradeRequest)
	if _, err := http.ReadResponse(in, nil); err != nil {
		t.Fatal(err)
	}
	if err := srv.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	<-served
	cancel()
	<-ended
	w.counts.waitServed(t, 1)
}

// A backend that does not switch answers like to any other request.
func TestUpgradeRefused(t *testing.T) {
	w := newWorld(t, `
  - {name: ws, match: GET /ws, stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(426)
		io.WriteString(w, "no")
	}, nil)
	conn, in := dial(t, w.url)
	for range 2 { // the connection can still be used
		io.WriteString(conn, upgradeRequest)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 426 || string(b) != "no" {
			t.Errorf("%d %q, %v", res.StatusCode, b, err)
		}
	}
}
