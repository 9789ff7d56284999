package reports

import (
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/store"
)

// foundAtPath is a difference at a path.
func foundAtPath(path string, v Verdict) Found {
	return Found{compare.Difference{Path: path, At: path, Kind: compare.KindValue, Legacy: "1", New: "2"}, v}
}

func groupAt(t *testing.T, r *Reports, path string, f Filter) Group {
	t.Helper()
	f.Path = path
	list, err := r.Differences(t.Context(), f)
	if err != nil || len(list) != 1 {
		t.Fatalf("groups at %s: %+v, %v; want one", path, list, err)
	}
	return list[0]
}

// A field that is broken alone weighs 1, one in another body altogether as much
// as the body has places. The share is of what the route has compared.
func TestGroupsHaveWeightAndShare(t *testing.T) {
	db := openTestStore(t, t.TempDir())
	r := openOver(t, db)
	record := func(times int, v Verdict, change func(*Comparison)) {
		for range times {
			c := comparisonOf("show", v)
			c.Differences = nil
			change(&c)
			r.Record(c)
		}
	}
	record(5, Match, func(c *Comparison) {})
	record(3, Mismatch, func(c *Comparison) { c.Differences = []Found{foundAtPath("$.price", Mismatch)} })
	record(1, Mismatch, func(c *Comparison) {
		for i := range 9 {
			c.Differences = append(c.Differences, foundAtPath(fmt.Sprintf("$.other%d", i), Mismatch))
		}
		c.Differences = append(c.Differences, foundAtPath("$.price", Mismatch))
		c.Forgiven = []compare.Forgiven{{Path: "$.at", At: "$.at", Kind: compare.KindValue, Reason: "timestamp", Rule: -1, Count: 4}}
	})
	record(1, Match, func(c *Comparison) {
		c.Forgiven = []compare.Forgiven{{Path: "$.at", At: "$.at", Kind: compare.KindValue, Reason: "timestamp", Rule: -1, Count: 4}}
	})
	record(2, Error, func(c *Comparison) { c.Differences = []Found{foundAtPath("$.half", Mismatch)} }) // not among compared
	for range 40 {
		r.Record(comparisonOf("other", Match))
	}
	check := func(when string, r *Reports) {
		t.Helper()
		for path, want := range map[string]struct {
			count         int64
			share, weight float64
		}{
			"$.price":  {4, 0.4, (3*1 + 10) / 4.},
			"$.other3": {1, 0.1, 10},
			"$.at":     {2, 0.2, (14 + 4) / 2.},
			"$.half":   {2, 0.2, 1},
		} {
			for _, f := range []Filter{{}, {Since: time.Now().Add(-time.Hour)}} {
				if g := groupAt(t, r, path, f); g.Count != want.count || g.Share != want.share || g.Weight != want.weight {
					t.Errorf("%s, since %v: %s: %d, share %g, weight %g; want %+v", when, f.Since, path, g.Count, g.Share, g.Weight, want)
				}
			}
		}
	}
	check("as counted", r)
	check("after a restart", openOver(t, db))
	record(10, Match, func(c *Comparison) {})
	if g := groupAt(t, r, "$.price", Filter{}); g.Share != 0.2 {
		t.Errorf("share %g after as many matches again, want 0.2", g.Share)
	}
}

