package main

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// patience is how long answers are waited for after the end of a load.
const patience = 5 * time.Second

// loader is one thread with all connections in one epoll set. Against a client
// with a goroutine for each connection it leaves more of a small machine to the
// proxy, and its timers are exact to some microseconds.
type loader struct {
	spec   loadSpec
	addr   *syscall.SockaddrInet4
	epoll  int
	conns  map[int32]*conn
	free   []*conn // open loop: connections without a request, the longest idle first
	buf    []byte  // what was read last, of whichever connection
	next   int     // index of the request to send next
	issued int64   // open loop: requests sent
	asking int     // requests under way
	start  time.Time
	times  histogram
	result loadResult
}

// conn is a connection with at most one request under way.
type conn struct {
	fd      int32
	due     time.Time // when the request under way had to be sent; zero without one
	unsent  []byte    // rest of the request
	waiting bool      // for room to write unsent
	head    []byte    // of the answer, while it is not complete
	missing int       // bytes of the answer's body
	inBody  bool
	close   bool
}

func makeLoad(ctx context.Context, spec loadSpec) (*loadResult, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const setTimerSlack = 29 // of prctl: timers of this thread may be late by 1 ns and not by 50 µs
	syscall.RawSyscall(syscall.SYS_PRCTL, setTimerSlack, 1, 0)
	addr, err := netip.ParseAddrPort(spec.Addr)
	if err != nil || !addr.Addr().Is4() {
		return nil, fmt.Errorf("address %q: an IPv4 address and a port are needed", spec.Addr)
	}
	l := &loader{spec: spec, conns: map[int32]*conn{}, buf: make([]byte, 256<<10),
		addr: &syscall.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}}
	l.result.Failed = map[string]int64{}
	if l.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll_create: %w", err)
	}
	defer l.shut()
	for range spec.Connections {
		if err := l.open(); err != nil {
			return nil, err
		}
	}
	if err := l.run(ctx); err != nil {
		return nil, err
	}
	r := &l.result
	r.Requests = l.times.total
	r.P50, r.P99, r.P999, r.Max = l.times.quantile(0.5), l.times.quantile(0.99), l.times.quantile(0.999), l.times.most
	return r, nil
}

func (l *loader) shut() {
	for fd := range l.conns {
		syscall.Close(int(fd))
	}
	syscall.Close(l.epoll)
}

// open adds a connection. On loopback a connect is done at once.
func (l *loader) open() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	if err := syscall.Connect(fd, l.addr); err != nil {
		syscall.Close(fd)
		return fmt.Errorf("connect to %s: %w", l.spec.Addr, err)
	}
	syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	syscall.SetNonblock(fd, true)
	c := &conn{fd: int32(fd)}
	l.conns[c.fd] = c
	l.free = append(l.free, c)
	return l.watch(c, syscall.EPOLL_CTL_ADD, syscall.EPOLLIN)
}

