package reports_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/store"
)

// countUntilKilled is the child of TestKilledProcessLosesTheLastBatch. It says
// how many comparisons a batch that began after them has written.
func countUntilKilled(dir string) {
	ctx := context.Background()
	db, err := store.Open(ctx, dir, reports.Schema)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	r, err := reports.Open(ctx, db, reports.Config{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go r.Run(ctx)
	var last time.Time
	mark, batches := 0, 0
	for n := 1; ; n++ {
		c := comparison(n)
		if n%10 == 0 {
			c = differing(n, "$.price", compare.KindValue, reports.Mismatch)
		}
		r.Record(c)
		if at := r.Stats().LastFlush; at != last {
			// The first batch that ends after the mark may have begun before it.
			last = at
			if batches++; batches == 2 {
				fmt.Println(mark)
			}
			if batches >= 2 || mark == 0 {
				mark, batches = n, 0
			}
		}
		time.Sleep(time.Millisecond)
	}
}

func TestKilledProcessLosesTheLastBatch(t *testing.T) {
	dir := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "REPORTS_TEST_COUNT_UNTIL_KILLED="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	written := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, err := fmt.Sscan(lines.Text(), &written); err != nil {
			t.Fatalf("child: %s", lines.Text())
		}
		child.Process.Kill()
	}
	child.Wait()
	r := openReports(t, openStore(t, dir), reports.Config{})
	got := one(t, r, reports.Filter{})
	if got.Compared < int64(written) || written == 0 {
		t.Errorf("%d compared after the kill, of at least %d that a batch had written", got.Compared, written)
	}
	if since := one(t, r, reports.Filter{Since: time.Now().Add(-time.Hour)}); since.Compared != got.Compared {
		t.Errorf("%d by the minute, %d in all", since.Compared, got.Compared)
	}
	group := differences(t, r, reports.Filter{})[0]
	if group.Count != got.Mismatched {
		t.Errorf("%d in the group, %d mismatches: not of one batch", group.Count, got.Mismatched)
	}
}
