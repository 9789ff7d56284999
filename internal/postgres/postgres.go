// Package postgres runs a private, real PostgreSQL for tests and for the demo.
//
// Start with [Start], which finds the server's programs (and installs or
// fetches them when there are none), makes a cluster in a temporary folder and
// waits until it answers; [Cluster.DSN] says where. Tests take package pgtest,
// which shares one cluster per test process.
//
// A cluster is stopped and its folder removed by [Cluster.Stop], and just the
// same when this process is killed, as package keeper has it. No goroutine is
// left running.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/keeper"
)

// Options are how a cluster is made. The zero value is right for tests.
type Options struct {
	// Password of the user "postgres" over TCP. Without one every login is
	// trusted, so that anyone on this machine may come in as any user: right
	// for tests only.
	Password string
	// Settings are added to the server's, and win over the package's own. An empty
	// value leaves a setting to the server, where ALTER SYSTEM may change it.
	Settings map[string]string
	// Progress is told of work that takes long (an installation), a line
	// each. Default: nobody is told.
	Progress io.Writer
}

// Cluster is a running server. Safe for concurrent use.
type Cluster struct {
	bin      string // folder of the server's programs
	port     int
	password string
	settings map[string]string // over the package's own
	process  *keeper.Process
}

// The settings of every cluster: nothing is worth an fsync, and what logical
// decoding and two-phase transactions need is there.
var settings = map[string]string{
	"fsync":                     "off",
	"synchronous_commit":        "off",
	"full_page_writes":          "off",
	"wal_level":                 "logical",
	"max_prepared_transactions": "20",
	"max_slot_wal_keep_size":    "1GB",
	"max_connections":           "200",
	"listen_addresses":          "127.0.0.1",
	"jit":                       "off",
	"log_line_prefix":           "%m [%p] %q%a ",
}

const startTimeout = 60 * time.Second // initdb takes a second or two, more on a busy machine

// Start makes a cluster with an empty database "postgres" and waits until it
// answers. Without PostgreSQL on this machine it is installed with apt-get
// (as root on Debian or Ubuntu) or fetched, which takes minutes.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	bin, err := programs(ctx, o.Progress)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for range 5 {
		c, err := start(ctx, bin, o)
		// Between choosing a free port and binding it another process may
		// have taken it.
		if err == nil || !strings.Contains(err.Error(), "Address already in use") {
			return c, err
		}
	}
	return nil, errors.New("start PostgreSQL: each of 5 free ports was taken by another process before the server bound it")
}

func start(ctx context.Context, bin string, o Options) (*Cluster, error) {
	port, err := freePort()
	if err != nil {
		return nil, fmt.Errorf("find a free port for PostgreSQL: %w", err)
	}
	home, err := keeper.NewHome("PostgreSQL", "postgres")
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, port: port, password: o.Password, settings: maps.Clone(o.Settings)}
	initdb, err := c.initdb(home)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL of %q: %w", bin, err), home.Remove())
	}
	c.process, err = home.Start(ctx, keeper.Server{
		Prepare: initdb,
		Run:     append([]string{c.Program("postgres")}, c.arguments(home)...),
		Stop:    syscall.SIGINT, // a fast shutdown
		Kill:    syscall.SIGQUIT,
		Answers: func(ctx context.Context) error { return c.answers(ctx, home) },
	})
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL of %q: %w", bin, err)
	}
	return c, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// initdb is the command that makes the cluster, with the password in a file
// if there is one.
func (c *Cluster) initdb(home keeper.Home) ([]string, error) {
	command := []string{c.Program("initdb"), "-D", home.Path("data"), "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "--auth-local=trust"}
	if c.password == "" {
		return append(command, "--auth-host=trust"), nil
	}
	const file = "password"
	return append(command, "--auth-host=scram-sha-256", "--pwfile="+home.Path(file)), home.Write(file, c.password)
}

// arguments are the server's, in a stable order.
func (c *Cluster) arguments(home keeper.Home) []string {
	all := maps.Clone(settings)
	all["port"] = strconv.Itoa(c.port)
	all["unix_socket_directories"] = home.Dir
	maps.Copy(all, c.settings)
	args := []string{"-D", home.Path("data")}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "" {
			args = append(args, "-c", name+"="+all[name])
		}
	}
	return args
}

// answers asks the server on its own socket: on the port another server could
// answer.
func (c *Cluster) answers(ctx context.Context, home keeper.Home) error {
	conn, err := pgx.Connect(ctx, fmt.Sprintf("host=%s port=%d user=postgres dbname=postgres connect_timeout=2", home.Dir, c.port))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// Restart stops the server, whoever is connected, starts it again at the same
// port, and waits until it answers.
func (c *Cluster) Restart(ctx context.Context) error { return c.process.Restart(ctx) }

// Kill ends the server at once, as a crash of its machine would: it has no time
// to write anything, and its sessions end with it. It stays away until
// [Cluster.Revive].
func (c *Cluster) Kill() error { return c.process.Kill() }

// Revive starts a server again that was killed, at the same port, and waits
// until it has recovered and answers.
func (c *Cluster) Revive(ctx context.Context) error { return c.process.Revive(ctx) }

// Stop stops the server, whoever is connected, removes the cluster's folder
// and returns when both are gone. A second call returns an error.
func (c *Cluster) Stop() error { return c.process.Stop() }

// DSN is the URL of a database of the cluster, for its superuser, over TCP.
func (c *Cluster) DSN(db string) string {
	user := url.User("postgres")
	if c.password != "" {
		user = url.UserPassword("postgres", c.password)
	}
	u := url.URL{Scheme: "postgres", User: user, Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)), Path: "/" + db, RawQuery: "sslmode=disable"}
	return u.String()
}

// Port is the server's TCP port on 127.0.0.1.
func (c *Cluster) Port() int { return c.port }

// Dir is the cluster's folder: the server's socket and its log are there.
func (c *Cluster) Dir() string { return c.process.Dir }

// Program is the path of a program that comes with the server: psql, pgbench.
func (c *Cluster) Program(name string) string { return filepath.Join(c.bin, name) }

// Log is what the server has logged, "" when that can not be read.
func (c *Cluster) Log() string { return c.process.Log() }

// CreateDatabase makes an empty database.
func (c *Cluster) CreateDatabase(ctx context.Context, name string) error {
	if err := c.exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("create database %q: %w", name, err)
	}
	return nil
}

// DropDatabase removes a database, ending the sessions that use it.
func (c *Cluster) DropDatabase(ctx context.Context, name string) error {
	if err := c.exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop database %q: %w", name, err)
	}
	return nil
}

func (c *Cluster) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, c.DSN("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}
