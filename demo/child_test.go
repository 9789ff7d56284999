package demo

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func gone(t *testing.T, dir string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("folder %q is still there", dir)
		}
	}
}

func newChild(t *testing.T, script string) *child {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "child")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := startChild(dir, os.Environ(), "/bin/sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAChildIsAskedToEnd(t *testing.T) {
	c := newChild(t, `trap 'echo asked; exit 0' TERM; echo started; while :; do sleep 0.05; done`)
	for !strings.Contains(c.logTail(), "started") {
		time.Sleep(10 * time.Millisecond)
	}
	log, err := os.Open(filepath.Join(c.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := c.stop(); err != nil {
		t.Fatal(err)
	}
	gone(t, c.dir)
	b := make([]byte, 100)
	n, err := log.Read(b)
	if got := string(b[:n]); err != nil || got != "started\nasked\n" {
		t.Errorf("the child said %q, %v; want it to have been asked to end", got, err)
	}
}

func TestAChildThatEndsByItselfSaysWhy(t *testing.T) {
	c := newChild(t, `echo "no such route"; exit 3`)
	<-c.ended
	if err := c.failed(); !strings.Contains(err.Error(), "ended (3)") || !strings.Contains(err.Error(), "no such route") {
		t.Errorf("error = %v, want the status and the log", err)
	}
	if err := c.stop(); err == nil {
		t.Error("stop of a failed child gave no error")
	}
	gone(t, c.dir)
}

const holding = "QUACK_DEMO_TEST_HOLDING" // a folder: the test program starts a child in it and waits

// hold starts a child and waits to be killed.
func hold(dir string) {
	if _, err := startChild(dir, os.Environ(), "/bin/sh", "-c", "echo started; while :; do sleep 0.05; done"); err != nil {
		panic(err)
	}
	select {}
}

func TestAChildDoesNotOutliveAKilledProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "child")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), holding+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for c := (&child{dir: dir}); !strings.Contains(c.logTail(), "started"); {
		time.Sleep(10 * time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	gone(t, dir) // the keeper removes it when the child has ended
}

func TestRunStopsEverythingWhenTheProxyDoesNotStart(t *testing.T) {
	temp, err := os.MkdirTemp("/tmp", "quack-t-") // short, for the database's socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o777); err != nil { // for the database's user
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temp)
	quack := filepath.Join(temp, "quack")
	if err := os.WriteFile(quack, []byte("#!/bin/sh\necho no store to be had\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	err = Run(t.Context(), Options{Once: true, Quack: quack, Log: &log})
	if err == nil || !strings.Contains(err.Error(), "quack serve ended (1):\nno store to be had") {
		t.Errorf("error = %v, want what the proxy said", err)
	}
	if !strings.Contains(log.String(), "demo: starting quack serve\n") {
		t.Errorf("the log does not say how far it came: %q", log.String())
	}
	left, err := os.ReadDir(temp)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v; want nothing besides the program", left, err)
	}
}

func TestAddressTakesAnotherPortThanOneInUse(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	used := ln.Addr().String()
	got, err := address(used)
	if err != nil || got == used {
		t.Errorf("address(%q) = %q, %v while it is in use", used, got, err)
	}
	ln.Close()
	if got, err := address(used); err != nil || got != used {
		t.Errorf("address(%q) = %q, %v, want it as asked for", used, got, err)
	}
}

func TestEnvironmentOfAnotherQuackIsLeftOut(t *testing.T) {
	got := environment([]string{"PATH=/bin", "QUACK_LISTEN=:80"}, map[string]string{"QUACK_ADMIN_TOKEN": "t"})
	if !slices.Equal(got, []string{"PATH=/bin", "QUACK_ADMIN_TOKEN=t"}) {
		t.Errorf("environment = %q", got)
	}
}

func TestOutputSaysWhatAProgramComplainedOf(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := output(t.Context(), os.Environ(), sh, "-c", "echo no proxy there >&2; exit 1"); err == nil || !strings.Contains(err.Error(), "no proxy there") {
		t.Errorf("error = %v, want what the program said", err)
	}
}