// The trend goes by hours of the clock, whatever the store keeps them by.
func TestGroupsHaveTheirLast24Hours(t *testing.T) {
	r := openOver(t, openTestStore(t, t.TempDir()))
	noon := time.Date(2026, 11, 1, 12, 0, 30, 0, time.UTC)
	var want [24]int64
	for h := -30; h <= 0; h++ { // most are rolled up to hours on the way
		for range 31 + h {
			r.Record(comparisonOf("show", Mismatch))
		}
		if h >= -23 {
			want[23+h] = int64(31 + h)
		}
		if err := r.write(t.Context(), noon.Add(time.Duration(h)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	r.Record(comparisonOf("show", Mismatch))
	if err := r.write(t.Context(), noon.Add(59*time.Minute)); err != nil { // the same hour
		t.Fatal(err)
	}
	want[23]++
	if n := r.number(t, `SELECT count(*) FROM reports_group_counts WHERE width = 3600`); n < 20 {
		t.Fatalf("%d hours: nothing was rolled up", n)
	}
	recent := func(now time.Time) [24]int64 {
		t.Helper()
		groups, err := r.groups(t.Context(), Filter{})
		if err != nil || len(groups) != 1 {
			t.Fatalf("%+v, %v", groups, err)
		}
		of, err := r.recent(t.Context(), groups, now)
		if err != nil {
			t.Fatal(err)
		}
		return of[groups[0].id]
	}
	if diff := cmp.Diff(want, recent(noon.Add(59*time.Minute))); diff != "" {
		t.Error(diff)
	}
	later := [24]int64{}
	copy(later[:], want[3:])
	if diff := cmp.Diff(later, recent(noon.Add(3*time.Hour))); diff != "" {
		t.Errorf("three hours later: %s", diff)
	}
	if got := recent(noon.Add(100 * time.Hour)); got != [24]int64{} {
		t.Errorf("days later: %v", got)
	}
}

// What a page shows is up to now.
func TestRecentIsUpToNow(t *testing.T) {
	r := openOver(t, openTestStore(t, t.TempDir()))
	r.Record(comparisonOf("show", Mismatch))
	g := groupAt(t, r, "$.a", Filter{})
	if n := g.Recent[23] + g.Recent[22]; n != 1 { // the hour may have struck meanwhile
		t.Errorf("%v, want one in the last hour", g.Recent)
	}
}

// A link to a difference holds in another store. The value is what it is for
// good: sha256 of "4:show,3:$.a,5:value,8:mismatch,0:,".
func TestGroupsHaveStableIDs(t *testing.T) {
	const id = "ho2sayp7qilfxzv6"
	if !regexp.MustCompile(`^[a-z2-7]{16}$`).MatchString(id) {
		t.Fatal(id)
	}
	for range 2 {
		r := openOver(t, openTestStore(t, t.TempDir()))
		r.Record(comparisonOf("other", Mismatch)) // takes the first number of the store
		r.Record(comparisonOf("show", Mismatch))
		g, err := r.Difference(t.Context(), id)
		if err != nil || g.ID != id || g.Route != "show" || g.Path != "$.a" || g.Count != 1 || len(g.Samples) != 1 {
			t.Errorf("%+v, %v", g, err)
		}
		list, _, err := r.Comparisons(t.Context(), Filter{Group: id})
		if err != nil || len(list) != 1 || list[0].Route != "show" {
			t.Errorf("comparisons that have it: %+v, %v", list, err)
		}
	}
	parts := []groupKey{{"a", "b", "c", "d", ""}, {"ab", "", "c", "d", ""}, {"", "ab", "c", "d", ""}, {"a", "b", "c", "", "d"}, {"a", "1:b,1:c", "", "d", ""}}
	known := map[string]bool{}
	for _, k := range parts {
		known[k.id()] = true
	}
	if len(known) != len(parts) {
		t.Errorf("different keys have one id: %v", known)
	}
	r := openOver(t, openTestStore(t, t.TempDir()))
	for _, unknown := range []string{id, "", "x"} {
		if _, err := r.Difference(t.Context(), unknown); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%q: %v, want ErrNotFound", unknown, err)
		}
	}
}

// Groups of a store that an older version has left get their ids when it is
// opened, and their weight is of what was weighed.
func TestGroupsOfOlderVersions(t *testing.T) {
	db := openTestStore(t, t.TempDir())
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO reports_groups (route, path, kind, verdict, reason, count, first_seen, last_seen) VALUES ('show', '$.a', 'value', 'mismatch', '', 7, 1, 2)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r := openOver(t, db)
	id := groupKey{"show", "$.a", "value", "mismatch", ""}.id()
	if g, err := r.Difference(t.Context(), id); err != nil || g.Count != 7 || g.Weight != 0 {
		t.Errorf("%+v, %v; want 7 that nobody has weighed", g, err)
	}
	c := comparisonOf("show", Mismatch)
	c.Differences = append(c.Differences, foundAtPath("$.b", Mismatch))
	r.Record(c)
	if g, err := r.Difference(t.Context(), id); err != nil || g.Count != 8 || g.Weight != 2 {
		t.Errorf("%+v, %v; want 8, of which one weighs 2", g, err)
	}
}
