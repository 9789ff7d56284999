package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/quackproxy/quack/internal/handover"
	"github.com/quackproxy/quack/internal/systemd"
)

// listeners are the bound addresses; health is nil without --health.
type listeners struct{ live, admin, health *listener }

// bind takes the listening sockets from the process before, or those that the
// service manager hands in, and binds the rest.
func (c *serveCmd) bind(before *handover.Predecessor) (_ *listeners, err error) {
	l := &listeners{}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if before != nil {
		return l, l.inherit(before)
	}
	if err := l.activate(); err != nil {
		return nil, err
	}
	for _, b := range []struct {
		flag, addr string
		reuse      bool
		to         **listener
	}{{"--listen", c.Listen, c.ReusePort, &l.live}, {"--admin", c.Admin, false, &l.admin}, {"--health", c.Health, false, &l.health}} {
		if *b.to != nil || b.addr == "" && b.flag == "--health" {
			continue
		}
		if *b.to, err = listen(b.addr, b.reuse); err != nil {
			return nil, fmt.Errorf("bind %s %q: %w\n  %s", b.flag, b.addr, err, bindable(b.flag, err))
		}
	}
	return l, nil
}

// bindable says what to do about an address that could not be bound.
func bindable(flag string, err error) string {
	var form *net.AddrError
	var dns *net.DNSError
	switch {
	case errors.As(err, &form), errors.As(err, &dns):
		return "write HOST:PORT, as in 127.0.0.1:8080"
	case errors.Is(err, syscall.EACCES):
		return "ports below 1024 take a right: setcap cap_net_bind_service=+ep of the program, or a socket from systemd (docs/operating.md)"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine does not have that address: choose another with " + flag
	}
	return fmt.Sprintf("choose another address with %s, or stop what is listening there", flag)
}

func listen(addr string, reuse bool) (*listener, error) {
	config := net.ListenConfig{}
	if reuse {
		config.Control = func(_, _ string, raw syscall.RawConn) error {
			var err error
			if outer := raw.Control(func(fd uintptr) {
				err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			}); outer != nil {
				return outer
			}
			return os.NewSyscallError("setsockopt SO_REUSEPORT", err)
		}
	}
	ln, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	return newListener(ln), nil
}

// inherit takes the sockets of the process before.
func (l *listeners) inherit(before *handover.Predecessor) error {
	for name, to := range l.byName() {
		f := before.File(name)
		if f == nil {
			continue
		}
		ln, err := net.FileListener(f)
		f.Close()
		if err != nil {
			return fmt.Errorf("the %s socket of process %d: %w", name, before.PID, err)
		}
		*to = newListener(ln)
	}
	if l.live == nil || l.admin == nil {
		return fmt.Errorf("process %d has handed over without its listening sockets", before.PID)
	}
	return nil
}

// activate takes the sockets of the service manager, by their names. A single
// one needs none: it is what clients connect to.
func (l *listeners) activate() error {
	sockets, err := systemd.Sockets()
	if err != nil {
		return err
	}
	for i, s := range sockets {
		to := l.byName()[s.Name]
		if to == nil && len(sockets) == 1 {
			to = &l.live
		}
		if to == nil || *to != nil {
			for _, rest := range sockets[i:] {
				rest.Close()
			}
			return fmt.Errorf("the service manager hands in a socket named %q, which is not one of live, admin and health, once each\n  say FileDescriptorName=live in the .socket unit, and use a .socket unit for each", s.Name)
		}
		*to = newListener(s.Listener)
	}
	return nil
}

func (l *listeners) byName() map[string]**listener {
	return map[string]**listener{"live": &l.live, "admin": &l.admin, "health": &l.health}
}

// files are the sockets once more, for a new process; to be closed.
func (l *listeners) files() (files map[string]*os.File, err error) {
	files = map[string]*os.File{}
	for name, ln := range l.byName() {
		if *ln == nil {
			continue
		}
		if files[name], err = (*ln).file(); err != nil {
			delete(files, name)
			closeFiles(files)
			return nil, fmt.Errorf("the %s socket: %w", name, err)
		}
	}
	return files, nil
}

func closeFiles(files map[string]*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// release ends the accepting of this process, and of no other that has the
// same sockets: none is shut down, so that no connection in a queue is lost.
func (l *listeners) release() {
	for _, ln := range l.byName() {
		if *ln != nil {
			(*ln).release()
		}
	}
}

func (l *listeners) close() {
	for _, ln := range l.byName() {
		if *ln != nil {
			(*ln).Close()
		}
	}
}

// listener is a listening socket that another process may have as well.
type listener struct {
	net.Listener

	releaseOnce, closeOnce sync.Once
	released, closed       chan struct{}
}

func newListener(ln net.Listener) *listener {
	return &listener{Listener: ln, released: make(chan struct{}), closed: make(chan struct{})}
}

// Accept is as usual; after release it waits for Close, so that who serves goes
// on until it is told to stop.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		return conn, nil
	}
	select {
	case <-l.released:
		<-l.closed
	default:
	}
	return nil, err
}

func (l *listener) release() {
	l.releaseOnce.Do(func() {
		close(l.released)
		l.Listener.Close()
	})
}

// Close ends the accepting of this process.
func (l *listener) Close() error {
	var err error
	l.closeOnce.Do(func() {
		close(l.closed)
		err = l.Listener.Close()
	})
	select {
	case <-l.released:
		return nil // it was closed then
	default:
		return err
	}
}

// file is the socket once more. Not by the listener's File: what starts a
// process with that makes the socket blocking, which both share, and an Accept
// that blocks does not see a Close.
func (l *listener) file() (*os.File, error) {
	ln, ok := l.Listener.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("a listener of type %T can not be passed on", l.Listener)
	}
	raw, err := ln.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	outer := raw.Control(func(own uintptr) {
		fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err := errors.Join(outer, os.NewSyscallError("dup", err)); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), l.Addr().String()), nil
}
