package routes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// version is a file that is told apart by the name of its route.
func version(name string) string { return head + "  - {name: " + name + ", match: GET /a}\n" }

const broken = "version: 1\nbackends: {}\ndefaults: {}\n"

// watch runs a watcher until the test ends. What it reports comes out of the
// channel: the name of the route, or "error: …".
func watch(t *testing.T, file, hash string, poke <-chan struct{}) <-chan string {
	t.Helper()
	reports := make(chan string, 100)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- WatchSince(ctx, file, hash, poke,
			func(table *Table) { reports <- table.Routes()[0].Name },
			func(err error) {
				if errors.Is(err, fs.ErrNotExist) {
					reports <- "error: gone"
				} else {
					reports <- "error: " + err.(Errors)[0].Text
				}
			})
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the watcher ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the watcher did not end")
		}
	})
	return reports
}

// next is the next report.
func next(t *testing.T, reports <-chan string, want string) {
	t.Helper()
	select {
	case got := <-reports:
		if got != want {
			t.Fatalf("reported %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("nothing was reported, want %q", want)
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace puts content in the place of file by a rename, as most editors do.
func replace(t *testing.T, file, content string) {
	t.Helper()
	write(t, file+".new", content)
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func hashOfFile(t *testing.T, content string) string {
	t.Helper()
	return hashOf([]byte(content))
}

func TestWatchSeesChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "routes.yaml")
	write(t, file, version("v1"))
	poke := make(chan struct{})
	reports := watch(t, file, hashOfFile(t, version("v1")), poke)

	write(t, file, version("v2"))
	next(t, reports, "v2")
	replace(t, file, version("v3"))
	next(t, reports, "v3")
	poke <- struct{}{}
	next(t, reports, "v3") // a poke reports what is unchanged too
	replace(t, file, version("v3"))
	replace(t, file, version("v4")) // the same bytes again were no change
	next(t, reports, "v4")

	write(t, file, broken)
	next(t, reports, "error: backends is empty")
	write(t, file, broken) // the same fault is not reported twice
	write(t, file, broken+"# other bytes\n")
	next(t, reports, "error: backends is empty")
	poke <- struct{}{}
	next(t, reports, "error: backends is empty")
	replace(t, file, version("v4"))
	next(t, reports, "v4") // back to what was in force: the fault is over

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	next(t, reports, "error: gone")
	write(t, file, version("v4"))
	next(t, reports, "v4")
	close(poke)
	replace(t, file, version("v5"))
	next(t, reports, "v5")
}

// TestWatchSinceAnOlderFile: what changed between loading and watching counts.
func TestWatchSinceAnOlderFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "routes.yaml")
	write(t, file, version("v2"))
	next(t, watch(t, file, hashOfFile(t, version("v1")), nil), "v2")
}

// TestWatchThroughSymlinks: Kubernetes mounts a ConfigMap as a link to a link to
// a folder, and swaps the link to the folder.
func TestWatchThroughSymlinks(t *testing.T) {
	dir := t.TempDir()
	mount := func(n int) {
		data := filepath.Join(dir, fmt.Sprintf("..data_%d", n))
		if err := os.Mkdir(data, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(data, "routes.yaml"), version(fmt.Sprintf("v%d", n)))
		link(t, filepath.Base(data), filepath.Join(dir, "..data.new"))
		if err := os.Rename(filepath.Join(dir, "..data.new"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	mount(1)
	file := filepath.Join(dir, "routes.yaml")
	link(t, filepath.Join("..data", "routes.yaml"), file)
	reports := watch(t, file, hashOfFile(t, version("v1")), nil)
	for n := 2; n < 5; n++ {
		mount(n)
		next(t, reports, fmt.Sprintf("v%d", n))
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

// TestWatchWithoutNotifications: when the folder is replaced, the notifications
// end with the old one and the poll finds the file.
func TestWatchWithoutNotifications(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etc")
	file := filepath.Join(dir, "routes.yaml")
	make := func(content string) {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, file, content)
	}
	make(version("v1"))
	reports := watch(t, file, hashOfFile(t, version("v1")), nil)
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	next(t, reports, "error: gone")
	make(version("v2"))
	next(t, reports, "v2")
}

// TestWatchInABusyFolder: what else happens in the folder does not put off the
// change for ever, and is not reported.
func TestWatchInABusyFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "routes.yaml")
	write(t, file, version("v1"))
	reports := watch(t, file, hashOfFile(t, version("v1")), nil)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				_ = os.WriteFile(filepath.Join(dir, "log"), []byte(strings.Repeat("x", i%100)), 0o600)
			}
		}
	}()
	replace(t, file, version("v2"))
	next(t, reports, "v2")
	close(stop)
	<-stopped
}

// TestWatch starts from the file as it stands.
func TestWatch(t *testing.T) {
	file := filepath.Join(t.TempDir(), "routes.yaml")
	write(t, file, version("v1"))
	ctx, cancel := context.WithCancel(context.Background())
	poke := make(chan struct{})
	ended := make(chan error, 1)
	got := make(chan string, 10)
	go func() {
		ended <- Watch(ctx, file, poke, func(table *Table) { got <- table.Routes()[0].Name }, func(err error) { got <- err.Error() })
	}()
	poke <- struct{}{} // taken once the watcher has started
	next(t, got, "v1")
	replace(t, file, version("v2"))
	next(t, got, "v2")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(got) > 0 {
		t.Errorf("also reported: %q", <-got)
	}
}
