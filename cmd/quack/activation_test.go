package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quackproxy/quack/reports"
)

// bound is a listening socket of this test, as a service manager has them.
func bound(t *testing.T) (ln *net.TCPListener, f *os.File) {
	t.Helper()
	any, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln = any.(*net.TCPListener)
	if f, err = ln.File(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close(); f.Close() })
	return ln, f
}

// activated starts the binary as a service manager does, by way of a shell that
// knows its own process id.
func activated(names string, files ...*os.File) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		script := fmt.Sprintf(`LISTEN_PID=$$ LISTEN_FDS=%d LISTEN_FDNAMES=%s exec quack "$@"`, len(files), names)
		cmd.Args = append([]string{"sh", "-c", script}, cmd.Args...)
		cmd.Path = "/bin/sh"
		cmd.ExtraFiles = files
	}
}

// manager is the end of NOTIFY_SOCKET that a service manager reads.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	path string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t, conn, path}
}

func (m *manager) told() string {
	m.t.Helper()
	b := make([]byte, 1024)
	m.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, err := m.conn.Read(b)
	if err != nil {
		m.t.Fatalf("the service manager was told nothing: %v", err)
	}
	return string(b[:n])
}

// The sockets that are handed in are those that are served, before and after
// an upgrade, and the service manager is told of each step.
func TestActivation(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{}` })
	live, liveFile := bound(t)
	health, healthFile := bound(t)
	m := newManager(t)
	start := activated("live:health", liveFile, healthFile)
	l := &lineage{running: startPrepared(t, table(legacy, legacy, "", oneRoute), func(cmd *exec.Cmd) {
		start(cmd)
		cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.path)
	})}
	if got := m.told(); got != "READY=1" {
		t.Errorf("told %q", got)
	}
	check := func() {
		t.Helper()
		if l.url != "http://"+live.Addr().String() {
			t.Fatalf("it serves %s, not the socket that was handed in", l.url)
		}
		if status, _ := l.ask("GET", "/a", ""); status != 200 {
			t.Errorf("a request got %d", status)
		}
		res, err := http.Get("http://" + health.Addr().String() + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != 200 {
			t.Errorf("/readyz: %d", res.StatusCode)
		}
	}
	check()
	next := l.upgrade(l.pid())
	if got := m.told(); !strings.HasPrefix(got, "RELOADING=1\nMONOTONIC_USEC=") {
		t.Errorf("told %q", got)
	}
	if got := m.told(); got != fmt.Sprintf("MAINPID=%d\nREADY=1", next) {
		t.Errorf("told %q", got)
	}
	l.await(l.pid())
	check()
	l.end(next)
	if got := m.told(); got != "STOPPING=1" {
		t.Errorf("told %q", got)
	}
}

func TestActivationRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, one := bound(t)
	_, two := bound(t)
	plain, err := os.Create(filepath.Join(dir, "plain"))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	routes := filepath.Join(dir, "routes.yaml")
	if err := os.WriteFile(routes, []byte(table("http://127.0.0.1:1", "http://127.0.0.1:1", "", oneRoute)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reason, names, says string
		files               []*os.File
	}{
		{"a name that is none", "live:web", `a socket named "web"`, []*os.File{one, two}},
		{"one name twice", "live:live", `a socket named "live"`, []*os.File{one, two}},
		{"fewer names than sockets", "live", "does not name 2 sockets", []*os.File{one, two}},
		{"no socket", "live", "ListenStream=", []*os.File{plain}},
	} {
		cmd := exec.Command("quack", "serve", "--routes", routes, "--data", filepath.Join(dir, "data"), "--admin", "127.0.0.1:0")
		cmd.Env = append(os.Environ(), "QUACK_ADMIN_TOKEN="+testToken)
		activated(c.names, c.files...)(cmd)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.says) {
			t.Errorf("%s: %v\n%s", c.reason, err, out)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("the store was touched")
	}
}

// Two processes share an address when both ask for it, and not when one does.
func TestReusePort(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{}` })
	routes := table(legacy, legacy, "", oneRoute)
	first := start(t, routes, "--reuse-port")
	addr := strings.TrimPrefix(first.url, "http://")
	second := start(t, routes, "--reuse-port", "--listen", addr)
	if second.url != first.url {
		t.Fatalf("%s and %s", first.url, second.url)
	}
	cmd := exec.Command("quack", "serve", "--routes", first.routes, "--data", t.TempDir(), "--admin", "127.0.0.1:0", "--listen", addr)
	cmd.Env = append(os.Environ(), "QUACK_ADMIN_TOKEN="+testToken)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "address already in use") {
		t.Errorf("without the flag: %v\n%s", err, out)
	}
	served := func(q *running) (n int64) {
		list, err := q.client.Report(t.Context(), reports.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			n += r.Served
		}
		return n
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for deadline := time.Now().Add(time.Minute); served(first) == 0 || served(second) == 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d and %d requests served", served(first), served(second))
		}
		res, err := client.Get(first.url + "/a")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	first.cmd.Process.Signal(syscall.SIGTERM)
	<-first.exited
	if status, _ := second.ask("GET", "/a", ""); status != 200 {
		t.Errorf("the one that is left answers %d", status)
	}
}
