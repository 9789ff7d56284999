//go:build unix

package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockInstall waits until no other process of this user is installing: test
// packages run side by side, and each may find PostgreSQL missing. The lock
// ends with the process at the latest.
func lockInstall() (release func(), err error) {
	name := filepath.Join(os.TempDir(), fmt.Sprintf("quack-postgres-%d.lock", os.Geteuid()))
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the installation of PostgreSQL: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the installation of PostgreSQL: %w", err)
	}
	return func() { f.Close() }, nil
}
