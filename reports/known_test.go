package reports_test

import (
	"errors"
	"testing"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/store"
)

// unknown is how many differences are open of the route, and where the most
// frequent is.
func unknown(t *testing.T, r *reports.Reports, f reports.Filter) (n int, most string) {
	t.Helper()
	byRoute, err := r.Unknown(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return byRoute["show"].Count, byRoute["show"].Most.Path
}

func TestKnownDifferences(t *testing.T) {
	db := openStore(t, t.TempDir())
	r := openReports(t, db, reports.Config{})
	for n := range 3 {
		r.Record(differing(n, "$.price", compare.KindValue, reports.Mismatch))
	}
	r.Record(differing(3, "$.name", compare.KindValue, reports.Noise))
	r.Record(differing(4, "$.at", compare.KindValue, reports.Transient))
	r.Record(forgiving(5))
	if n, most := unknown(t, r, reports.Filter{}); n != 2 || most != "$.price" {
		t.Errorf("%d are open, %s most of all; want the mismatch and the noise", n, most)
	}
	id := differences(t, r, reports.Filter{Path: "$.price"})[0].ID
	if err := r.Know(t.Context(), id, "ann@desk", "rounded on purpose, token=abc123secret"); err != nil {
		t.Fatal(err)
	}
	again := openReports(t, db, reports.Config{})
	for what, r := range map[string]*reports.Reports{"here": r, "after a restart": again} {
		g := differences(t, r, reports.Filter{Path: "$.price"})[0]
		if g.Known == nil || g.Known.By != "ann@desk" || g.Known.At.IsZero() || g.Count != 3 {
			t.Errorf("%s: known %+v of %+v", what, g.Known, g)
		}
		if n, most := unknown(t, r, reports.Filter{}); n != 1 || most != "$.name" {
			t.Errorf("%s: %d are open, %s most of all", what, n, most)
		}
	}
	if g := differences(t, r, reports.Filter{Path: "$.name"})[0]; g.Known != nil {
		t.Errorf("another difference is known as well: %+v", g.Known)
	}
	if err := r.Know(t.Context(), id, "bob", "still right"); err != nil {
		t.Fatal(err)
	}
	if g := differences(t, r, reports.Filter{Path: "$.price"})[0]; g.Known.By != "bob" || g.Known.Why != "still right" {
		t.Errorf("said once more: %+v", g.Known)
	}
	if err := r.Forget(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if n, _ := unknown(t, r, reports.Filter{}); n != 2 {
		t.Errorf("%d are open after one was forgotten", n)
	}
	for what, err := range map[string]error{"forget twice": r.Forget(t.Context(), id), "know what is not there": r.Know(t.Context(), "aaaaaaaaaaaaaaaa", "ann", "x")} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestOpenSince: what has not been seen since a time, or a mark, is not open then.
func TestOpenSince(t *testing.T) {
	r := fresh(t, reports.Config{})
	r.Record(differing(1, "$.price", compare.KindValue, reports.Mismatch))
	if _, err := r.Mark(t.Context(), reports.Mark{Name: "v2", By: "ann"}); err != nil {
		t.Fatal(err)
	}
	r.Record(differing(100, "$.name", compare.KindValue, reports.Mismatch))
	if n, most := unknown(t, r, reports.Filter{SinceMark: "v2"}); n != 1 || most != "$.name" {
		t.Errorf("since the mark: %d, %s", n, most)
	}
	if n, most := unknown(t, r, reports.Filter{Since: differences(t, r, reports.Filter{Path: "$.name"})[0].LastSeen}); n != 1 || most != "$.name" {
		t.Errorf("since its last time: %d, %s", n, most)
	}
}
