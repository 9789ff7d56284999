package front

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// gone reports whether the client has closed its end or the connection is
// broken. It takes nothing off the stream, and sees it also behind data that
// nobody has read yet.
func gone(c net.Conn) bool {
	return polled(c, unix.POLLRDHUP) != 0
}

// arrived reports whether something can be read, the end included.
func arrived(c net.Conn) bool {
	return polled(c, unix.POLLIN) != 0
}

func polled(c net.Conn, events int16) (seen int16) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		if n, err := unix.Poll(fds, 0); err == nil && n > 0 {
			seen = fds[0].Revents
		}
	})
	return seen
}
