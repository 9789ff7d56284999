package reports_test

import (
	"strings"
	"testing"

	"github.com/quackproxy/quack/reports"
)

// A mark that the heir sets while its predecessor still counts has what both had
// written by then before it, and what either writes later after it.
func TestMarkOfTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, dir)
	old := openReports(t, db, reports.Config{})
	second := heirOf(t, db, dir)
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
	setMark(t, r, "v1")
	for table, says := range map[string]string{"reports_counts": "write what was counted before it", "reports_marks": `set mark "v2": `} {
		free := full(t, db, table)
		r.Skip("show", "budget")
		if _, err := r.Mark(t.Context(), reports.Mark{Name: "v2"}); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "disk is full") {
			t.Errorf("%s: %v", table, err)
		}
		free()
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
