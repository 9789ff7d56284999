package upstream

import (
	"fmt"
	"io"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/quackproxy/quack/internal/sockets"
)

// quiet reports whether the connection is alive as far as can be seen without
// asking: open, and nothing has come that was not asked for.
func (w *wire) quiet() bool {
	quiet := false
	if w.raw == nil {
		return false
	}
	err := w.raw.Control(func(fd uintptr) { quiet = quietFD(fd) })
	return err == nil && quiet
}

func quietFD(fd uintptr) bool {
	for {
		if err := sockets.Peek(fd); err != syscall.EINTR {
			return err == syscall.EAGAIN
		}
	}
}

// unreceived reports whether the other end has closed the connection (which
// the caller has seen: its end of file, not a reset) and had by then received
// nothing of what was written after the first before bytes, all of which it
// had answered.
//
// Each TCP segment carries the number of the byte that its sender expects next
// (RFC 9293 section 3.4). The FIN that we have read carried it too. Had any byte
// of the request been received when it was sent, it would have acknowledged it;
// so if the kernel has no such acknowledgement, the other end had finished
// before the request came. Bytes_acked is RFC 4898's
// tcpEStatsAppHCThruOctetsAcked, and counts our SYN as one byte.
//
// The limits. An acknowledgement that comes after the FIN, from a server that
// lingers to read and throw away, makes the answer false: rather no than a wrong
// yes. A server that has closed only its sending half, reads the request all the
// same and acts on it, unable to answer, is not told from one that has closed;
// none is known. Where a load balancer ends the TCP connection this is said of
// it: what it has not received it has not passed on. A reset (ECONNRESET) proves
// nothing: it takes received data, and what was acknowledged, with it. A kernel
// that does not count (before 4.2) reports 0, which is never right.
func (w *wire) unreceived(before int64) bool {
	if w.raw == nil {
		return false
	}
	acked := int64(-1)
	err := w.raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			acked = int64(info.Bytes_acked) - 1
		}
	})
	return err == nil && acked == before
}

// talk is one request written and the first of its answer read, in one visit to
// the runtime's poller. The poller forgets what it saw before the visit began,
// and that is before the connection is looked at; so after the request is
// written the answer can be waited for at once, and the read that would find
// nothing yet is saved.
type talk struct {
	out   []byte
	in    []byte
	wrote func() // called when out has been written
	begun bool
	stale bool  // the connection was closed, or something came unasked
	sent  int   // of out
	got   int   // of in
	err   error // of writing or reading
}

// converse writes out and reads the first bytes of the answer into in. stale is
// that the connection was not alive, and nothing was written. Only for a wire
// that nothing lies over, and whose answer begins after the whole of out.
func (w *wire) converse(out, in []byte, wrote func()) (got int, stale bool, err error) {
	if w.step == nil {
		w.step = w.next
	}
	w.talk = talk{out: out, in: in, wrote: wrote}
	err = w.raw.Read(w.step)
	t := w.talk
	w.talk = talk{}
	w.written.Add(int64(t.sent))
	switch {
	case err != nil:
		return 0, false, err
	case t.stale:
		return 0, true, nil
	case t.err != nil || t.sent == len(out):
		return t.got, false, t.err
	}
	// The kernel had no room for all of it.
	if _, err = w.Write(out[t.sent:]); err != nil {
		return 0, false, fmt.Errorf("send the request: %w", err)
	}
	if wrote != nil {
		wrote()
	}
	got, err = w.Conn.Read(in)
	return got, false, err
}

// next does what can be done without waiting; false is to be called again when
// there is something to read.
func (w *wire) next(fd uintptr) bool {
	t := &w.talk
	if !t.begun {
		t.begun = true
		if t.stale = !quietFD(fd); t.stale {
			return true
		}
		n, err := sockets.Write(fd, t.out)
		if err == syscall.EAGAIN || err == syscall.EINTR {
			n, err = 0, nil
		}
		t.sent = max(n, 0)
		if err != nil {
			t.refused(fd, err)
			return true
		}
		if n < len(t.out) {
			return true
		}
		if t.wrote != nil {
			t.wrote()
		}
		return false
	}
	return t.read(fd)
}

func (t *talk) read(fd uintptr) bool {
	for {
		n, err := sockets.Read(fd, t.in)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return false
		case err == nil && n == 0:
			err = io.EOF
		}
		t.got, t.err = max(n, 0), err
		return true
	}
}

// refused is that writing failed. A server that wants no more may have said so
// before it closed the connection: then there is an answer, and no error.
func (t *talk) refused(fd uintptr, err error) {
	if t.read(fd) && t.got > 0 {
		t.sent = len(t.out) // as far as anybody is concerned
		return
	}
	t.err = fmt.Errorf("send the request: %w", err)
}
