//go:build unix

package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is whom the server runs as: this process's own user, or, since
// PostgreSQL refuses to be root, another one when that is root.
type account struct {
	drop     bool
	uid, gid int
}

func unprivileged() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return account{}, fmt.Errorf("user %q: %w", name, err)
		}
		return account{drop: true, uid: uid, gid: gid}, nil
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and there is neither a user \"postgres\" nor \"nobody\"\n  run this as another user, or add one: useradd --system postgres")
}

// folder makes the cluster's folder. A socket's path has some 100 bytes, and
// another user has to be able to reach it, so /tmp stands in for a long or a
// private temporary folder.
func (a account) folder() (string, error) {
	base := os.TempDir()
	if info, err := os.Stat(base); err != nil || len(base) > 60 || a.drop && info.Mode()&0o002 == 0 {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "quack-pg-")
	if err != nil {
		return "", err
	}
	if err := a.give(dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

// give makes the account the owner of a file.
func (a account) give(file string) error {
	if !a.drop {
		return nil
	}
	return os.Chown(file, a.uid, a.gid)
}

// attributes start a process as the account, in a session of its own.
func (a account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.drop {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// killSession ends a process that leads its session, and those in its group.
func killSession(pid int) { syscall.Kill(-pid, syscall.SIGKILL) }
