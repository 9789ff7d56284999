package handover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// variable is the environment variable that says which files the new process
// has, and where: "v1 pid=7 link=3 live=4 lock=5".
const (
	variable = "QUACK_HANDOVER"
	version  = "v1"
)

// firstFile is the first descriptor after the standard ones.
const firstFile = 3

// Command is what to start.
type Command struct {
	Path  string              // of the binary
	Args  []string            // with the name of the program
	Env   []string            // as os.Environ gives it
	Files map[string]*os.File // what the new process inherits, by name (letters); they stay the caller's
}

// Binary is the path of the program that arg0, the first argument of this
// process, names now: the file may have been replaced, or a link to it set to
// another, since the process began. A path at which there is no program is an
// error: to start the old one again would look like an upgrade. A mere name
// that is not in PATH stands for the binary that runs.
func Binary(arg0 string) (string, error) {
	path, err := exec.LookPath(arg0)
	if err != nil {
		if strings.ContainsRune(arg0, filepath.Separator) {
			return "", fmt.Errorf("find the binary to start: %w\n  put a program there that this user may run", err)
		}
		if path, err = os.Executable(); err != nil {
			return "", fmt.Errorf("find the binary of this process: %w", err)
		}
	}
	return filepath.Abs(path)
}

// Successor is the new process, seen by the old one. Its steps are called in
// their order, by one goroutine; after an error, Kill.
type Successor struct {
	PID     int
	process *os.Process
	link    *link
}

// Start starts the new process.
func Start(c Command) (*Successor, error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make the link to the new process: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "link")
	defer theirs.Close()
	ours, err := newLink(os.NewFile(uintptr(pair[0]), "link"))
	if err != nil {
		return nil, err
	}
	files := []*os.File{os.Stdin, os.Stdout, os.Stderr, theirs}
	said := []string{version, fmt.Sprintf("pid=%d", os.Getpid()), fmt.Sprintf("link=%d", firstFile)}
	for _, name := range slices.Sorted(maps.Keys(c.Files)) {
		said = append(said, fmt.Sprintf("%s=%d", name, len(files)))
		files = append(files, c.Files[name])
	}
	env := append(slices.Clone(c.Env), variable+"="+strings.Join(said, " "))
	p, err := os.StartProcess(c.Path, c.Args, &os.ProcAttr{Env: env, Files: files})
	if err != nil {
		ours.conn.Close()
		return nil, fmt.Errorf("start the new process: %w", err)
	}
	return &Successor{PID: p.Pid, process: p, link: ours}, nil
}

// Loaded returns when the new process has read all it needs, and has changed
// nothing yet.
func (s *Successor) Loaded(ctx context.Context) error { return s.step(ctx, "", wordLoaded) }

// Prepare tells it that the shared state is its own from here on, and returns
// when it could serve.
func (s *Successor) Prepare(ctx context.Context) error { return s.step(ctx, wordPrepare, wordReady) }

// Serve tells it to serve, and returns when it does.
func (s *Successor) Serve(ctx context.Context) error { return s.step(ctx, wordServe, wordServing) }

func (s *Successor) step(ctx context.Context, tell, await string) error {
	if tell != "" {
		if err := s.link.tell(tell); err != nil {
			return err
		}
	}
	return s.link.await(ctx, await)
}

// Kill ends the new process, if it has not ended, and returns how it ended:
// "exit status 3".
func (s *Successor) Kill() string {
	s.process.Kill()
	state, err := s.process.Wait()
	s.link.conn.Close()
	if err != nil {
		return err.Error()
	}
	return state.String()
}

// Release lets the new process go on by itself. The link is left open until
// this process ends, which is how the new one sees that.
func (s *Successor) Release() error {
	if err := s.process.Release(); err != nil {
		return fmt.Errorf("release the new process: %w", err)
	}
	return nil
}

// Explain is err with how the process ended, when it has.
func Explain(err error, ended string) error {
	if errors.Is(err, ErrEnded) {
		return fmt.Errorf("the new process has ended: %s", ended)
	}
	return fmt.Errorf("the new process: %w", err)
}
