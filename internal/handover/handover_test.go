package handover_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/quackproxy/quack/internal/handover"
)

const role = "HANDOVER_TEST_ROLE"

// The test binary is also the new process.
func TestMain(m *testing.M) {
	if r := os.Getenv(role); r != "" {
		os.Exit(beNew(r))
	}
	goleak.VerifyTestMain(m)
}

// beNew takes the steps, up to the one that the role names.
func beNew(role string) int {
	ctx := context.Background()
	p, err := handover.Inherit()
	if err != nil || p == nil {
		fmt.Fprintln(os.Stderr, p, err)
		return 9
	}
	switch role {
	case "exit":
		return 3
	case "fail":
		p.Fail(errors.New("first line\nsecond"))
		return 1
	case "hang":
		time.Sleep(time.Minute)
	}
	if err := p.Loaded(ctx); err != nil {
		return 4
	}
	if role == "exit when prepared" {
		return 5
	}
	if err := p.Ready(ctx); err != nil {
		return 6
	}
	p.Serving()
	if p.Wait(ctx) != nil {
		return 7
	}
	f := p.File("note")
	fmt.Fprintf(f, "%d has ended", p.PID)
	again, err := handover.Inherit()
	if p.File("note") != nil || again != nil || err != nil {
		return 8
	}
	return 0
}

func begin(t *testing.T, role string) (*handover.Successor, string) {
	t.Helper()
	note, err := os.Create(filepath.Join(t.TempDir(), "note"))
	if err != nil {
		t.Fatal(err)
	}
	defer note.Close()
	s, err := handover.Start(handover.Command{
		Path: os.Args[0], Args: os.Args[:1], Env: append(os.Environ(), "HANDOVER_TEST_ROLE="+role),
		Files: map[string]*os.File{"note": note},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, note.Name()
}

func TestNewProcessThatFails(t *testing.T) {
	for _, c := range []struct{ role, at, says string }{
		{"exit", "loaded", "the new process has ended: exit status 3"},
		{"fail", "loaded", "the new process: first line; second"},
		{"hang", "loaded", "deadline exceeded"},
		{"exit when prepared", "prepared", "the new process has ended: exit status 5"},
	} {
		s, _ := begin(t, c.role)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		err := s.Loaded(ctx)
		if c.at == "prepared" {
			if err != nil {
				t.Errorf("%s: %v", c.role, err)
			}
			err = s.Prepare(ctx)
		}
		if err == nil {
			t.Fatalf("%s: no error", c.role)
		}
		if err := handover.Explain(err, s.Kill()); !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.role, err, c.says)
		}
		cancel()
	}
}

// The new process goes on when the old one ends, at any step: here at the last.
func TestTakeover(t *testing.T) {
	s, note := begin(t, "all")
	ctx := t.Context()
	if err := errors.Join(s.Loaded(ctx), s.Prepare(ctx), s.Serve(ctx)); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(note); len(b) != 0 {
		t.Errorf("it has seen the end of this process: %s", b)
	}
	end := s.Unlink()
	if end != "exit status 0" {
		t.Errorf("the new process: %s", end)
	}
	if b, err := os.ReadFile(note); string(b) != fmt.Sprintf("%d has ended", os.Getpid()) {
		t.Errorf("noted: %q %v", b, err)
	}
}

func TestInheritRefused(t *testing.T) {
	if p, err := handover.Inherit(); p != nil || err != nil {
		t.Errorf("without a process before: %v %v", p, err)
	}
	for text, says := range map[string]string{
		"":                "knows hand-over v1 only",
		"v2 pid=1 link=3": "knows hand-over v1 only",
		"v1 pid=1":        "it names no link",
		"v1 pid=1 link=x": "not a name and a number",
		"v1 pid=1 link=2": "a standard stream",
		"v1 pid=1 link":   "not a name and a number",
	} {
		t.Setenv("QUACK_HANDOVER", text)
		if p, err := handover.Inherit(); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "unset it") {
			t.Errorf("%q: %v %v", text, p, err)
		}
		if _, set := os.LookupEnv("QUACK_HANDOVER"); set {
			t.Errorf("%q: the environment still says so", text)
		}
	}
}

func TestBinaryFollowsALink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "quack")
	for _, target := range []string{"/bin/true", "/bin/false"} {
		os.Remove(link)
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		if got, err := handover.Binary(link); got != link || err != nil {
			t.Errorf("%s, %v: want the link itself", got, err)
		}
	}
	if got, err := handover.Binary("quack-by-a-name-of-its-own"); err != nil || !filepath.IsAbs(got) {
		t.Errorf("a name that is not in PATH: %q %v, want the binary that runs", got, err)
	}
}

func TestBinaryThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	locked, dangling := filepath.Join(dir, "locked"), filepath.Join(dir, "dangling")
	if err := os.WriteFile(locked, []byte("half a package"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "gone"), dangling); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, reason string }{
		{filepath.Join(dir, "gone"), "it was removed"},
		{dangling, "the link leads nowhere"},
		{locked, "it may not be run"},
	} {
		if got, err := handover.Binary(c.path); err == nil || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: %q %v, want an error that names it", c.reason, got, err)
		}
	}
}
