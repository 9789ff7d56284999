package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// roleVariable says which part this program plays in a process that it has
// started itself.
const roleVariable = "SOAK_ROLE"

// startRole starts this program in a role. The process ends when its stdin
// does, and so with this one, however that ends.
func startRole(role, dir, name string, env ...string) (*exec.Cmd, io.Closer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), append(env, roleVariable+"="+role, "SOAK_DIR="+dir)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt of the terminal is for the soak alone
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	return cmd, stdin, cmd.Start()
}

// play is this program in a role; the result is the exit code.
func play(role string) int {
	dir := os.Getenv("SOAK_DIR")
	if role == "guard" {
		return playGuard(dir) // it outlives its parent, to end Quack
	}
	go endWithParent()
	switch role {
	case "shop":
		return playShop()
	case "ingest":
		return playIngest(dir)
	case "ducks":
		return playDucks()
	case "backend":
		return playBackend(dir)
	}
	fmt.Fprintf(os.Stderr, "no such role: %q\n", role)
	return 2
}

// endWithParent ends the process when the one that has started it is gone.
func endWithParent() {
	io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}

// guard is a process that ends Quack when the soak is killed.
type guard struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

func startGuard(dir string) (*guard, error) {
	cmd, stdin, err := startRole("guard", dir, "guard")
	if err != nil {
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	return &guard{cmd, stdin}, nil
}

func (g *guard) end() {
	g.stdin.Close()
	g.cmd.Wait()
}

func playGuard(dir string) int {
	bufio.NewReader(os.Stdin).ReadByte() // until the soak has ended
	if pid := readPID(filepath.Join(dir, "quack.pid")); pid != 0 {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	return 0
}
