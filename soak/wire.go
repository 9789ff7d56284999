package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// requestTimeout is how long a client waits for a whole answer.
const requestTimeout = 20 * time.Second

// wire is a client's connection for HTTP/1.1 that hides nothing: it sends no
// request twice.
type wire struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
}

// ready gives a connection: the one from before, unless the server has closed
// it while nothing was under way, as it may (RFC 9112 section 9.5).
func (w *wire) ready() error {
	if w.conn != nil && !w.closed() {
		return nil
	}
	w.close()
	conn, err := net.DialTimeout("tcp", w.addr, requestTimeout)
	if err != nil {
		return err
	}
	w.conn, w.in = conn, bufio.NewReader(conn)
	return nil
}

func (w *wire) closed() bool {
	w.conn.SetReadDeadline(time.Now().Add(time.Microsecond))
	_, err := w.in.Peek(1)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

func (w *wire) close() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// call is one request.
type call struct {
	method, path, id string
	body             int  // bytes
	chunked          bool // in pieces that come one after the other
	last             bool // Connection: close
}

// do sends a call and returns the answer's body.
func (w *wire) do(c call) (body string, err error) {
	if err := w.ready(); err != nil {
		return "", err
	}
	reused := "a new connection"
	defer func() {
		if err != nil {
			w.close()
			err = fmt.Errorf("%s %s over %s: %w", c.method, c.path, reused, err)
		}
	}()
	w.conn.SetDeadline(time.Now().Add(requestTimeout))
	if err := w.send(c); err != nil {
		return "", err
	}
	res, err := http.ReadResponse(w.in, &http.Request{Method: c.method})
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return "", fmt.Errorf("the answer broke off: %w", err)
	}
	if res.Close || c.last {
		w.close()
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d: %.300s", res.StatusCode, b)
	}
	return string(b), nil
}

func (w *wire) send(c call) error {
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: soak.example\r\n", c.method, c.path)
	if c.id != "" {
		fmt.Fprintf(&head, "%s: %s\r\n", idField, c.id)
	}
	if c.last {
		head.WriteString("Connection: close\r\n")
	}
	switch {
	case c.chunked:
		head.WriteString("Transfer-Encoding: chunked\r\n")
	case c.body > 0:
		fmt.Fprintf(&head, "Content-Length: %d\r\n", c.body)
	}
	head.WriteString("\r\n")
	if !c.chunked {
		head.WriteString(strings.Repeat("b", c.body))
		_, err := io.WriteString(w.conn, head.String())
		return err
	}
	if _, err := io.WriteString(w.conn, head.String()); err != nil {
		return err
	}
	const pieces = 4
	for range pieces {
		n := c.body / pieces
		if _, err := fmt.Fprintf(w.conn, "%x\r\n%s\r\n", n, strings.Repeat("b", n)); err != nil {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	_, err := io.WriteString(w.conn, "0\r\n\r\n")
	return err
}

// fits checks that the answer is that of the call.
func fits(body string, c call) error {
	if !strings.Contains(body, fmt.Sprintf(`{"bytes":%d,"path":%q,`, c.body, c.path)) {
		return fmt.Errorf("the answer to %s %s is another's: %.100s", c.method, c.path, body)
	}
	return nil
}
