//go:build linux && !race

package sockets

import (
	"syscall"
	"unsafe"
)

// Read is read(2) on a non-blocking descriptor. p is not empty.
func Read(fd uintptr, p []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return done(n, errno)
}

// Write is write(2) on a non-blocking descriptor. p is not empty.
func Write(fd uintptr, p []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return done(n, errno)
}

// Peek is a read of one byte that leaves it where it is: nil when there is one,
// or the end; EAGAIN when there is neither.
func Peek(fd uintptr) error {
	var one [1]byte
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&one)), 1,
		syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
	_, err := done(0, errno)
	return err
}

func done(n uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
