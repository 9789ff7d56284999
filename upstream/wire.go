package upstream

import (
	"net"
	"sync/atomic"
	"syscall"

	"github.com/quackproxy/quack/internal/sockets"
)

// wire is a TCP connection that counts what was written to it: the bytes of
// TLS, where that lies over it.
type wire struct {
	net.Conn                 // TCP
	raw      syscall.RawConn // nil where there is none
	written  atomic.Int64    // bytes that the kernel has taken

	// Owned by the goroutine that is in converse.
	talk talk
	step func(fd uintptr) bool // talk's, bound once
}

func newWire(c net.Conn) *wire {
	c = sockets.New(c)
	w := &wire{Conn: c}
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			w.raw = raw
		}
	}
	return w
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.written.Add(int64(n))
	return n, err
}

// CloseWrite says that nothing more will be written.
func (w *wire) CloseWrite() error {
	return w.Conn.(interface{ CloseWrite() error }).CloseWrite()
}
