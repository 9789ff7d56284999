package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestWatchLines: with no terminal each change is a line, and an interrupt is a
// good end.
func TestWatchLines(t *testing.T) {
	q, _ := shows(t, "same")
	watch := exec.Command("quack", "watch", "--every", "100ms", "--admin", strings.TrimPrefix(q.client.Base, "http://"))
	watch.Env = append(os.Environ(), "QUACK_ADMIN_TOKEN="+testToken)
	out, err := watch.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { watch.Process.Kill(); watch.Wait() })
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	var said []string
	sees := func(want string) {
		t.Helper()
		for patience := time.After(30 * time.Second); ; {
			select {
			case line, open := <-lines:
				if said = append(said, line); !open {
					t.Fatalf("ended without %q: %q", want, said)
				}
				if strings.Contains(line, want) {
					return
				}
			case <-patience:
				t.Fatalf("%q is never said: %q", want, said)
			}
		}
	}
	sees("None of 1 request compared differs.")
	q.ask("GET", "/products/7", "")
	sees("show: +1 compared, +1 mismatched, +0 noise, +0 errors; 1 of 2 mismatch")
	sees(`show: new mismatch: value $.price: "9.90" → "9.09"  quack diff `)
	q.kill()
	sees("the proxy does not answer, and is asked again")
	watch.Process.Signal(os.Interrupt)
	for line := range lines { // what it says while the proxy stays away
		if strings.Contains(line, "does not answer") {
			t.Errorf("said twice: %s", line)
		}
	}
	if err := watch.Wait(); err != nil {
		t.Errorf("interrupted: %v", err)
	}
}

// TestWatchEnds: after --for, and at once when there is nothing to watch.
func TestWatchEnds(t *testing.T) {
	q, _ := shows(t, "7")
	if out, code := q.run("watch", "--for", "300ms", "--every", "100ms"); code != 0 || strings.Count(out, "\n") != 1 {
		t.Errorf("--for: code %d\n%s", code, out)
	}
	if out, code := q.run("watch", "--every", "1ms"); code != 2 || !strings.Contains(out, "less than 100ms") {
		t.Errorf("--every 1ms: code %d\n%s", code, out)
	}
	q.kill()
	if out, code := q.run("watch"); code != 1 || !strings.Contains(out, "is quack serve running") {
		t.Errorf("no proxy: code %d\n%s", code, out)
	}
}
