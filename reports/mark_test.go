package reports_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

func setMark(t testing.TB, r *reports.Reports, name string) reports.Mark {
	t.Helper()
	m, err := r.Mark(t.Context(), reports.Mark{Name: name, By: "ann@desk"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// tallied is what a test expects of some time: by route and counter, and by
// group.
type tallied map[string]int64

// told is what a report and the differences say, in the same form.
func told(t *testing.T, r *reports.Reports, f reports.Filter) tallied {
	t.Helper()
	f.Limit = -1
	got := tallied{}
	list, err := r.Report(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		got[c.Name+" served"] = c.Served
		got[c.Name+" compared"] = c.Compared
		got[c.Name+" mismatched"] = c.Mismatched
		got[c.Name+" budget"] = c.Skipped["budget"]
	}
	for _, g := range differences(t, r, f) {
		got[g.Route+" "+g.Path+" "+g.Verdict] = g.Count
	}
	maps.DeleteFunc(got, func(_ string, n int64) bool { return n == 0 })
	return got
}

// happen records something at random and adds it to what is expected.
func happen(r *reports.Reports, n int, want tallied) {
	route := fmt.Sprint("r", rand.IntN(3))
	switch rand.IntN(4) {
	case 0:
		r.Served(route, "shadow", "legacy", 200, time.Millisecond)
		want[route+" served"]++
	case 1:
		r.Skip(route, "budget")
		want[route+" budget"]++
	case 2:
		c := comparison(n)
		c.Route = route
		r.Record(c)
		want[route+" compared"]++
	case 3:
		c := differing(n, fmt.Sprint("$.p", rand.IntN(4)), compare.KindValue, reports.Mismatch)
		c.Route = route
		r.Record(c)
		want[route+" compared"]++
		want[route+" mismatched"]++
		want[route+" "+c.Differences[0].Path+" mismatch"]++
	}
}

// TestCountsSinceMarksAreExact: whatever happens between marks and restarts,
// what is counted since each mark is what happened since.
func TestCountsSinceMarksAreExact(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, dir)
	r := openReports(t, db, reports.Config{})
	since := map[string]tallied{} // by mark
	for n := range 600 {
		event := tallied{}
		happen(r, n, event)
		for _, sum := range since {
			for k, v := range event {
				sum[k] += v
			}
		}
		switch rand.IntN(40) {
		case 0:
			name := fmt.Sprint("v", n)
			setMark(t, r, name)
			since[name] = tallied{}
		case 1:
			flush(t, r)
		case 2:
			flush(t, r)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = openStore(t, dir)
			r = openReports(t, db, reports.Config{})
		}
	}
	setMark(t, r, "last")
	since["last"] = tallied{}
	for name, want := range since {
		if diff := cmp.Diff(want, told(t, r, reports.Filter{SinceMark: name})); diff != "" {
			t.Errorf("since %s:\n%s", name, diff)
		}
	}
	marks, err := r.Marks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(marks) - 2 { // the newest first
		after, before, from := marks[i].Name, marks[i+1].Name, marks[i+2].Name
		c := compared(t, r, reports.Span{From: from, To: before}, reports.Span{From: before, To: after})
		wantRun(t, c.Before, since[from], since[before])
		wantRun(t, c.After, since[before], since[after])
	}
}

// wantRun holds a run against what happened since its beginning and since its
// end.
func wantRun(t *testing.T, run reports.Run, begin, end tallied) {
	t.Helper()
	var compared, differed int64
	for _, route := range []string{"r0", "r1", "r2"} {
		compared += begin[route+" compared"] - end[route+" compared"]
		differed += begin[route+" mismatched"] - end[route+" mismatched"]
	}
	if run.Compared != compared || run.Differed != differed {
		t.Errorf("from %s to %s: %d compared, %d differed; want %d and %d", run.From, run.To, run.Compared, run.Differed, compared, differed)
	}
}

// TestNothingIsLostBetweenMarks: marks are set while others record; the spans
// between them add up to all that was recorded.
func TestNothingIsLostBetweenMarks(t *testing.T) {
	r := fresh(t, reports.Config{})
	var all sync.WaitGroup
	stop := make(chan struct{})
	sums := make([]tallied, 4)
	for i := range sums {
		sums[i] = tallied{}
		all.Add(1)
		go func() {
			defer all.Done()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					happen(r, n, sums[i])
				}
			}
		}()
	}
	for i := range 12 {
		setMark(t, r, fmt.Sprint("m", i))
	}
	close(stop)
	all.Wait()
	want := tallied{}
	for _, sum := range sums {
		for k, v := range sum {
			want[k] += v
		}
	}
	if diff := cmp.Diff(want, told(t, r, reports.Filter{})); diff != "" {
		t.Fatalf("in all:\n%s", diff)
	}
	// Each is smaller than the one before, in every counter, and none is below 0.
	before := want
	for i := range 12 {
		now := told(t, r, reports.Filter{SinceMark: fmt.Sprint("m", i)})
		for k, n := range now {
			if n < 0 || n > before[k] {
				t.Errorf("since m%d: %d of %s, and %d since the one before", i, n, k, before[k])
			}
		}
		before = now
	}
	setMark(t, r, "end")
	if left := told(t, r, reports.Filter{SinceMark: "end"}); len(left) > 0 {
		t.Errorf("since the end: %v", left)
	}
}

