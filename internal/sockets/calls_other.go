//go:build !linux || race

package sockets

import "syscall"

// Read is read(2) on a non-blocking descriptor. p is not empty.
func Read(fd uintptr, p []byte) (int, error) { return syscall.Read(int(fd), p) }

// Write is write(2) on a non-blocking descriptor. p is not empty.
func Write(fd uintptr, p []byte) (int, error) { return syscall.Write(int(fd), p) }

// Peek is a read of one byte that leaves it where it is: nil when there is one,
// or the end; EAGAIN when there is neither.
func Peek(fd uintptr) error {
	var one [1]byte
	_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return err
}
