//go:build unix

// Package keeper runs a private, real server beside this process: a database
// for tests or for the demo.
//
// [NewHome] makes a folder for it, and [Home.Start] makes the server's data in
// it, starts the server and waits until it answers. The server is stopped and
// the folder removed by [Process.Stop], and just the same when this process is
// killed: a small shell process, the keeper, owns both and ends with the pipe
// that this process holds open. No goroutine is left running.
package keeper

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Home is a folder for a server, and whom the server is to run as: this
// process's own user, or another one when that is root, which database servers
// refuse to be.
type Home struct {
	Dir string

	server   string // for errors: "PostgreSQL"
	drop     bool
	uid, gid int
}

// NewHome makes a folder for the server of that name ("PostgreSQL"). When this
// process is root's, the folder belongs to the user called account, or else to
// nobody. Its path is short enough for a socket in it.
func NewHome(server, account string) (Home, error) {
	h := Home{server: server}
	if err := h.choose(account, "nobody"); err != nil {
		return Home{}, err
	}
	// A socket's path has some 100 bytes, and another user has to be able to
	// reach it, so /tmp stands in for a long or a private temporary folder.
	base := os.TempDir()
	if info, err := os.Stat(base); err != nil || len(base) > 60 || h.drop && info.Mode()&0o002 == 0 {
		base = "/tmp"
	}
	var err error
	if h.Dir, err = os.MkdirTemp(base, "quack-"+account+"-"); err == nil {
		err = h.give(h.Dir)
	}
	if err != nil {
		return Home{}, fmt.Errorf("make a folder for %s: %w", server, errors.Join(err, h.Remove()))
	}
	return h, nil
}

// choose finds whom the server is to run as.
func (h *Home) choose(names ...string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return fmt.Errorf("user %q: %w", name, err)
		}
		h.drop, h.uid, h.gid = true, uid, gid
		return nil
	}
	return fmt.Errorf("%s refuses to run as root, and there is neither a user %q nor %q\n  run this as another user, or add one: useradd --system %[2]s", h.server, names[0], names[1])
}

// give makes the server's user the owner of a file.
func (h Home) give(file string) error {
	if !h.drop {
		return nil
	}
	return os.Chown(file, h.uid, h.gid)
}

// Path is where a file of that name is.
func (h Home) Path(name string) string { return filepath.Join(h.Dir, name) }

// Write writes a file that the server's user alone may read.
func (h Home) Write(name, text string) error {
	if err := os.WriteFile(h.Path(name), []byte(text), 0o600); err != nil {
		return err
	}
	return h.give(h.Path(name))
}

// Log is what has been said by what made the data and by the server, "" when
// that can not be read.
func (h Home) Log() string {
	b, err := os.ReadFile(h.Path("log"))
	if err != nil {
		return ""
	}
	return string(b)
}

// Remove removes a folder in which nothing was started.
func (h Home) Remove() error { return os.RemoveAll(h.Dir) }

// attributes start a process as the server's user, in a session of its own, so
// that neither the terminal's interrupt nor its hang-up reach the server: who
// uses it decides when it stops.
func (h Home) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if h.drop {
		attr.Credential = &syscall.Credential{Uid: uint32(h.uid), Gid: uint32(h.gid)}
	}
	return attr
}
