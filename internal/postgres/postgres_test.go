package postgres

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

const crashing = "QUACK_POSTGRES_TEST_CRASHING"

func TestMain(m *testing.M) {
	if os.Getenv(crashing) != "" {
		crash()
	}
	goleak.VerifyTestMain(m)
}

func startForTest(t *testing.T, o Options) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStartServesAndStopLeavesNothing(t *testing.T) {
	t.Parallel()
	c := startForTest(t, Options{Password: "s3cret/?", Settings: map[string]string{"max_connections": "30"}})
	refuseOthers(t, c)
	ctx := t.Context()
	if err := c.CreateDatabase(ctx, `shop "1"`); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, c.DSN(`shop "1"`))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for name, want := range map[string]string{
		"wal_level": "logical", "max_prepared_transactions": "20", "fsync": "off",
		"max_connections": "30", "server_encoding": "UTF8", "listen_addresses": "127.0.0.1",
	} {
		var got string
		if err := conn.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if err := c.CreateDatabase(ctx, "dropped"); err != nil {
		t.Fatal(err)
	}
	user, err := pgx.Connect(ctx, c.DSN("dropped"))
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close(context.Background())
	if err := c.DropDatabase(ctx, "dropped"); err != nil {
		t.Fatal(err)
	}
	if err := user.Ping(ctx); err == nil {
		t.Error("a session outlived its database")
	}
	server := serverPid(t, c.Dir())
	// The session above is still open: stopping must not wait for it.
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if alive(server) {
		t.Errorf("server %d still runs after Stop", server)
	}
	if _, err := os.Stat(c.Dir()); !os.IsNotExist(err) {
		t.Errorf("folder %q is still there after Stop: %v", c.Dir(), err)
	}
	if err := c.Stop(); err == nil {
		t.Error("a second Stop gave no error")
	}
}

func TestAServerThatDoesNotStartSaysWhy(t *testing.T) {
	temp := ownTemp(t)
	_, err := Start(t.Context(), Options{Settings: map[string]string{"max_connections": "many"}})
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "max_connections": "many"`) {
		t.Errorf("error = %v, want the server's own words", err)
	}
	mustBeEmpty(t, temp)
}

func TestStartEndsWithItsContext(t *testing.T) {
	temp := ownTemp(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := Start(ctx, Options{}); err == nil {
		c.Stop()
		t.Fatal("started although the context was over")
	}
	mustBeEmpty(t, temp)
}

// refuseOthers holds a cluster with a password to asking for it over TCP.
func refuseOthers(t *testing.T, c *Cluster) {
	t.Helper()
	for reason, password := range map[string]string{"no": "", "another": ":other"} {
		dsn := fmt.Sprintf("postgres://postgres%s@127.0.0.1:%d/postgres?sslmode=disable", password, c.Port())
		if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
			conn.Close(t.Context())
			t.Errorf("a login with %s password came in", reason)
		}
	}
	if b, err := os.ReadFile(filepath.Join(c.Dir(), "password")); err == nil {
		t.Errorf("the password file is still there: %q", b)
	}
}

// ownTemp gives the test a temporary folder that the server's user reaches.
func ownTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "quack-t-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	return dir
}

func mustBeEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		t.Errorf("left behind: %s", entry.Name())
	}
}

// crash starts a cluster, says where, and waits to be killed.
func crash() {
	c, err := Start(context.Background(), Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(c.Dir())
	select {}
}

func TestAKilledProcessLeavesNothing(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), crashing+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	if _, err := fmt.Fscanln(out, &dir); err != nil || !filepath.IsAbs(dir) {
		t.Fatalf("the child did not start a cluster: %q, %v", dir, err)
	}
	server := serverPid(t, dir)
	if !alive(server) {
		t.Fatalf("server %d does not run", server)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	await(t, "the server to end", func() bool { return !alive(server) })
	await(t, "the folder to be removed", func() bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err)
	})
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20s for %s", what)
		}
	}
}

func serverPid(t *testing.T, dir string) int {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var pid int
	if _, err := fmt.Fscan(f, &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestFindPrefersWhatWasAskedFor(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("QUACK_PG_BIN", dir)
	if _, err := find(); err == nil || !strings.Contains(err.Error(), "QUACK_PG_BIN is "+fmt.Sprintf("%q", dir)) {
		t.Errorf("error = %v, want one that names QUACK_PG_BIN", err)
	}
	for _, name := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := find(); got != dir || err != nil {
		t.Errorf("find() = %q, %v; want %q", got, err, dir)
	}
	t.Setenv("QUACK_PG_BIN", "")
	t.Setenv("PATH", dir)
	if got, err := find(); got != dir || err != nil {
		t.Errorf("find() by PATH = %q, %v; want %q", got, err, dir)
	}
}

func TestNewest(t *testing.T) {
	for _, c := range []struct {
		reason string
		dirs   []string
		want   string
	}{
		{"none", nil, ""},
		{"as numbers, not as text", []string{"/usr/lib/postgresql/9.6/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/14/bin"}, "/usr/lib/postgresql/16/bin"},
		{"without a number is the oldest", []string{"/opt/postgresql@latest/bin", "/opt/postgresql@15/bin"}, "/opt/postgresql@15/bin"},
	} {
		if got := newest(c.dirs); got != c.want {
			t.Errorf("%s: newest(%q) = %q, want %q", c.reason, c.dirs, got, c.want)
		}
	}
}

func TestAKilledServerComesBack(t *testing.T) {
	c := startForTest(t, Options{Settings: map[string]string{"synchronous_commit": "on"}})
	busy, err := pgx.Connect(t.Context(), c.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close(context.Background())
	for _, sql := range []string{"CREATE TABLE kept (n int)", "BEGIN; CREATE TABLE lost (n int)"} {
		if _, err := busy.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := c.Kill(); err != nil {
			t.Fatal(err)
		}
		await(t, "nobody answers", func() bool {
			conn, err := pgx.Connect(t.Context(), c.DSN("postgres"))
			if err == nil {
				conn.Close(t.Context())
			}
			return err != nil
		})
		if err := c.Revive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := pgx.Connect(t.Context(), c.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var kept, lost bool
	if err := conn.QueryRow(t.Context(), "SELECT to_regclass('kept') IS NOT NULL, to_regclass('lost') IS NOT NULL").Scan(&kept, &lost); err != nil || !kept || lost {
		t.Errorf("after the crash: kept %v, lost %v (%v)", kept, lost, err)
	}
	if err := c.Restart(t.Context()); err != nil {
		t.Errorf("an ordinary restart: %v", err)
	}
}
