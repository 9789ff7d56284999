package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quackproxy/quack/admin"
)

// lineage is a quack process that is upgraded in the course of a test, and the
// processes that take over from it.
type lineage struct {
	*running
	binary  string // a link, which a test may replace
	pidFile string
}

// startLineage runs quack serve by a link to the binary.
func startLineage(t *testing.T, table string, flags ...string) *lineage {
	t.Helper()
	// Orphans become children of this process, so that their ends can be seen.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	real, err := exec.LookPath("quack")
	if err != nil {
		t.Fatal(err)
	}
	l := &lineage{binary: filepath.Join(t.TempDir(), "quack"), pidFile: filepath.Join(t.TempDir(), "quack.pid")}
	if err := os.Symlink(real, l.binary); err != nil {
		t.Fatal(err)
	}
	l.running = startPrepared(t, table, func(cmd *exec.Cmd) {
		cmd.Path = l.binary
		cmd.Env = append(cmd.Env, "PATH="+filepath.Dir(l.binary)+":"+os.Getenv("PATH"))
	}, append([]string{"--pid-file", l.pidFile}, flags...)...)
	return l
}

// replace puts a shell script in the place of the binary; none puts it back.
func (l *lineage) replace(script string) {
	l.t.Helper()
	real, err := exec.LookPath("quack")
	if err != nil {
		l.t.Fatal(err)
	}
	next := l.binary + ".new"
	if script == "" {
		err = os.Symlink(real, next)
	} else {
		err = os.WriteFile(next, []byte("#!/bin/sh\n"+strings.ReplaceAll(script, "QUACK", real)+"\n"), 0o755)
	}
	if err == nil {
		err = os.Rename(next, l.binary)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lineage) signal(pid int, s syscall.Signal) {
	l.t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		l.t.Fatalf("signal %v to %d: %v\n%s", s, pid, err, l.logged())
	}
}

func (l *lineage) status() admin.Status {
	l.t.Helper()
	s, err := l.client.Status(context.Background())
	if err != nil {
		l.t.Fatalf("status: %v\n%s", err, l.logged())
	}
	return s
}

// eventually waits for something that is seen from outside.
func (l *lineage) eventually(what string, ok func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	l.t.Fatalf("not seen: %s\n%s", what, l.logged())
}

// upgrade sends SIGUSR2 to pid and returns the process that has taken over.
func (l *lineage) upgrade(pid int) int {
	l.t.Helper()
	l.signal(pid, syscall.SIGUSR2)
	return l.heirOf(pid)
}

func (l *lineage) heirOf(pid int) (heir int) {
	l.t.Helper()
	l.eventually(fmt.Sprintf("another process than %d", pid), func() bool {
		s, err := l.client.Status(context.Background())
		if err == nil {
			heir = s.Handover.PID
		}
		return err == nil && heir != pid
	})
	l.t.Cleanup(func() { l.end(heir) })
	http.DefaultClient.CloseIdleConnections() // the old process would wait for them
	return heir
}

// end stops a process that has taken over; it must end well.
func (l *lineage) end(pid int) {
	l.t.Helper()
	syscall.Kill(pid, syscall.SIGTERM)
	if code := l.await(pid); code > 0 {
		l.t.Errorf("process %d ended with code %d\n%s", pid, code, l.logged())
	}
}

// await waits for the end of a process and returns its exit code: -1 for one
// that was killed, and -2 for one whose end was seen before.
func (l *lineage) await(pid int) int {
	l.t.Helper()
	if pid == l.cmd.Process.Pid {
		select {
		case <-l.exited:
			return l.state.ExitCode()
		case <-time.After(45 * time.Second):
			l.t.Fatalf("process %d does not end\n%s", pid, l.logged())
		}
	}
	for deadline := time.Now().Add(45 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil)
		switch {
		case got == pid:
			return status.ExitStatus()
		case err == syscall.ECHILD && gone(pid):
			return -2
		}
	}
	syscall.Kill(pid, syscall.SIGKILL)
	l.t.Fatalf("process %d does not end\n%s", pid, l.logged())
	return 0
}

// gone reports whether a process has ended, its parent having been told or not.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(stat), ") ")
	return err != nil || strings.HasPrefix(after, "Z")
}

func (l *lineage) pid() int { return l.cmd.Process.Pid }

func (l *lineage) inPIDFile() string {
	b, _ := os.ReadFile(l.pidFile)
	return strings.TrimSpace(string(b))
}

// child is the process that the first one has started.
func (l *lineage) child() (pid int) {
	l.t.Helper()
	l.eventually("a new process", func() bool {
		_, after, found := strings.Cut(l.logged(), "new_pid=")
		if found {
			fmt.Sscan(after, &pid)
		}
		return found
	})
	return pid
}
