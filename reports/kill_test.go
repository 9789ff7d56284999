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

// countUntilKilled is the child of TestKilledProcessLosesASecond. It says how
// many comparisons it had recorded at each tenth of a second.
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
	began := time.Now()
	said := -1
	for n := 1; ; n++ {
		c := comparison(n)
		c.ID = fmt.Sprint(os.Getpid(), "-", n)
		if n%10 == 0 {
			c = differing(n, "$.price", compare.KindValue, reports.Mismatch)
			c.ID = fmt.Sprint(os.Getpid(), "-", n)
		}
		r.Record(c)
		if tenth := int(time.Since(began) / (100 * time.Millisecond)); tenth != said {
			said = tenth
			fmt.Println(tenth, n)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestKilledProcessLosesASecond(t *testing.T) {
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
	recorded := map[int]int{} // by tenth of a second
	last := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var tenth, n int
		if _, err := fmt.Sscan(lines.Text(), &tenth, &n); err != nil {
			t.Fatalf("child: %s", lines.Text())
		}
		recorded[tenth], last = n, tenth
		if tenth >= 32 {
			child.Process.Kill()
		}
	}
	child.Wait()
	// A batch begins each second; writing it takes some more time when the
	// machine is busy.
	secure := 0
	for tenth, n := range recorded {
		if tenth <= last-18 {
			secure = max(secure, n)
		}
	}
	r := openReports(t, openStore(t, dir), reports.Config{})
	got := one(t, r, reports.Filter{})
	if got.Compared < int64(secure) || secure == 0 {
		t.Errorf("%d compared after the kill, of at least %d that were recorded 1.8 s before it", got.Compared, secure)
	}
	if since := one(t, r, reports.Filter{Since: time.Now().Add(-time.Hour)}); since.Compared != got.Compared {
		t.Errorf("%d by the minute, %d in all", since.Compared, got.Compared)
	}
	group := differences(t, r, reports.Filter{})[0]
	if group.Count != got.Mismatched {
		t.Errorf("%d in the group, %d mismatches: not of one batch", group.Count, got.Mismatched)
	}
}
