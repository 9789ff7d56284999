// Package sockets reads and writes TCP connections by system calls of which
// the Go scheduler is not told.
//
// The scheduler takes the processor away from a thread that is in a system call
// for longer than 20 µs, because it may block, and gives it to another thread;
// sending to a peer on the same machine takes that long, for the kernel does
// the receiver's work within the call. The price is a thread woken for each,
// and a monitor that never sleeps: a sixth of a small request's CPU time. A
// non-blocking socket has nothing to wait for in a call, so there is nothing to
// tell. Waiting is done by the runtime's poller, as package net does it.
//
// Start with [New]. Elsewhere than on Linux, and where the race detector wants
// to see what a call reads and writes, the calls are those of package syscall.
package sockets

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// Conn is a connection with reads and writes of its own; all else is that of
// the connection it was made of, whose deadlines and Close it obeys. Like any
// net.Conn it is safe for concurrent use.
type Conn struct {
	net.Conn
	raw     syscall.RawConn
	in, out half
}

// half is one direction. A call at a time is under way.
type half struct {
	mu   sync.Mutex
	p    []byte // to be filled, or still to be written
	n    int    // bytes done
	err  error
	step func(fd uintptr) bool // bound once
}

// New is c with quick reads and writes, or c itself where it is no TCP
// connection of package net.
func New(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	q := &Conn{Conn: c, raw: raw}
	q.in.step, q.out.step = q.in.read, q.out.write
	return q
}

// Read reads what has come, and waits for it.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.in.run(c.raw.Read, p)
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return n, c.explain("read", err)
}

// Write writes all of p.
func (c *Conn) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.out.run(c.raw.Write, p)
	return n, c.explain("write", err)
}

// CloseWrite says that nothing more will be written.
func (c *Conn) CloseWrite() error { return c.Conn.(*net.TCPConn).CloseWrite() }

// SyscallConn is the raw connection.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.raw, nil }

func (h *half) run(wait func(func(uintptr) bool) error, p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.p, h.n, h.err = p, 0, nil
	err := wait(h.step)
	h.p = nil
	if err == nil {
		err = h.err
	}
	return h.n, err
}

// read reads once; false is to be called again when there is something.
func (h *half) read(fd uintptr) bool {
	for {
		n, err := Read(fd, h.p)
		switch err {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return false
		}
		h.n, h.err = max(n, 0), err
		return true
	}
}

// write writes what the kernel has room for; false is to be called again when
// it has more.
func (h *half) write(fd uintptr) bool {
	for len(h.p) > 0 {
		n, err := Write(fd, h.p)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return false
		case err != nil:
			h.err = err
			return true
		case n <= 0:
			h.err = io.ErrUnexpectedEOF
			return true
		}
		h.p, h.n = h.p[n:], h.n+n
	}
	return true
}

// explain is err as package net has it.
func (c *Conn) explain(op string, err error) error {
	switch e := err.(type) {
	case nil:
		return nil
	case *net.OpError:
		again := *e
		again.Op = op
		return &again
	case syscall.Errno:
		err = os.NewSyscallError(op, e)
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
