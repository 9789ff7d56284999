package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// announced is how long a backend says 503 on /up before it closes its
	// listener, as a rolling restart does.
	announced = 2500 * time.Millisecond

	idField = "Idempotency-Key" // only of unsafe requests

	eventCount = 12
	eventEvery = 200 * time.Millisecond
)

// playBackend is a backend's server process.
func playBackend(dir string) int {
	p, err := takePen(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ln, err := net.Listen("tcp", os.Getenv("SOAK_ADDR"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s := &site{pen: p, stopping: ctx}
	srv := &http.Server{Handler: s, ConnState: s.count}
	go srv.Serve(ln)
	<-ctx.Done()
	time.Sleep(announced)
	ln.Close()
	srv.SetKeepAlivesEnabled(false)
	for deadline := time.Now().Add(10 * time.Second); s.open.Load() > 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	return 0
}

// site is what a backend serves.
type site struct {
	pen      *pen
	stopping context.Context
	open     atomic.Int64 // connections
}

func (s *site) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.open.Add(1)
	case http.StateClosed: // of a hijacked one, echo tells
		s.open.Add(-1)
	}
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if id := r.Header.Get(idField); id != "" {
		s.pen.note(id) // it counts as executed, whether its body comes to an end or not
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch kind {
	case "up":
		if s.stopping.Err() != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	case "events":
		events(w)
	case "echo":
		s.echo(w)
	case "slow":
		time.Sleep(300 * time.Millisecond)
		io.WriteString(w, "slow")
	default:
		item(w, r)
	}
}

// item answers with the number of bytes that came, and the path.
func item(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	time.Sleep(2 * time.Millisecond)
	body := fmt.Sprintf(`{"bytes":%d,"path":%q,"fill":%q}`, n, r.URL.Path, strings.Repeat("x", 900))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	io.WriteString(w, body)
}

func events(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	for n := range eventCount {
		fmt.Fprintf(w, "data: %d\n\n", n)
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		time.Sleep(eventEvery)
	}
}

// echo switches protocols and returns what comes, line by line.
func (s *site) echo(w http.ResponseWriter) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	defer s.open.Add(-1)
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	for lines := bufio.NewScanner(rw); lines.Scan(); {
		if _, err := io.WriteString(conn, lines.Text()+"\n"); err != nil {
			return
		}
	}
}
