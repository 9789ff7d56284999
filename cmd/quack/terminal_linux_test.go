package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a process on a terminal of its own.
type terminal struct {
	t    *testing.T
	cmd  *exec.Cmd
	keys *os.File // what is written here was typed

	mu     sync.Mutex
	output bytes.Buffer
	read   chan struct{}
}

// onTerminal starts a verb against q on a terminal of so many columns and lines:
// what it prints, and what it says of errors.
func (q *running) onTerminal(t *testing.T, columns, lines uint16, args ...string) *terminal {
	t.Helper()
	cmd := exec.Command("quack", append(args, "--admin", strings.TrimPrefix(q.client.Base, "http://"))...)
	cmd.Env = append(os.Environ(), "QUACK_ADMIN_TOKEN="+testToken, "NO_COLOR=")
	return onTerminal(t, columns, lines, cmd)
}

func onTerminal(t *testing.T, columns, lines uint16, cmd *exec.Cmd) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: lines}); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &terminal{t: t, cmd: cmd, keys: master, read: make(chan struct{})}
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = slave, slave, slave
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	go func() {
		defer close(s.read)
		defer master.Close()
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf) // EIO when nobody has the other end any more
			s.mu.Lock()
			s.output.Write(buf[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait(); <-s.read })
	return s
}

func (s *terminal) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()
}

// sees waits until the terminal was sent these, in this order.
func (s *terminal) sees(wants ...string) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		rest, missing := s.text(), ""
		for _, want := range wants {
			_, after, found := strings.Cut(rest, want)
			if !found {
				missing = want
				break
			}
			rest = after
		}
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the terminal is never sent %q:\n%q", missing, s.text())
		}
	}
}

// interrupt ends the process as Ctrl-C does; it must end well.
func (s *terminal) interrupt() {
	s.t.Helper()
	s.cmd.Process.Signal(os.Interrupt)
	s.ends(0)
}

// ends waits for the end of the process.
func (s *terminal) ends(code int) {
	s.t.Helper()
	err := s.cmd.Wait()
	<-s.read
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("code %d (%v), want %d:\n%q", got, err, code, s.text())
	}
}
