package reports_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/store"
)

// heirOf opens a store that another process has open still, as the one that it
// hands over to does.
func heirOf(t *testing.T, db *store.DB, dir string) *store.DB {
	t.Helper()
	fd, err := syscall.Dup(int(db.Lock().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	heir, err := store.OpenInherited(t.Context(), dir, os.NewFile(uintptr(fd), "lock"), reports.Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { heir.Close() })
	return heir
}

// Two processes write to one store while one hands over to the other: what
// either has counted is counted once, in whatever order they write.
func TestTwoProcessesCountTogether(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, dir)
	old := openReports(t, db, reports.Config{})
	old.Served("show", "shadow", "legacy", 200, time.Millisecond)
	flush(t, old)

	second := heirOf(t, db, dir)
	heir := openReports(t, second, reports.Config{})
	for n := range 3 {
		for i, r := range []*reports.Reports{old, heir} {
			r.Served("show", "shadow", "legacy", 200, time.Millisecond)
			r.Record(differing(2*n+i, "$.price", compare.KindValue, reports.Mismatch))
		}
		flush(t, old)
		flush(t, heir)
	}
	old.Served("show", "shadow", "legacy", 200, time.Millisecond)
	old.Served("other", "shadow", "legacy", 200, time.Millisecond) // a route that the heir has not met
	flush(t, old)
	db.Close()

	heir.Served("show", "shadow", "legacy", 200, time.Millisecond)
	if err := heir.Reread(t.Context()); err != nil {
		t.Fatal(err)
	}
	check := func(what string, r *reports.Reports) {
		t.Helper()
		served := map[string]int64{}
		for _, c := range r.Live() {
			served[c.Name] = c.Served
			if c.Name == "show" && c.Mismatched != 6 {
				t.Errorf("%s: %d mismatched, want 6", what, c.Mismatched)
			}
		}
		if served["show"] != 9 || served["other"] != 1 {
			t.Errorf("%s: served %v, want show 9 and other 1", what, served)
		}
	}
	check("the heir", heir)
	groups, err := heir.Differences(t.Context(), reports.Filter{})
	if err != nil || len(groups) != 1 || groups[0].Count != 6 {
		t.Errorf("differences %+v, %v; want one of 6", groups, err)
	}
	second.Close()
	check("after a restart", openReports(t, openStore(t, dir), reports.Config{}))
}
