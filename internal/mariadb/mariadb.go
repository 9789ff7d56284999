//go:build unix

// Package mariadb runs a private, real MariaDB for tests.
//
// [Start] finds the server's programs, makes a data folder in a temporary one
// and waits until the server answers on its socket: it listens on no port.
// [Server.Stop] stops it; package keeper says what it does otherwise.
package mariadb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"syscall"
	"time"

	"github.com/quackproxy/quack/internal/keeper"
)

// Server is a running server.
type Server struct{ process *keeper.Process }

// ErrMissing says that MariaDB is not on this machine.
var ErrMissing = errors.New("MariaDB is not installed\n  on Debian: apt-get install mariadb-server, or scripts/setup")

const startTimeout = 90 * time.Second // a data folder takes some seconds, more on a busy machine

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
	home, err := keeper.NewHome("MariaDB", "mysql")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	data := "--datadir=" + home.Path("data")
	process, err := home.Start(ctx, keeper.Server{
		Prepare: []string{install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db"},
		Run: []string{
			daemon, "--no-defaults", data, "--socket=" + socket(home), "--pid-file=" + home.Path("pid"), "--skip-networking",
			"--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--character-set-server=utf8mb4",
		},
		Stop:    syscall.SIGTERM,
		Kill:    syscall.SIGKILL,
		Answers: func(context.Context) error { return greets(socket(home)) },
	})
	if err != nil {
		return nil, fmt.Errorf("start MariaDB: %w", err)
	}
	return &Server{process}, nil
}

// greets waits for the server's first byte. It listens before it takes
// connections, and a signal in between is lost with all that follow it: it then
// would have to be killed.
func greets(socket string) error {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
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

func socket(home keeper.Home) string { return home.Path("sock") }

// Socket is where the server listens.
func (s *Server) Socket() string { return socket(s.process.Home) }

// Stop stops the server, removes its folder and returns when both are gone. A
// second call returns an error.
func (s *Server) Stop() error { return s.process.Stop() }
