package reports

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/store"
)

// comparisonOf is a comparison with one difference, or none.
func comparisonOf(route string, v Verdict) Comparison {
	c := Comparison{At: time.Now(), Route: route, Stage: "shadow", First: "legacy", Verdict: v, Legacy: Side{Latency: time.Millisecond}, New: Side{Latency: time.Millisecond}}
	if v != Match && v != Error {
		c.Differences = []Found{{compare.Difference{Path: "$.a", At: "$.a", Kind: compare.KindValue}, v}}
	}
	return c
}

func openTestStore(t testing.TB, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), dir, Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openOver(t testing.TB, db *store.DB) *Reports {
	t.Helper()
	r, err := Open(context.Background(), db, Config{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Sparks count by the minute, fall out of the hour, and are the same after a
// restart.
func TestSparks(t *testing.T) {
	db := openTestStore(t, t.TempDir())
	r := openOver(t, db)
	start := time.Date(2026, 11, 1, 12, 0, 30, 0, time.UTC)
	at := func(minute int, verdicts ...Verdict) {
		t.Helper()
		for _, v := range verdicts {
			r.Record(comparisonOf("show", v))
		}
		if err := r.write(t.Context(), start.Add(time.Duration(minute)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, r *Reports, minute int, want map[int][2]int64) {
		t.Helper()
		var spark Spark
		for m, n := range want {
			spark.Compared[m], spark.Mismatched[m] = n[0], n[1]
		}
		got := r.sparksAt(start.Add(time.Duration(minute) * time.Minute))
		if spark == (Spark{}) && len(got) != 0 || got["show"] != spark {
			t.Errorf("%s: %+v, want %+v", when, got["show"], spark)
		}
	}
	r.Record(comparisonOf("show", Mismatch))
	check("not written yet", r, 0, map[int][2]int64{59: {1, 1}})
	at(0, Match, Match, Mismatch, Error)
	at(0, Noise, Transient)
	at(3, Match)
	for when, r := range map[string]*Reports{"as counted": r, "after a restart": openOver(t, db)} {
		check(when, r, 3, map[int][2]int64{56: {6, 2}, 59: {1, 0}})
		check(when+", later", r, 59, map[int][2]int64{0: {6, 2}, 3: {1, 0}})
		check(when+", an hour later", r, 60, map[int][2]int64{2: {1, 0}})
		check(when+", hours later", r, 200, nil)
	}
	at(61, Mismatch) // takes the place of minute 1
	at(63, Match)    // takes that of minute 3
	r = openOver(t, db)
	at(62, Match) // the clock was set back
	check("around the ring", r, 63, map[int][2]int64{57: {1, 1}, 58: {1, 0}, 59: {1, 0}})
	check("read by a clock that was set back", r, 30, nil)
	at(1000, Match)
	check("after a long silence", r, 1000, map[int][2]int64{59: {1, 0}})
}

// What one process has compared another one sees after it has read it.
func TestSparksOfTwoProcesses(t *testing.T) {
	db := openTestStore(t, t.TempDir())
	a, b := openOver(t, db), openOver(t, db)
	for range 3 {
		for _, r := range []*Reports{a, b} {
			r.Record(comparisonOf("show", Mismatch))
			if err := r.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := a.Reread(t.Context()); err != nil {
		t.Fatal(err)
	}
	for what, r := range map[string]*Reports{"of both": a, "after a restart": openOver(t, db)} {
		var compared, mismatched int64
		s := r.Sparks()["show"]
		for i := range s.Compared {
			compared, mismatched = compared+s.Compared[i], mismatched+s.Mismatched[i]
		}
		if compared != 6 || mismatched != 6 {
			t.Errorf("%s: %d compared, %d mismatched; want 6", what, compared, mismatched)
		}
	}
}

// BenchmarkSparks reads 2,000 routes that have compared something every minute.
func BenchmarkSparks(b *testing.B) {
	r := openOver(b, openTestStore(b, b.TempDir()))
	now := time.Now()
	for route := range 2000 {
		c := &counts{}
		for minute := range 60 {
			c.mergeRecent(&sparkRing{})
			c.Recent.add(now.Unix()/60-59+int64(minute), 7, 1)
		}
		r.totals[fmt.Sprint(route)] = c
	}
	b.ReportAllocs()
	for b.Loop() {
		if n := len(r.sparksAt(now)); n != 2000 {
			b.Fatalf("%d routes", n)
		}
	}
}
