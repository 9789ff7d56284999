package reports_test

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

// What is measured beside the verdict, in memory, in the store and by the
// minute.
func TestMeasures(t *testing.T) {
	db := openStore(t, t.TempDir())
	r := openReports(t, db, reports.Config{})
	n := 0
	record := func(times int, change func(*reports.Comparison)) {
		for range times {
			n++
			c := comparison(n)
			c.Legacy.Latency, c.New.Latency = 10*time.Millisecond, 10*time.Millisecond
			change(&c)
			r.Record(c)
		}
	}
	record(50, func(*reports.Comparison) {})
	record(46, func(c *reports.Comparison) { c.First, c.New.Latency = "new", 40*time.Millisecond })
	record(3, func(c *reports.Comparison) {
		c.Verdict, c.Differences = reports.Mismatch, differing(1, "status", compare.KindStatus, reports.Mismatch).Differences
		c.Legacy.Answer.Status, c.New.Answer.Status = 404, 500
		c.First, c.Writes, c.New.Latency = "", reports.WritesDecoded, time.Second
	})
	record(1, func(c *reports.Comparison) { c.Writes, c.Legacy.Latency = reports.WritesCounted, 0 }) // no ratio
	for _, err := range []string{"the answer broke off: read tcp 127.0.0.1:4000: i/o timeout", "context deadline exceeded", "the answer broke off: unexpected EOF"} {
		record(1, func(c *reports.Comparison) {
			c.Verdict, c.Err, c.Writes, c.Legacy.Answer.Status, c.New.Latency = reports.Error, err, reports.WritesDecoded, 0, time.Hour
		})
	}
	for _, reason := range []string{reports.SkipTimeout, reports.SkipBudget, reports.SkipBudget, reports.SkipStale, reports.SkipUnreachable} {
		r.Skip("show", reason)
	}

	check := func(when string, got reports.RouteReport) {
		t.Helper()
		if diff := cmp.Diff([]reports.StatusPair{{Legacy: 200, New: 200, Count: 97}, {Legacy: 404, New: 500, Count: 3}}, got.Statuses); diff != "" {
			t.Errorf("%s: statuses: %s", when, diff)
		}
		if diff := cmp.Diff(map[string]int64{"legacy": 51, "new": 46}, got.First); diff != "" {
			t.Errorf("%s: first: %s", when, diff)
		}
		if diff := cmp.Diff(map[string]int64{"level 1": 1, "level 4": 3}, got.WritesCompared); diff != "" {
			t.Errorf("%s: writes: %s", when, diff)
		}
		if q := got.Ratio; q.P50 != 1 || q.P99 < 95 || q.P99 > 105 {
			t.Errorf("%s: ratio %+v, want 1 and about 100", when, q)
		}
		if got.TimedOut != 4+2 || got.Errors != 3 {
			t.Errorf("%s: %d timed out, %d errors; want 6 and 3", when, got.TimedOut, got.Errors)
		}
	}
	check("before a flush", one(t, r, reports.Filter{}))
	flush(t, r)
	check("after a flush", one(t, r, reports.Filter{}))
	check("since an hour", one(t, r, reports.Filter{Since: time.Now().Add(-time.Hour)}))
	check("reopened", one(t, openReports(t, db, reports.Config{}), reports.Filter{}))
}

// Where the latency of a side is not known there is no ratio.
func TestNoRatioWithoutLatencies(t *testing.T) {
	r := fresh(t, reports.Config{})
	for n, side := range []func(*reports.Comparison) *reports.Side{
		func(c *reports.Comparison) *reports.Side { return &c.Legacy }, func(c *reports.Comparison) *reports.Side { return &c.New },
	} {
		c := comparison(n)
		side(&c).Latency = 0
		r.Record(c)
	}
	if got := one(t, r, reports.Filter{}); got.Compared != 2 || got.Ratio != (reports.Quantiles{}) {
		t.Errorf("%d compared, ratio %+v; want 2 and none", got.Compared, got.Ratio)
	}
}

// A backend that makes statuses up fills no store, and none of its comparisons
// is lost.
func TestStatusPairsAreBounded(t *testing.T) {
	db := openStore(t, t.TempDir())
	r := openReports(t, db, reports.Config{})
	for n := range 500 {
		c := comparison(n)
		c.New.Answer.Status = 200 + n%100
		r.Record(c)
		if n%150 == 0 {
			flush(t, r)
		}
	}
	check := func(when string, r *reports.Reports) {
		t.Helper()
		pairs := one(t, r, reports.Filter{}).Statuses
		var sum int64
		for _, p := range pairs {
			sum += p.Count
		}
		if len(pairs) != 64 || sum != 500 || pairs[0].Legacy != 0 || pairs[0].New != 0 {
			t.Errorf("%s: %d pairs with %d comparisons, first %+v; want 64, 500, the others first", when, len(pairs), sum, pairs[0])
		}
		if !slices.IsSortedFunc(pairs, func(a, b reports.StatusPair) int { return int(b.Count - a.Count) }) {
			t.Errorf("%s: not the most frequent first: %v", when, pairs)
		}
	}
	check("before", r)
	flush(t, r)
	check("reopened", openReports(t, db, reports.Config{}))
}

// What older versions have counted has none of this.
func TestCountersOfOlderVersionsHaveNoMeasures(t *testing.T) {
	db := openStore(t, t.TempDir())
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO reports_counts (route, width, start, data) VALUES ('show', 0, 0, CAST('{"served":[[0,0,0,0,0,0],[0,0,0,0,0,0],[0,0,0,0,0,0]],"matched":7,"skipped":{"timeout":2}}' AS BLOB))`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r := openReports(t, db, reports.Config{})
	r.Record(comparison(1))
	got := one(t, r, reports.Filter{})
	if got.Compared != 8 || got.TimedOut != 2 || fmt.Sprint(got.Statuses) != "[{200 200 1}]" || got.First["legacy"] != 1 {
		t.Errorf("%+v", got)
	}
}

// What was counted in a stage stays with it when the route has moved on.
func TestCountsByStage(t *testing.T) {
	db := openStore(t, t.TempDir())
	r := openReports(t, db, reports.Config{})
	for _, stage := range []string{"new", "ramp", "legacy", "shadow"} {
		for _, side := range []string{"legacy", "new", "new", ""} {
			r.Served("show", stage, side, 200, time.Millisecond)
		}
		c := comparison(1)
		c.Stage = stage
		r.Record(c)
		c = differing(2, "$.price", compare.KindValue, reports.Mismatch)
		c.Stage = stage
		r.Record(c)
		c.Verdict = reports.Error
		r.Record(c)
		flush(t, r)
	}
	var want []reports.StageCount
	for _, stage := range []string{"legacy", "shadow", "ramp", "new"} {
		want = append(want, reports.StageCount{Stage: stage, Legacy: 1, New: 2, Own: 1, Compared: 2, Mismatched: 1})
	}
	for when, r := range map[string]*reports.Reports{"as counted": r, "after a restart": openReports(t, db, reports.Config{})} {
		if diff := cmp.Diff(want, one(t, r, reports.Filter{}).ByStage); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
}
