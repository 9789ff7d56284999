package readonly_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/store"
)

const childDir = "READONLY_TEST_CHILD_DIR"

// runChild turns the test binary into a process that closes and opens the gate
// without end and says so, one line a change, after the call has returned.
func runChild() {
	dir := os.Getenv(childDir)
	if dir == "" {
		return
	}
	ctx := context.Background()
	db, err := store.Open(ctx, dir, readonly.Schema)
	if err != nil {
		fmt.Println("child:", err)
		os.Exit(1)
	}
	g, err := readonly.Open(ctx, db)
	for err == nil {
		var s readonly.State
		if g.State().ReadOnly {
			s, err = g.Thaw(ctx, "child", "open")
		} else {
			s, err = g.Freeze(ctx, "child", "close", 0)
		}
		fmt.Println(s.Epoch, s.ReadOnly)
	}
	fmt.Println("child:", err)
	os.Exit(1)
}

func TestStateSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		said, saidReadOnly := runAndKill(t, dir)
		db := openStore(t, dir)
		g, err := readonly.Open(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		s := g.State()
		// The one change that was being made may be on disk unsaid.
		if s.Epoch != said && s.Epoch != said+1 {
			t.Errorf("epoch %d on disk, %d was reported", s.Epoch, said)
		}
		if want := saidReadOnly == (s.Epoch == said); s.ReadOnly != want {
			t.Errorf("epoch %d is read-only %v, want %v", s.Epoch, s.ReadOnly, want)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// runAndKill kills a child with SIGKILL after a few changes and returns the
// last one that it reported.
func runAndKill(t *testing.T, dir string) (epoch int64, readOnly bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	enough := 5 + rand.IntN(30)
	for n := 0; lines.Scan(); n++ {
		if _, err := fmt.Sscan(lines.Text(), &epoch, &readOnly); err != nil {
			t.Fatalf("child says %q", lines.Text())
		}
		if n == enough {
			time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond) // to die at any point of a change
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	if epoch == 0 {
		t.Fatal("the child reported no change")
	}
	return epoch, readOnly
}
