package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lockFolder takes the folder for this process until the file is closed or the
// process ends in whatever way. The file stays behind: removing it would let
// two processes lock two files of one name.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, unwritable(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s has it open\nstop that process, or give this one a folder of its own with --data", holder(f))
		}
		return nil, fmt.Errorf("lock %q: %w\nthe data folder needs a file system with file locks", f.Name(), err)
	}
	sign(f)
	return f, nil
}

// inheritLock takes over a lock that another process has taken and passed on:
// a lock of flock(2) is of the open file, which both have now, and ends when
// neither has it any more. It must be the folder's own, so that no third
// process is let in.
func inheritLock(dir string, f *os.File) error {
	path := filepath.Join(dir, lockName)
	own, err := os.Stat(path)
	if err != nil {
		return err
	}
	got, err := f.Stat()
	if err != nil {
		return fmt.Errorf("the inherited lock: %w", err)
	}
	if !os.SameFile(own, got) {
		return fmt.Errorf("the inherited lock is not %q\nstop the process that has started this one, and start it anew", path)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("the inherited lock of %q is held by %s: %w", path, holder(f), err)
	}
	return nil
}

// sign writes this process's id into the lock file, for the message that
// others get. A lock without a readable pid still holds.
func sign(f *os.File) {
	if err := f.Truncate(0); err == nil {
		f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
}

// holder names the process that has written its pid into the lock file.
func holder(f *os.File) string {
	b := make([]byte, 20)
	n, _ := f.ReadAt(b, 0)
	if pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n]))); err == nil {
		return fmt.Sprintf("another Quack (process %d)", pid)
	}
	return "another Quack"
}
