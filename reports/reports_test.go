package reports_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/internal/sample"
	"github.com/quackproxy/quack/store"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("REPORTS_TEST_COUNT_UNTIL_KILLED"); dir != "" {
		countUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

func openStore(t testing.TB, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dir, reports.Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openReports(t testing.TB, db *store.DB, c reports.Config) *reports.Reports {
	t.Helper()
	r, err := reports.Open(t.Context(), db, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func fresh(t testing.TB, c reports.Config) *reports.Reports {
	return openReports(t, openStore(t, t.TempDir()), c)
}

func flush(t testing.TB, r *reports.Reports) {
	t.Helper()
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

var noon, comparison, differing = sample.Noon, sample.Comparison, sample.Differing

func forgiving(n int) reports.Comparison {
	c := comparison(n)
	c.Forgiven = []compare.Forgiven{{Path: "$.at", At: "$.at", Kind: compare.KindValue, Reason: "timestamp", Rule: -1, Legacy: `"a"`, New: `"b"`, Count: 3}}
	return c
}

func one(t testing.TB, r *reports.Reports, f reports.Filter) reports.RouteReport {
	t.Helper()
	list, err := r.Report(t.Context(), f)
	if err != nil || len(list) != 1 {
		t.Fatalf("Report = %v, %v; want one route", list, err)
	}
	return list[0]
}

func differences(t testing.TB, r *reports.Reports, f reports.Filter) []reports.Group {
	t.Helper()
	groups, err := r.Differences(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return groups
}

func kept(t testing.TB, r *reports.Reports, f reports.Filter) (ids []string) {
	t.Helper()
	f.Limit = -1
	list, _, err := r.Comparisons(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return ids
}

func TestArithmetic(t *testing.T) {
	db := openStore(t, t.TempDir())
	r := openReports(t, db, reports.Config{})
	n := 0
	record := func(c reports.Comparison, times int) {
		for range times {
			n++
			c.ID = fmt.Sprint("a", n)
			r.Record(c)
		}
	}
	record(comparison(0), 90)
	record(forgiving(0), 4)
	unverified := forgiving(0)
	unverified.Unverified = true
	record(unverified, 1)
	record(differing(1, "$.price", compare.KindValue, reports.Mismatch), 2)
	rechecked := differing(1, "$.price", compare.KindValue, reports.Mismatch)
	rechecked.Rechecked = 1
	record(rechecked, 1)
	record(differing(1, "$.stock", compare.KindValue, reports.Transient), 1)
	suspect := differing(1, "$.stock", compare.KindValue, reports.Transient)
	suspect.Suspect = true
	record(suspect, 1)
	record(differing(1, "$.seen", compare.KindValue, reports.Noise), 1)
	broken := comparison(0)
	broken.Verdict, broken.Err, broken.Legacy.Latency = reports.Error, "new's answer broke off", time.Hour
	record(broken, 4)
	for range 7 {
		r.Skip("show", reports.SkipBudget)
	}
	r.Skip("show", reports.SkipTimeout)
	r.Skip("show", reports.SkipUnsupported) // of gRPC, say
	r.Skip("show", reports.Unsupported("hijack"))
	r.Skip("show", reports.Unsupported("a word: no"))
	r.Drop("show")
	r.Fallback("show", "breaker")
	r.Fallback("show", "lost")
	r.Fallback("show", "breaker")
	r.Served("show", "ramp", "new", 200, time.Millisecond)
	r.Served("show", "ramp", "", 503, 3*time.Millisecond)
	r.Served("other", "legacy", "legacy", 200, time.Millisecond)

	want := reports.RouteReport{Name: "show", Stage: "ramp", Served: 2, Compared: 101, Matched: 95, Mismatched: 3, Transient: 2, Noise: 1,
		Forgiven: 15, Errors: 4, Skipped: map[string]int64{"budget": 7, "timeout": 1, "unsupported": 3},
		Unsupported: map[string]int64{"hijack": 1, "other": 1}, Dropped: 1, Unchecked: 2, Suspect: 1, Unverified: 1,
		Fallbacks: map[string]int64{"breaker": 2, "lost": 1},
		Statuses:  []reports.StatusPair{{Legacy: 200, New: 200, Count: 101}}, First: map[string]int64{"legacy": 101}, TimedOut: 8,
		ByStage: []reports.StageCount{{Stage: "shadow", Compared: 101, Mismatched: 3}, {Stage: "ramp", New: 1, Own: 1}}}
	check := func(when string, got reports.RouteReport) {
		t.Helper()
		for _, l := range []struct {
			name      string
			got, want float64
		}{{"legacy p50", got.Legacy.P50, 12}, {"legacy p99", got.Legacy.P99, 12}, {"new p50", got.New.P50, 10}, {"answered p99", got.Answered.P99, 3}, {"upper bound", got.MismatchUpper, 0.0751}, {"ratio p50", got.Ratio.P50, 10. / 12}} {
			if l.got < 0.95*l.want || l.got > 1.05*l.want {
				t.Errorf("%s: %s = %g, want %g", when, l.name, l.got, l.want)
			}
		}
		got.Legacy, got.New, got.Answered, got.MismatchUpper = reports.Latency{}, reports.Latency{}, reports.Latency{}, 0
		got.Ratio = reports.Quantiles{}
		if got.Compared != got.Matched+got.Mismatched+got.Transient+got.Noise {
			t.Errorf("%s: compared %d is not the sum", when, got.Compared)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	check("before a flush", one(t, r, reports.Filter{Route: "show"}))
	flush(t, r)
	check("after a flush", one(t, r, reports.Filter{Route: "show"}))
	check("since an hour", one(t, r, reports.Filter{Route: "show", Since: time.Now().Add(-time.Hour)}))
	if list, err := r.Report(t.Context(), reports.Filter{Since: time.Now().Add(time.Hour)}); err != nil || len(list) != 0 {
		t.Errorf("since the future: %v, %v", list, err)
	}
	if live := r.Live(); len(live) != 2 || live[0].Name != "other" || live[0].MismatchUpper != 1 {
		t.Errorf("Live = %v, want other and show, and 1 as the bound of nothing", live)
	}
	check("reopened", one(t, openReports(t, db, reports.Config{}), reports.Filter{Route: "show"}))
}

func TestGroups(t *testing.T) {
	r := fresh(t, reports.Config{})
	for n := 1; n <= 100; n++ {
		c := differing(n, "$.items[*].price", compare.KindValue, reports.Mismatch)
		again := c.Differences[0]
		again.At = "$.items[7].price"
		c.Differences = append(c.Differences, again) // another place of the same group
		r.Record(c)
		r.Record(forgiving(1000 + n))
	}
	r.Record(differing(2000, "$.items[*].price", compare.KindType, reports.Mismatch))
	r.Record(differing(2001, "$.seen", compare.KindValue, reports.Noise))

	got := differences(t, r, reports.Filter{})
	type row struct {
		Path, Kind, Verdict, Reason string
		Count                       int64
		Samples                     int
	}
	var rows []row
	for _, g := range got {
		rows = append(rows, row{g.Path, g.Kind, g.Verdict, g.Reason, g.Count, len(g.Samples)})
	}
	want := []row{
		{"$.items[*].price", "value", "mismatch", "", 100, 20},
		{"$.items[*].price", "type", "mismatch", "", 1, 1},
		{"$.seen", "value", "noise", "", 1, 1},
		{"$.at", "value", "forgiven", "timestamp", 100, 20},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Fatal(diff)
	}
	prices := got[0]
	if !prices.FirstSeen.Equal(noon.Add(time.Second)) || !prices.LastSeen.Equal(noon.Add(100*time.Second)) {
		t.Errorf("first and last seen: %v, %v", prices.FirstSeen, prices.LastSeen)
	}
	for i, s := range prices.Samples { // the oldest half, and the newest
		n := i + 1
		if i >= 10 {
			n = 81 + i
		}
		want := reports.Sample{ID: fmt.Sprintf("c%05d", n), At: noon.Add(time.Duration(n) * time.Second), Place: "$.items[*].price", Legacy: `"10.00"`, New: fmt.Sprintf(`"10.%02d"`, n)}
		if diff := cmp.Diff(want, s); diff != "" {
			t.Errorf("sample %d: %s", i, diff)
		}
		if c, err := r.Comparison(t.Context(), s.ID); err != nil || c.ID != s.ID {
			t.Errorf("comparison of sample %s: %v", s.ID, err)
		}
	}
	if _, err := r.Comparison(t.Context(), "c00050"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a comparison in the middle: %v, want ErrNotFound", err)
	}
	if got := differences(t, r, reports.Filter{Path: "$.seen", Kind: "value", Route: "show", Limit: 5}); len(got) != 1 {
		t.Errorf("filtered: %v", got)
	}
	if got := differences(t, r, reports.Filter{Limit: 2}); len(got) != 2 {
		t.Errorf("%d groups, want the limit", len(got))
	}
	if got := differences(t, r, reports.Filter{Since: noon.Add(2000 * time.Second)}); len(got) != 2 || got[0].Count != 1 {
		t.Errorf("seen since: %v", got)
	}
}

func TestSamplesStayBoundedOverManyBatches(t *testing.T) {
	db := openStore(t, t.TempDir())
	r := openReports(t, db, reports.Config{SamplesMax: 6})
	for n := 1; n <= 24; n++ {
		r.Record(differing(n, "$.price", compare.KindValue, reports.Mismatch))
		broken := comparison(1000 + n)
		broken.Verdict, broken.Err = reports.Error, "broke off"
		r.Record(broken)
		r.Record(comparison(2000 + n))
		flush(t, r)
	}
	var ids []string
	for _, s := range differences(t, r, reports.Filter{})[0].Samples {
		ids = append(ids, s.ID)
	}
	if diff := cmp.Diff([]string{"c00001", "c00002", "c00003", "c00022", "c00023", "c00024"}, ids); diff != "" {
		t.Error(diff)
	}
	if got := len(kept(t, r, reports.Filter{Verdict: reports.Mismatch})); got != 6 {
		t.Errorf("%d mismatches kept, want 6", got)
	}
	if diff := cmp.Diff([]string{"c01024", "c01023", "c01022", "c01021", "c01020", "c01019"}, kept(t, r, reports.Filter{Verdict: reports.Error})); diff != "" {
		t.Error("errors: " + diff)
	}
	if got := kept(t, r, reports.Filter{Verdict: reports.Match}); len(got) != 20 || got[0] != "c02024" || got[19] != "c02005" {
		t.Errorf("matches kept: %v, want the newest 20", got)
	}
	// What is counted in memory is what is there.
	var size, samples int64
	if err := db.QueryRow(`SELECT sum(size), (SELECT count(*) FROM reports_samples) FROM reports_comparisons`).Scan(&size, &samples); err != nil {
		t.Fatal(err)
	}
	if got := r.Stats().EvidenceBytes; got != size || samples != 6 {
		t.Errorf("%d bytes of evidence counted, %d there; %d samples, want 6", got, size, samples)
	}
}

func TestPages(t *testing.T) {
	r := fresh(t, reports.Config{})
	for n := 1; n <= 7; n++ {
		r.Record(differing(n, "$.price", compare.KindValue, reports.Mismatch))
	}
	other := comparison(8)
	other.Route = "other"
	r.Record(other)
	var pages [][]string
	f := reports.Filter{Route: "show", Limit: 3}
	for {
		list, next, err := r.Comparisons(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, c := range list {
			ids = append(ids, c.ID)
		}
		pages = append(pages, ids)
		if len(pages) == 1 { // what comes between two pages moves nothing
			r.Record(differing(9, "$.price", compare.KindValue, reports.Mismatch))
		}
		if f.After = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff([][]string{{"c00007", "c00006", "c00005"}, {"c00004", "c00003", "c00002"}, {"c00001"}}, pages); diff != "" {
		t.Error(diff)
	}
	if got := kept(t, r, reports.Filter{Path: "$.price", Kind: "value", Since: noon.Add(6 * time.Second)}); len(got) != 3 {
		t.Errorf("filtered: %v", got)
	}
	if _, _, err := r.Comparisons(t.Context(), reports.Filter{After: "x"}); !errors.Is(err, reports.ErrCursor) || !strings.Contains(err.Error(), `"x" is not a cursor`) {
		t.Errorf("a bad cursor: %v", err)
	}
}

func TestGroupsOfARouteAreBounded(t *testing.T) {
	r := fresh(t, reports.Config{SamplesMax: 2})
	for n := range 23 {
		c := differing(n, "$.a", compare.KindValue, reports.Mismatch)
		c.Differences = nil
		for i := range 50 {
			d := differing(n, fmt.Sprintf("$.m%d", n*50+i), compare.KindValue, reports.Mismatch)
			c.Differences = append(c.Differences, d.Differences...)
		}
		r.Record(c)
	}
	groups := differences(t, r, reports.Filter{Limit: -1})
	var sum int64
	for _, g := range groups {
		sum += g.Count
	}
	if len(groups) != 1001 || groups[0].Path != compare.OtherPlaces || groups[0].Count != 3 || sum != 1000+3 {
		t.Errorf("%d groups, the largest %q with %d", len(groups), groups[0].Path, groups[0].Count)
	}
}

func TestSameIDTwice(t *testing.T) {
	r := fresh(t, reports.Config{})
	r.Record(differing(1, "$.a", compare.KindValue, reports.Mismatch))
	r.Record(differing(1, "$.b", compare.KindValue, reports.Mismatch))
	flush(t, r)
	r.Record(differing(1, "$.a", compare.KindValue, reports.Mismatch))
	c, err := r.Comparison(t.Context(), "c00001")
	if err != nil || c.Differences[0].Path != "$.a" {
		t.Errorf("%v, %v; want the first", c, err)
	}
	if got := differences(t, r, reports.Filter{Path: "$.a"}); got[0].Count != 2 || len(got[0].Samples) != 1 {
		t.Errorf("group: %+v, want both counted", got)
	}
}

func TestRunWritesWhatIsLeft(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, dir)
	r := openReports(t, db, reports.Config{})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	r.Record(comparison(1))
	stop()
	running.Wait()
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM reports_comparisons`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d comparisons in the store after Run, %v; want 1", n, err)
	}
}

func TestManyAtOnce(t *testing.T) {
	r := fresh(t, reports.Config{SamplesMax: 4})
	ctx, stop := context.WithCancel(t.Context())
	var running, callers sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	for g := range 8 {
		callers.Go(func() {
			for n := range 200 {
				r.Record(differing(g*1000+n, "$.price", compare.KindValue, reports.Mismatch))
				r.Served("show", "shadow", "legacy", 200, time.Millisecond)
				if n%50 == 0 {
					r.Flush(ctx)
					r.Live()
				}
			}
		})
	}
	callers.Wait()
	got := one(t, r, reports.Filter{})
	group := differences(t, r, reports.Filter{})[0]
	if got.Mismatched != 1600 || got.Served != 1600 || group.Count != 1600 || len(group.Samples) != 4 {
		t.Errorf("%d mismatches, %d served, %d in the group with %d samples", got.Mismatched, got.Served, group.Count, len(group.Samples))
	}
	stop()
	running.Wait()
}