func (l *loader) watch(c *conn, op int, events uint32) error {
	if err := syscall.EpollCtl(l.epoll, op, int(c.fd), &syscall.EpollEvent{Events: events, Fd: c.fd}); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

func (l *loader) run(ctx context.Context) error {
	events := make([]syscall.EpollEvent, l.spec.Connections)
	l.start = time.Now()
	end := l.start.Add(l.spec.Duration)
	for {
		now := time.Now()
		if err := l.issue(now, end); err != nil {
			return err
		}
		if now.After(end) && l.asking == 0 && !l.behind(end) {
			break
		}
		if now.After(end.Add(patience)) {
			l.result.Failed["unanswered"] += int64(l.asking)
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n, err := epollWait(l.epoll, events, min(l.untilDue(now), 100*time.Millisecond))
		if err != nil {
			return err
		}
		for _, e := range events[:n] {
			if c := l.conns[e.Fd]; c != nil {
				if err := l.progress(c, e.Events, end); err != nil {
					return err
				}
			}
		}
	}
	l.result.Seconds = time.Since(l.start).Seconds()
	return nil
}

// epollWait is epoll_wait with a timeout in nanoseconds (epoll_pwait2, since
// Linux 5.11).
func epollWait(epoll int, events []syscall.EpollEvent, timeout time.Duration) (int, error) {
	const epollPwait2 = 441
	t := syscall.NsecToTimespec(max(int64(timeout), 0))
	n, _, errno := syscall.Syscall6(epollPwait2, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(unsafe.Pointer(&t)), 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case syscall.EINTR:
		return 0, nil
	}
	return 0, fmt.Errorf("epoll_pwait2: %w", errno)
}

// due is when request i of an open loop has to be sent.
func (l *loader) due(i int64) time.Time {
	return l.start.Add(time.Duration(float64(i) / l.spec.Rate * float64(time.Second)))
}

// behind reports whether requests of an open loop that were due before end
// still wait for a connection.
func (l *loader) behind(end time.Time) bool {
	return l.spec.Rate > 0 && l.due(l.issued).Before(end)
}

func (l *loader) untilDue(now time.Time) time.Duration {
	if l.spec.Rate == 0 || len(l.free) == 0 {
		return time.Hour
	}
	return l.due(l.issued).Sub(now)
}

// issue sends what is due over the free connections.
func (l *loader) issue(now, end time.Time) error {
	for len(l.free) > 0 {
		due := now
		if l.spec.Rate > 0 {
			due = l.due(l.issued)
		}
		if due.After(now) || !due.Before(end) {
			return nil
		}
		c := l.free[0]
		l.free = l.free[1:]
		l.issued++
		if err := l.send(c, due); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) send(c *conn, due time.Time) error {
	c.due, c.unsent = due, l.spec.Requests[l.next]
	l.next = (l.next + 1) % len(l.spec.Requests)
	l.asking++
	return l.write(c)
}

func (l *loader) write(c *conn) error {
	n, err := syscall.Write(int(c.fd), c.unsent)
	if err == syscall.EAGAIN {
		n, err = 0, nil
	}
	if err != nil {
		return l.fail(c, "write: "+err.Error())
	}
	c.unsent = c.unsent[n:]
	if waiting := len(c.unsent) > 0; waiting != c.waiting {
		c.waiting = waiting
		events := uint32(syscall.EPOLLIN)
		if waiting {
			events |= syscall.EPOLLOUT
		}
		return l.watch(c, syscall.EPOLL_CTL_MOD, events)
	}
	return nil
}

// progress does what epoll says is possible.
func (l *loader) progress(c *conn, events uint32, end time.Time) error {
	if events&syscall.EPOLLOUT != 0 && len(c.unsent) > 0 {
		if err := l.write(c); err != nil || l.conns[c.fd] != c {
			return err
		}
	}
	if events&^syscall.EPOLLOUT == 0 {
		return nil
	}
	n, err := syscall.Read(int(c.fd), l.buf)
	switch {
	case err == syscall.EAGAIN:
		return nil
	case err != nil:
		return l.fail(c, "read: "+err.Error())
	case n == 0:
		return l.fail(c, "closed without an answer")
	case c.due.IsZero():
		return l.fail(c, "bytes after the answer")
	}
	return l.take(c, l.buf[:n], end)
}

// take takes bytes of an answer.
func (l *loader) take(c *conn, b []byte, end time.Time) error {
	if !c.inBody {
		if len(c.head) > 0 {
			b = append(c.head, b...)
		}
		h, err := parseAnswer(b)
		if err == errPartial {
			c.head = append(c.head[:0:0], b...)
			return nil
		}
		switch {
		case err != nil:
			return l.fail(c, err.Error())
		case h.status != 200:
			return l.fail(c, fmt.Sprintf("status %d", h.status))
		case h.length != l.spec.Length:
			return l.fail(c, fmt.Sprintf("a body of %d bytes", h.length))
		}
		b, c.head, c.inBody, c.missing, c.close = b[h.size:], nil, true, h.length, h.close
	}
	c.missing -= len(b)
	switch {
	case c.missing < 0:
		return l.fail(c, "bytes after the answer")
	case c.missing > 0:
		return nil
	}
	return l.answered(c, end)
}

func (l *loader) answered(c *conn, end time.Time) error {
	now := time.Now()
	l.times.add(now.Sub(c.due))
	l.asking--
	c.due, c.inBody = time.Time{}, false
	if c.close {
		l.result.Reopened++
		return l.reopen(c)
	}
	if l.spec.Rate == 0 && now.Before(end) {
		return l.send(c, now)
	}
	l.free = append(l.free, c)
	return nil
}

// fail counts the request under way as failed and goes on with a new
// connection. A connection that is closed while idle is no failure.
func (l *loader) fail(c *conn, why string) error {
	if c.due.IsZero() {
		l.result.Reopened++
		for i, f := range l.free {
			if f == c {
				l.free = append(l.free[:i:i], l.free[i+1:]...)
				break
			}
		}
	} else {
		l.result.Failed[why]++
		l.asking--
	}
	return l.reopen(c)
}

func (l *loader) reopen(c *conn) error {
	delete(l.conns, c.fd)
	syscall.Close(int(c.fd))
	return l.open()
}
