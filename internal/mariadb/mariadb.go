//go:build unix

// Package mariadb runs a private, real MariaDB for tests.
//
// [Start] finds the server's programs, makes a data folder in a temporary one
// and waits until the server answers on its socket: it listens on no port. The
// server is stopped and the folder removed by [Server.Stop], and just the same
// when this process is killed: a small shell process owns both and ends with
// the pipe that this process holds open. No goroutine is left running.
package mariadb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server is a running server.
type Server struct {
	dir  string
	cmd  *exec.Cmd // the keeper
	hold *os.File  // write end of the keeper's input; closing it stops the server
	said *os.File  // read end of the keeper's output; ends with the keeper
}

// ErrMissing says that MariaDB is not on this machine.
var ErrMissing = errors.New("MariaDB is not installed\n  on Debian: apt-get install mariadb-server, or scripts/setup")

const (
	startTimeout = 90 * time.Second // a data folder takes some seconds, more on a busy machine
	stopTimeout  = 30 * time.Second
)

// keeper makes the data folder, runs the server and waits, as the keeper of
// package postgres does.
const keeper = `
install=$1 server=$2 dir=$3
exec 3<&0 </dev/null
umask 077
end() {
	[ "$1" -eq 0 ] || tail -n 20 "$dir/log"
	rm -rf "$dir"
	exit "$1"
}
"$install" --no-defaults --datadir="$dir/data" --auth-root-authentication-method=normal --skip-test-db >"$dir/log" 2>&1 3<&- || end 1
"$server" --no-defaults --datadir="$dir/data" --socket="$dir/sock" --pid-file="$dir/pid" --skip-networking \
	--innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=32M --character-set-server=utf8mb4 >>"$dir/log" 2>&1 3<&- &
pid=$!
{
	cat <&3
	tries=0
	while [ "$tries" -lt 50 ] && kill -TERM "$pid"; do
		tries=$((tries + 1))
		sleep 0.1
	done
	kill -KILL "$pid"
} >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$pid"
status=$?
kill "$watch" 2>/dev/null
end "$status"
`

// Start makes a server without databases of its own and with one user, "root"
// without a password, and waits until it answers.
func Start(ctx context.Context) (*Server, error) {
	install, err := program("mariadb-install-db", "mysql_install_db")
	if err != nil {
		return nil, err
	}
	daemon, err := program("mariadbd", "mysqld")
	if err != nil {
		return nil, err
	}
	s := &Server{}
	if s.dir, err = os.MkdirTemp("/tmp", "quack-maria-"); err != nil { // a socket's path has some 100 bytes
		return nil, err
	}
	if err := s.keep(install, daemon); err != nil {
		os.RemoveAll(s.dir)
		return nil, fmt.Errorf("start MariaDB: %w", err)
	}
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start MariaDB: %w", err), s.Stop())
	}
	return s, nil
}

func program(names ...string) (string, error) {
	for _, name := range names {
		for _, dir := range []string{"", "/usr/sbin/", "/usr/local/sbin/", "/usr/local/bin/"} {
			if path, err := exec.LookPath(dir + name); err == nil {
				return path, nil
			}
		}
	}
	return "", ErrMissing
}

// keep starts the keeper, as another user when this process is root's: the
// server refuses to be.
func (s *Server) keep(install, daemon string) error {
	input, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	defer input.Close()
	said, output, err := os.Pipe()
	if err != nil {
		return errors.Join(err, hold.Close())
	}
	defer output.Close()
	cmd := exec.Command("/bin/sh", "-c", keeper, "quack-mariadb", install, daemon, s.dir)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin", "LC_ALL=C", "HOME=" + s.dir}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := s.drop(cmd.SysProcAttr); err != nil {
		return errors.Join(err, hold.Close(), said.Close())
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, hold.Close(), said.Close())
	}
	s.cmd, s.hold, s.said = cmd, hold, said
	return nil
}

func (s *Server) drop(attr *syscall.SysProcAttr) error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"mysql", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if err := errors.Join(uidErr, gidErr, os.Chown(s.dir, uid, gid)); err != nil {
			return fmt.Errorf("user %q: %w", name, err)
		}
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return nil
	}
	return errors.New("MariaDB refuses to run as root, and there is neither a user \"mysql\" nor \"nobody\"")
}

// ready waits until the server takes connections, or the keeper has given up.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var said strings.Builder
	buf := make([]byte, 4096)
	for {
		s.said.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		n, err := s.said.Read(buf)
		said.Write(buf[:n])
		switch {
		case errors.Is(err, io.EOF):
			return fmt.Errorf("the server ended at once:\n%s", strings.TrimSpace(said.String()))
		case ctx.Err() != nil:
			return fmt.Errorf("no answer from the server: %w", ctx.Err())
		}
		if conn, err := net.Dial("unix", s.Socket()); err == nil {
			return conn.Close()
		}
	}
}

// Socket is where the server listens.
func (s *Server) Socket() string { return filepath.Join(s.dir, "sock") }

// Stop stops the server, removes its folder and returns when both are gone. A
// second call returns an error.
func (s *Server) Stop() error {
	if err := s.hold.Close(); err != nil {
		return fmt.Errorf("stop MariaDB: %w", err)
	}
	defer s.said.Close()
	s.said.SetReadDeadline(time.Now().Add(stopTimeout))
	_, late := io.Copy(io.Discard, s.said)
	if late != nil {
		syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		os.RemoveAll(s.dir)
	}
	if err := errors.Join(late, s.cmd.Wait()); err != nil {
		return fmt.Errorf("stop MariaDB: %w", err)
	}
	return nil
}
