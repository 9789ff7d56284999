package linelog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var silent = slog.New(slog.DiscardHandler)

// run runs l until the function it returns is called.
func run(t *testing.T, l *Log) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not come about: %s", what)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLinesOfManyArriveWhole(t *testing.T) {
	name := filepath.Join(t.TempDir(), "access.log")
	l, err := New(name, silent)
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, l)
	defer stop()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 100 {
				fmt.Fprintf(l, "line %d of %d\n", j, i)
			}
		})
	}
	all.Wait()
	stop() // what is left is written
	seen := map[string]bool{}
	for line := range strings.Lines(read(t, name)) {
		seen[line] = true
	}
	if len(seen) != 800 || !seen["line 99 of 7\n"] {
		t.Errorf("%d lines, want 800", len(seen))
	}
	if written, dropped := l.Stats(); written != 800 || dropped != 0 {
		t.Errorf("written %d, dropped %d", written, dropped)
	}
}

// As logrotate does it: rename, then ask for the file to be opened anew.
func TestReopen(t *testing.T) {
	name := filepath.Join(t.TempDir(), "access.log")
	l, err := New(name, silent)
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, l)
	defer stop()
	wrote := func(n int64) func() bool { return func() bool { w, _ := l.Stats(); return w == n } }
	io.WriteString(l, "one\n")
	until(t, "the first line", wrote(1))
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	io.WriteString(l, "two\n")
	until(t, "the second line", wrote(2))
	l.Reopen()
	io.WriteString(l, "three\n")
	until(t, "the third line", wrote(3))
	if old, now := read(t, name+".1"), read(t, name); old != "one\ntwo\n" || now != "three\n" {
		t.Errorf("old file %q, new file %q", old, now)
	}
}

// What can not be opened anew leaves the open file in use.
func TestReopenThatFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	l, err := New(filepath.Join(dir, "access.log"), slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, l)
	defer stop()
	if err := os.Rename(dir, dir+".moved"); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	io.WriteString(l, "one\n")
	until(t, "the line", func() bool { w, _ := l.Stats(); return w == 1 })
	stop()
	if got := read(t, filepath.Join(dir+".moved", "access.log")); got != "one\n" {
		t.Errorf("the file holds %q", got)
	}
	if !strings.Contains(said.String(), "open anew") {
		t.Errorf("nothing said: %q", said.String())
	}
}

// stuck is a file whose writes wait until they are let go.
type stuck struct {
	entered chan struct{}
	let     chan struct{}
	got     bytes.Buffer
	err     error
}

func (s *stuck) Write(p []byte) (int, error) {
	s.entered <- struct{}{}
	<-s.let
	if s.err != nil {
		return 0, s.err
	}
	return s.got.Write(p)
}

func (s *stuck) Close() error { return nil }

// A file that takes nothing is not waited for: the buffer fills, and what is
// over is dropped and counted.
func TestFullDropsAndCounts(t *testing.T) {
	file := &stuck{entered: make(chan struct{}, 10), let: make(chan struct{})}
	l, err := newLog("stuck", silent, func() (io.WriteCloser, error) { return file, nil })
	if err != nil {
		t.Fatal(err)
	}
	l.max = 100
	stop := run(t, l)
	defer stop()
	io.WriteString(l, "first\n")
	<-file.entered // from here on nothing is written
	line := strings.Repeat("x", 39) + "\n"
	for range 5 {
		io.WriteString(l, line)
	}
	if _, dropped := l.Stats(); dropped != 3 {
		t.Errorf("%d dropped, want 3", dropped)
	}
	close(file.let)
	stop()
	if got := file.got.String(); got != "first\n"+line+line {
		t.Errorf("written: %q", got)
	}
	if written, dropped := l.Stats(); written != 3 || dropped != 3 {
		t.Errorf("written %d, dropped %d; want 3, 3", written, dropped)
	}
}

// A disk that is full loses lines, which are counted, and says so once.
func TestWriteErrorsAreCounted(t *testing.T) {
	file := &stuck{entered: make(chan struct{}, 10), let: make(chan struct{}), err: errors.New("no space left")}
	close(file.let)
	var said bytes.Buffer
	l, err := newLog("full", slog.New(slog.NewTextHandler(&said, nil)), func() (io.WriteCloser, error) { return file, nil })
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, l)
	defer stop()
	for n := int64(1); n <= 3; n++ {
		io.WriteString(l, "line\n")
		until(t, "the loss", func() bool { _, dropped := l.Stats(); return dropped == n })
	}
	stop()
	if n := strings.Count(said.String(), "no space left"); n != 1 {
		t.Errorf("said %d times:\n%s", n, said.String())
	}
}

// A pipe that nobody reads does not keep Run from its end.
func TestEndWithAPipeThatNobodyReads(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	l, err := newLog("pipe", silent, func() (io.WriteCloser, error) { return w, nil })
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, l)
	io.WriteString(l, strings.Repeat("x", 200<<10)+"\n") // more than a pipe holds
	stop()
	if _, dropped := l.Stats(); dropped != 1 {
		t.Errorf("%d dropped, want 1", dropped)
	}
}

func TestFolderThatIsNotThere(t *testing.T) {
	if _, err := New(filepath.Join(t.TempDir(), "none", "access.log"), silent); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
