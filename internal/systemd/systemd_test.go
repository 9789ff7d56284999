package systemd

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// placed puts a copy of each file at successive descriptors, and returns the
// first of these.
func placed(t *testing.T, files ...*os.File) int {
	t.Helper()
	const first = 200
	for i, f := range files {
		if err := unix.Dup2(int(f.Fd()), first+i); err != nil {
			t.Fatal(err)
		}
	}
	return first
}

func listening(t *testing.T) (net.Listener, *os.File) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close(); f.Close() })
	return ln, f
}

func TestSocketsHaveTheirNames(t *testing.T) {
	a, aFile := listening(t)
	b, bFile := listening(t)
	got, err := sockets(placed(t, aFile, bFile), "2", "live:admin")
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(got)
	for i, want := range []struct {
		name string
		ln   net.Listener
	}{{"live", a}, {"admin", b}} {
		if got[i].Name != want.name || got[i].Addr().String() != want.ln.Addr().String() {
			t.Errorf("socket %d is %q at %s, want %q at %s", i, got[i].Name, got[i].Addr(), want.name, want.ln.Addr())
		}
	}
}

func TestSocketsRefused(t *testing.T) {
	_, ln := listening(t)
	plain, err := os.Create(filepath.Join(t.TempDir(), "plain"))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	for _, c := range []struct {
		reason, count, names, says string
		files                      []*os.File
	}{
		{"no number", "two", "", `LISTEN_FDS="two"`, nil},
		{"below zero", "-1", "", `LISTEN_FDS="-1"`, nil},
		{"names do not fit", "1", "live:admin", "does not name 1 sockets", []*os.File{ln}},
		{"a plain file after a socket", "2", "live:admin", `socket 2 ("admin")`, []*os.File{ln, plain}},
	} {
		if got, err := sockets(placed(t, c.files...), c.count, c.names); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v %v", c.reason, got, err)
		}
	}
}

func TestSocketsOfAnotherProcess(t *testing.T) {
	t.Setenv("LISTEN_PID", fmt.Sprint(os.Getpid()+1))
	t.Setenv("LISTEN_FDS", "1")
	if got, err := Sockets(); got != nil || err != nil {
		t.Errorf("%v %v", got, err)
	}
	if _, set := os.LookupEnv("LISTEN_FDS"); set {
		t.Error("the environment still says so")
	}
}

func TestNotify(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if err := Notify(Ready); err != nil {
		t.Errorf("without a service manager: %v", err)
	}
	for _, addr := range []string{filepath.Join(t.TempDir(), "notify"), fmt.Sprintf("@quack-test-%d", os.Getpid())} {
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: addr, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("NOTIFY_SOCKET", addr)
		if err := Notify(MainPID(7), Ready); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		n, err := conn.Read(b)
		if err != nil || string(b[:n]) != "MAINPID=7\nREADY=1" {
			t.Errorf("%s: told %q, %v", addr, b[:n], err)
		}
		conn.Close()
		if err := Notify(Ready); err == nil {
			t.Errorf("%s: no error when nobody listens", addr)
		}
	}
}
