package reports_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

// The oldest samples stay the oldest, also over restarts, each of which has
// room for some more; in every kind of group.
func TestOldestAndNewestSamplesOverRestarts(t *testing.T) {
	db := openStore(t, t.TempDir())
	var r *reports.Reports
	n := 0
	for restart := range 5 {
		r = openReports(t, db, reports.Config{SamplesMax: 6})
		for range 7 {
			n++
			r.Record(differing(n, "$.price", compare.KindValue, reports.Mismatch))
			r.Record(differing(1000+n, "$.seen", compare.KindValue, reports.Noise))
			r.Record(differing(2000+n, "$.stock", compare.KindValue, reports.Transient))
			r.Record(forgiving(3000 + n))
			if n%3 == restart%2 {
				flush(t, r)
			}
		}
		flush(t, r)
	}
	for path, from := range map[string]int{"$.price": 0, "$.seen": 1000, "$.stock": 2000, "$.at": 3000} {
		var ids, want []string
		for _, s := range differences(t, r, reports.Filter{Path: path})[0].Samples {
			ids = append(ids, s.ID)
		}
		for _, i := range []int{1, 2, 3, 33, 34, 35} {
			want = append(want, fmt.Sprintf("c%05d", from+i))
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

// However many matches come after a failure, and of however many routes: it is
// they that make way.
func TestFailuresOutliveMatches(t *testing.T) {
	const most = 60_000
	r := fresh(t, reports.Config{EvidenceMax: most})
	broken := comparison(1)
	broken.Verdict, broken.Err = reports.Error, "the answer broke off"
	r.Record(broken)
	for n, verdict := range []reports.Verdict{reports.Mismatch, reports.Noise, reports.Transient} {
		r.Record(differing(2+n, "$.price", compare.KindValue, verdict))
	}
	for n := range 2000 {
		c := comparison(100 + n)
		c.Route = fmt.Sprint("route", n%50)
		r.Record(c)
		if n%200 == 199 {
			flush(t, r)
		}
	}
	for n, verdict := range []reports.Verdict{reports.Error, reports.Mismatch, reports.Noise, reports.Transient} {
		if diff := cmp.Diff([]string{fmt.Sprintf("c%05d", 1+n)}, kept(t, r, reports.Filter{Verdict: verdict})); diff != "" {
			t.Errorf("%s: %s", verdict, diff)
		}
	}
	matches := len(kept(t, r, reports.Filter{Verdict: reports.Match}))
	if got := r.Stats().EvidenceBytes; got > most || got < most/2 || matches == 0 {
		t.Errorf("%d bytes with %d matches, want the most of %d", got, matches, most)
	}
}

// Evidence that is too old goes, whatever it shows; what was counted stays.
func TestOldEvidenceGoes(t *testing.T) {
	db := openStore(t, t.TempDir())
	r := openReports(t, db, reports.Config{})
	record := func(n int, age time.Duration) {
		c := differing(n, "$.price", compare.KindValue, reports.Mismatch)
		c.At = time.Now().Add(-age)
		r.Record(c)
	}
	record(1, 49*time.Hour)
	record(2, 47*time.Hour)
	record(3, 0)
	if got := kept(t, r, reports.Filter{}); len(got) != 3 {
		t.Fatalf("%v are kept without a bound", got)
	}
	r = openReports(t, db, reports.Config{EvidenceAge: 48 * time.Hour})
	flush(t, r)
	if diff := cmp.Diff([]string{"c00003", "c00002"}, kept(t, r, reports.Filter{})); diff != "" {
		t.Error(diff)
	}
	g := differences(t, r, reports.Filter{})[0]
	if g.Count != 3 || len(g.Samples) != 2 || time.Since(g.FirstSeen) < 48*time.Hour || one(t, r, reports.Filter{}).Mismatched != 3 {
		t.Errorf("counts go with the evidence: %+v", g)
	}
	var size int64
	if err := db.QueryRow(`SELECT sum(size) FROM reports_comparisons`).Scan(&size); err != nil || size != r.Stats().EvidenceBytes {
		t.Errorf("%d bytes counted, %d there, %v", r.Stats().EvidenceBytes, size, err)
	}
}
