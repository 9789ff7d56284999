package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	crawlHeld = 1350 * time.Millisecond // of the store, by another
	crawlFree = 150 * time.Millisecond  // after that: longer than SQLite waits between two tries
)

// writerByte is the byte of the file of a write-ahead log's index that whoever
// writes has locked (SQLite, "WAL-mode File Format", section 2.3.1).
const writerByte = 120

// standStill keeps everybody from writing to the store, for a while. Readers
// are let be.
func standStill(ctx context.Context, dir string, d time.Duration) error {
	f, err := os.OpenFile(filepath.Join(dir, "data", "quack.db-shm"), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("hold the store up: %w", err)
	}
	defer f.Close() // gives the lock up
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: writerByte, Len: 1}
	for { // a batch may be under way
		err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock)
		if err == nil {
			sleep(ctx, d)
			return nil
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			return fmt.Errorf("hold the store up: %w", err)
		}
		if sleep(ctx, time.Millisecond) != nil {
			return nil
		}
	}
}

// crawl lets a batch through now and then, until ctx ends.
func crawl(ctx context.Context, dir string) error {
	for ctx.Err() == nil {
		if err := standStill(ctx, dir, crawlHeld); err != nil {
			return err
		}
		sleep(ctx, crawlFree)
	}
	return nil
}

// disk is the small one that a data folder is on. Where this process may not
// mount one, files are kept from growing instead.
type disk struct {
	data    string
	mounted bool
	pid     int // of the process whose files are kept from growing
}

// smallDisk makes the data folder in dir one of so many bytes.
func smallDisk(dir string, bytes int) (*disk, error) {
	d := &disk{data: filepath.Join(dir, "data")}
	if err := os.Mkdir(d.data, 0o700); err != nil {
		return nil, err
	}
	err := unix.Mount("tmpfs", d.data, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", bytes))
	d.mounted = err == nil
	if err != nil && !errors.Is(err, unix.EPERM) {
		return nil, fmt.Errorf("mount a small disk: %w", err)
	}
	return d, nil
}

func (d *disk) remove() error {
	if !d.mounted {
		return nil
	}
	if err := unix.Unmount(d.data, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount the small disk: %w", err)
	}
	return nil
}

func (d *disk) String() string {
	if d.mounted {
		return "no space left on its disk"
	}
	return "its files at their limit (a small disk needs the right to mount)"
}

// ballast is the file that takes the space.
func (d *disk) ballast() string { return filepath.Join(d.data, "ballast") }

// fill leaves no space. pid is the process that writes.
func (d *disk) fill(pid int) error {
	if !d.mounted {
		d.pid = pid
		info, err := os.Stat(filepath.Join(d.data, "quack.db-wal"))
		if err != nil {
			return err
		}
		return d.limit(uint64(info.Size()))
	}
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 4096)); errors.Is(err, unix.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// free gives the space back.
func (d *disk) free() error {
	if !d.mounted {
		return d.limit(unix.RLIM_INFINITY)
	}
	return os.Remove(d.ballast())
}

func (d *disk) limit(bytes uint64) error {
	if err := unix.Prlimit(d.pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}, nil); err != nil {
		return fmt.Errorf("limit the files of process %d: %w", d.pid, err)
	}
	return nil
}
