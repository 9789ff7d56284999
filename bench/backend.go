package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// answering is how a backend of the benchmarks behaves.
type answering struct {
	Side  string        // goes into its answers, so that sides differ
	Delay time.Duration // before each answer
	Hang  bool          // takes requests and never answers
}

func (a answering) args() []string {
	return []string{"backend", "-side", a.Side, "-delay", a.Delay.String(), fmt.Sprintf("-hang=%v", a.Hang)}
}

// backend serves HTTP/1.1 as cheaply as goroutines can: canned answers, by the
// path's second segment (/orders/small/17, /orders/large/17), and no more of a
// request read than it takes to find its end. Only the contenders speak to it.
type backend struct {
	answering
	answers map[string][]byte // whole, by name of length
	end     context.Context   // when answers that wait are given up
}

// runBackend is the process: it prints its address on a line and serves until
// ctx ends.
func runBackend(ctx context.Context, args []string, _ io.Reader, out io.Writer) error {
	b := &backend{end: ctx}
	flags := flag.NewFlagSet("backend", flag.ContinueOnError)
	flags.StringVar(&b.Side, "side", "legacy", "")
	flags.DurationVar(&b.Delay, "delay", 0, "")
	flags.BoolVar(&b.Hang, "hang", false, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b.answers = cannedAnswers(b.Side, time.Now())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintln(out, ln.Addr())
	return b.serve(ln)
}

func cannedAnswers(side string, now time.Time) map[string][]byte {
	answers := map[string][]byte{}
	for name, length := range lengths {
		answers[name] = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"), length, body(length, side, now))
	}
	return answers
}

func (b *backend) serve(ln net.Listener) error {
	var all sync.WaitGroup
	defer all.Wait()
	unblock := context.AfterFunc(b.end, func() { ln.Close() })
	defer unblock()
	for {
		conn, err := ln.Accept()
		if err != nil {
			if b.end.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept: %w", err)
		}
		all.Go(func() { b.talk(conn) })
	}
}

func (b *backend) talk(conn net.Conn) {
	defer conn.Close()
	unblock := context.AfterFunc(b.end, func() { conn.Close() })
	defer unblock()
	in := incoming{from: conn, buf: make([]byte, 16<<10)}
	for {
		name, err := in.request()
		if err != nil {
			return
		}
		if b.Hang {
			io.Copy(io.Discard, conn) // until the other end gives up
			return
		}
		if !b.pause() {
			return
		}
		if _, err := conn.Write(b.answers[name]); err != nil {
			return
		}
	}
}

// pause waits for the delay; false when the backend ends meanwhile.
func (b *backend) pause() bool {
	if b.Delay == 0 {
		return true
	}
	wait := time.NewTimer(b.Delay)
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-b.end.Done():
		return false
	}
}

// incoming reads requests from a connection.
type incoming struct {
	from io.Reader
	buf  []byte
	have int // bytes of buf that hold something
}

// request reads one request to its end and returns the name of the answer that
// it asks for.
func (in *incoming) request() (string, error) {
	head, err := in.head()
	if err != nil {
		return "", err
	}
	name := "small"
	if bytes.Contains(head[:bytes.IndexByte(head, '\n')], []byte("/large/")) {
		name = "large"
	}
	missing := 0
	if head[0] != 'G' {
		missing = bodyLength(head)
	}
	rest := in.have - len(head)
	if missing < rest {
		in.have = copy(in.buf, in.buf[len(head)+missing:in.have])
		return name, nil
	}
	in.have = 0
	_, err = io.CopyN(io.Discard, in.from, int64(missing-rest))
	return name, err
}

// head reads until buf holds a request's head, and returns it.
func (in *incoming) head() ([]byte, error) {
	for {
		if end := bytes.Index(in.buf[:in.have], []byte("\r\n\r\n")); end >= 0 {
			return in.buf[:end+4], nil
		}
		if in.have == len(in.buf) {
			return nil, fmt.Errorf("a request head of more than %d bytes", len(in.buf))
		}
		n, err := in.from.Read(in.buf[in.have:])
		if err != nil {
			return nil, err
		}
		in.have += n
	}
}

// bodyLength is the Content-Length of a request; 0 without one.
func bodyLength(head []byte) int {
	for line := range bytes.Lines(head) {
		name, value, found := bytes.Cut(line, []byte(":"))
		if found && bytes.EqualFold(name, []byte("content-length")) {
			n, _ := strconv.Atoi(string(bytes.TrimSpace(value)))
			return n
		}
	}
	return 0
}