func TestNewSinceAMark(t *testing.T) {
	r := fresh(t, reports.Config{})
	record := func(n int, path string) { r.Record(differing(n, path, compare.KindValue, reports.Mismatch)) }
	isNew := func(f reports.Filter) map[string]bool {
		list := map[string]bool{}
		for _, g := range differences(t, r, f) {
			list[g.Path] = g.New
		}
		return list
	}
	record(1, "$.old")
	if got := isNew(reports.Filter{}); got["$.old"] {
		t.Error("new although there is no mark")
	}
	setMark(t, r, "v1")
	record(2, "$.old")
	record(3, "$.one")
	setMark(t, r, "v2")
	record(4, "$.one")
	record(5, "$.two")
	for _, c := range []struct {
		f    reports.Filter
		want map[string]bool
	}{
		{reports.Filter{}, map[string]bool{"$.old": false, "$.one": false, "$.two": true}}, // the newest mark's
		{reports.Filter{SinceMark: "v2"}, map[string]bool{"$.one": false, "$.two": true}},
		{reports.Filter{SinceMark: "v1"}, map[string]bool{"$.old": false, "$.one": true, "$.two": true}},
	} {
		if diff := cmp.Diff(c.want, isNew(c.f)); diff != "" {
			t.Errorf("since %q:\n%s", c.f.SinceMark, diff)
		}
	}
	// The evidence is that since the mark, by when it was recorded.
	if got := kept(t, r, reports.Filter{SinceMark: "v2"}); !slices.Equal(got, []string{"c00005", "c00004"}) {
		t.Errorf("comparisons since v2: %v", got)
	}
	for _, g := range differences(t, r, reports.Filter{SinceMark: "v2", Path: "$.one"}) {
		if g.Count != 1 || g.Share != 0.5 || len(g.Samples) != 1 || g.Samples[0].ID != "c00004" {
			t.Errorf("%d of $.one since v2, a share of %g, samples %+v", g.Count, g.Share, g.Samples)
		}
	}
}

func TestMarks(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, dir)
	r := openReports(t, db, reports.Config{})
	before := time.Now()
	m, err := r.Mark(t.Context(), reports.Mark{Name: "v1.4", By: "ann", Why: "deploy\n\u202eof \x1b[31mFriday"})
	if err != nil {
		t.Fatal(err)
	}
	want := reports.Mark{Name: "v1.4", By: "ann", Why: "deploy  of  [31mFriday", At: m.At}
	if m != want || m.At.Before(before.Add(-time.Millisecond)) || m.At.After(time.Now()) {
		t.Errorf("marked %+v, want %+v", m, want)
	}
	if _, err := r.Mark(t.Context(), reports.Mark{Name: "v1.4"}); !errors.Is(err, reports.ErrMarkTaken) {
		t.Errorf("the same name again: %v", err)
	}
	for i := range 50 {
		setMark(t, r, fmt.Sprint("n", i))
	}
	db.Close()
	r = openReports(t, openStore(t, dir), reports.Config{})
	list, err := r.Marks(t.Context())
	if err != nil || len(list) != 50 || list[0].Name != "n49" || list[49].Name != "n0" {
		t.Fatalf("%d marks, from %v to %v, %v; want the newest 50", len(list), list[0], list[len(list)-1], err)
	}
	if _, err := r.Report(t.Context(), reports.Filter{SinceMark: "v1.4"}); !errors.Is(err, reports.ErrNoMark) {
		t.Errorf("since a mark that made room: %v", err)
	}
	setMark(t, r, "v1.4") // its name is free again
	if _, err := r.Report(t.Context(), reports.Filter{SinceMark: "v1.4", Since: noon}); err == nil {
		t.Error("since a time and a mark at once")
	}
}

func TestMarkNames(t *testing.T) {
	for _, name := range []string{"v1.4", "2026-11-26", "release/7", "Überlauf", "a", "1.5", "deploy:4711"} {
		if err := reports.CheckMarkName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, reason := range map[string]string{
		"": "is empty", "24h": "a length of time", "0": "a length of time", "1h30m": "a length of time", "2026-11-26T10:00:00Z": "an instant",
		"v1..v2": "two marks", "start": "the start", "now": "now", "a b": "a space", "-v1": "a flag", ".hidden": "begins with a dot", "a\nb": "two lines",
		string(slices.Repeat([]byte("a"), 101)): "too long", "v1;": "of a query",
	} {
		if err := reports.CheckMarkName(name); !errors.Is(err, reports.ErrMarkName) {
			t.Errorf("%q (%s): %v", name, reason, err)
		}
	}
}
