//go:build unix

package sqlshadow_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/quackproxy/quack/txshadow/sqlshadow"
)

// pooler starts a PgBouncer before dsn and returns the DSN that leads through
// it.
func pooler(t *testing.T, dsn, mode, more string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/pgbouncer"); err != nil {
			t.Skip("pgbouncer is not installed")
		}
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "quack-pooler-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	config := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n* = host=%s port=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = any\n"+
		"pool_mode = %s\nignore_startup_parameters = extra_float_digits\n%s\n", u.Hostname(), u.Port(), addr.Port, mode, more)
	text = strings.Replace(text, "host="+u.Hostname()+" port="+u.Port(), "host="+u.Hostname()+" port="+u.Port()+" user=postgres", 1)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, config)
	cmd.SysProcAttr = unprivileged(t, dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", addr.String()); err == nil {
			conn.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("pgbouncer does not listen")
		}
	}
	u.Host = addr.String()
	return u.String()
}

// unprivileged is how a program is started that refuses to be root's.
func unprivileged(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// plainPGX prepares nothing, which PgBouncer would share.
func plainPGX(t testing.TB, dsn string) driver.Connector {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	return stdlib.GetConnector(*cfg)
}

// unknown is a driver that does not show what the login has announced.
func unknown(t testing.TB, dsn string) driver.Connector { return hiding{overPQ(t, dsn)} }

type hiding struct{ driver.Connector }

func (h hiding) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := h.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &hidden{conn.(everything)}, nil
}

// everything is what lib/pq's connections can.
type everything interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type hidden struct{ everything }

// Behind a pooler that shares sessions a shadow is refused, and no setting of
// it reaches live work; with DirectConnector it runs.
func TestBehindAPooler(t *testing.T) {
	for i, c := range []struct {
		more string
		over func(t testing.TB, dsn string) driver.Connector
	}{{"", overPQ}, {"", plainPGX}, {"", unknown}, {"server_round_robin = 1", unknown}} {
		direct, more := sharedPostgres(t), c.more
		through := pooler(t, direct, "transaction", more)
		write := func(s *service, w http.ResponseWriter, r *http.Request) { s.db.ExecContext(r.Context(), insert) }
		s := serve(t, onPQ, write, withConfig(func(set *sqlshadow.Config) { set.Connector = c.over(t, through) }))
		for range 3 {
			if out := s.shadow("/"); out.ack.Reason != "unsupported:arm" || !strings.Contains(s.logs.String(), "Config.DirectConnector") {
				t.Errorf("%q %q\n%s", more, out.ack.Reason, s.logs)
			}
		}
		if _, err := s.db.Exec(insert); err != nil {
			t.Fatalf("%d: live work met a shadow's settings: %v\n%s", i, err, s.logs)
		}

		s = serve(t, onPQ, write, withConfig(func(set *sqlshadow.Config) {
			set.Connector, set.DirectConnector = c.over(t, through), c.over(t, direct)
		}))
		if out := s.shadow("/"); out.ack.Reason != "" || out.ack.Footprint == nil {
			t.Errorf("%q\n%s", out.ack.Reason, s.logs)
		}
	}
}
