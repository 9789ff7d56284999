//go:build unix && !linux

package front

import (
	"errors"
	"net"
	"syscall"
)

// gone reports whether the client has closed its end or the connection is
// broken. It takes nothing off the stream. Behind data that nobody has read
// yet it can not see.
func gone(c net.Conn) bool {
	n, err := peeked(c)
	return err == nil && n == 0 || err != nil && !errors.Is(err, syscall.EAGAIN)
}

// arrived reports whether something can be read, the end included.
func arrived(c net.Conn) bool {
	_, err := peeked(c)
	return err == nil
}

func peeked(c net.Conn) (n int, err error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return 0, syscall.EAGAIN
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, syscall.EAGAIN
	}
	var one [1]byte
	failed := raw.Control(func(fd uintptr) {
		n, _, err = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	if failed != nil {
		return 0, syscall.EAGAIN
	}
	return n, err
}
