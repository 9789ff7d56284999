package reports_test

import (
	"database/sql"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/store"
)

// A mark that the heir sets while its predecessor still counts has what both had
// written by then before it, and what either writes later after it.
func TestMarkOfTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, dir)
	old := openReports(t, db, reports.Config{})
	fd, err := syscall.Dup(int(db.Lock().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	second, err := store.OpenInherited(t.Context(), dir, os.NewFile(uintptr(fd), "lock"), reports.Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Close() })
	heir := openReports(t, second, reports.Config{})
	for range 5 {
		old.Skip("other", "budget")
	}
	flush(t, old) // the heir has not read this
	heir.Skip("show", "budget")
	setMark(t, heir, "v1")
	heir.Skip("show", "budget")
	heir.Skip("other", "budget")
	if got := told(t, heir, reports.Filter{SinceMark: "v1"}); got["show budget"] != 1 || got["other budget"] != 1 {
		t.Errorf("since the mark %v, want 1 of each", got)
	}
	old.Skip("other", "budget")
	flush(t, old)
	db.Close()
	if err := heir.Reread(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := told(t, heir, reports.Filter{SinceMark: "v1"}); got["show budget"] != 1 || got["other budget"] != 2 {
		t.Errorf("since the mark, of both: %v, want 1 and 2", got)
	}
}

// A mark that can not be noted is none, and takes nothing from the counters.
func TestMarkWhenTheStoreIsAtFault(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, dir)
	r := openReports(t, db, reports.Config{})
	fault := func(query string) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(query); return err }); err != nil {
			t.Fatal(err)
		}
	}
	setMark(t, r, "v1")
	for table, says := range map[string]string{"reports_counts": "write what was counted before it", "reports_marks": `set mark "v2": `} {
		// Stands for a full disk, the real one of which the store's tests fill.
		fault(`CREATE TRIGGER reports_full BEFORE INSERT ON ` + table + ` BEGIN SELECT RAISE(ABORT, 'disk is full'); END`)
		r.Skip("show", "budget")
		if _, err := r.Mark(t.Context(), reports.Mark{Name: "v2"}); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "disk is full") {
			t.Errorf("%s: %v", table, err)
		}
		fault(`DROP TRIGGER reports_full`)
	}
	if list, err := r.Marks(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("marks %+v, %v", list, err)
	}
	if got := told(t, r, reports.Filter{SinceMark: "v1"}); got["show budget"] != 2 {
		t.Errorf("since v1: %v, want 2", got)
	}
	setMark(t, r, "v2")
	r.Skip("show", "budget")
	flush(t, r)
	if got := told(t, openReports(t, db, reports.Config{}), reports.Filter{SinceMark: "v2"}); got["show budget"] != 1 {
		t.Errorf("since v2, read anew: %v, want 1", got)
	}
}
