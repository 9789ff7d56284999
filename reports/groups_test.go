package reports

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// recordAt records a comparison that differs at places, so often.
func recordAt(r *Reports, route string, times int, v Verdict, paths ...string) {
	for range times {
		c := comparisonOf(route, v)
		c.Differences = nil
		for _, p := range paths {
			c.Differences = append(c.Differences, foundAtPath(p, v))
		}
		r.Record(c)
	}
}

// pages reads a list page by page, and calls between after each page.
func pages(t *testing.T, r *Reports, f Filter, between func(page int)) []Group {
	t.Helper()
	var all []Group
	for page := 0; ; page++ {
		list, next, err := r.DifferencesPage(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) > f.Limit || next != "" && len(list) < f.Limit {
			t.Fatalf("page %d has %d groups of at most %d, next %q", page, len(list), f.Limit, next)
		}
		all = append(all, list...)
		if next == "" {
			return all
		}
		f.After = next
		between(page)
	}
}

func pathsOf(groups []Group) (paths []string) {
	for _, g := range groups {
		paths = append(paths, g.Path)
	}
	return paths
}

// The pages of a list put together are the list, whatever its order, its filter
// and the length of a page, and with counts that many groups share.
func TestPagesOfDifferencesAreTheList(t *testing.T) {
	r := openOver(t, openTestStore(t, t.TempDir()))
	for i := range 7 {
		recordAt(r, "show", 1+i%3, Mismatch, fmt.Sprintf("$.a%d", i))
		recordAt(r, "list", 1+i%2, Noise, fmt.Sprintf("$.b%d", i), "$.all")
		recordAt(r, "show", 2, Transient, fmt.Sprintf("$.c%d", i))
	}
	if _, err := r.Mark(t.Context(), Mark{Name: "v1", By: "ann"}); err != nil {
		t.Fatal(err)
	}
	recordAt(r, "show", 5, Mismatch, "$.a0", "$.new")
	for _, f := range []Filter{{}, {Order: OrderFound}, {Route: "show"}, {Path: "$.all"}, {SinceMark: "v1"}, {SinceMark: "v1", Order: OrderFound}} {
		f.Limit = -1
		whole, err := r.Differences(t.Context(), f)
		if err != nil || len(whole) == 0 {
			t.Fatalf("%+v: %d groups, %v", f, len(whole), err)
		}
		if f.Order == OrderWorst && !slices.IsSortedFunc(whole, func(a, b Group) int {
			return cmp.Or(cmp.Compare(verdictRanks[a.Verdict], verdictRanks[b.Verdict]), cmp.Compare(b.Count, a.Count), strings.Compare(a.Route, b.Route), strings.Compare(a.Path, b.Path))
		}) {
			t.Errorf("%+v is not sorted: %v", f, pathsOf(whole))
		}
		for f.Limit = 1; f.Limit < 30; f.Limit += 3 {
			if diff := gocmp.Diff(whole, pages(t, r, f, func(int) {})); diff != "" {
				t.Errorf("%+v page by page:\n%s", f, diff)
			}
		}
	}
}

// What is found while a list is read neither shifts it nor hides something of
// it; in the order in which groups were found that holds as well for those that
// rise above others.
func TestPagesStayWhileMoreIsFound(t *testing.T) {
	for _, order := range []Order{OrderWorst, OrderFound} {
		r := openOver(t, openTestStore(t, t.TempDir()))
		for i := range 9 {
			recordAt(r, "show", 10-i, Mismatch, fmt.Sprintf("$.a%d", i))
		}
		before, err := r.Differences(t.Context(), Filter{Order: order})
		if err != nil {
			t.Fatal(err)
		}
		got := pages(t, r, Filter{Order: order, Limit: 2}, func(page int) {
			if page > 3 {
				return // else the list would grow as fast as it is read
			}
			recordAt(r, "show", 20, Mismatch, fmt.Sprintf("$.before%d", page))
			recordAt(r, "show", 1, Noise, fmt.Sprintf("$.behind%d", page))
			if order == OrderFound {
				recordAt(r, "show", 30, Mismatch, "$.a8")
			}
		})
		old := slices.DeleteFunc(pathsOf(got), func(path string) bool { return strings.HasPrefix(path, "$.be") })
		if diff := gocmp.Diff(pathsOf(before), old); diff != "" {
			t.Errorf("order %q:\n%s", order, diff)
		}
		seen := map[string]int{}
		for _, g := range got {
			if seen[g.ID]++; seen[g.ID] > 1 {
				t.Errorf("order %q: %s comes twice", order, g.Path)
			}
		}
	}
}

func TestCursorsOfDifferences(t *testing.T) {
	r := openOver(t, openTestStore(t, t.TempDir()))
	recordAt(r, "show", 1, Mismatch, "$.a", "$.b", "$.c")
	for reason, f := range map[string]Filter{
		"no cursor at all":       {After: "x"},
		"half of one":            {After: "1-"},
		"of no group":            {After: "1-99"},
		"below the first":        {After: "1-0"},
		"of the other order":     {After: "1-1", Order: OrderFound},
		"of the other order too": {After: "1"},
	} {
		if _, _, err := r.DifferencesPage(t.Context(), f); !errors.Is(err, ErrCursor) {
			t.Errorf("%s: %v", reason, err)
		}
	}
	if _, err := r.Differences(t.Context(), Filter{Order: "best"}); err == nil || !strings.Contains(err.Error(), `"best" is no order`) {
		t.Errorf("another order: %v", err)
	}
	_, next, err := r.DifferencesPage(t.Context(), Filter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	// It goes with another limit as well.
	if list, next, err := r.DifferencesPage(t.Context(), Filter{Limit: 2, After: next}); err != nil || len(list) != 2 || next != "" {
		t.Errorf("the rest: %v, %q, %v", pathsOf(list), next, err)
	}
}

// A page of many groups costs what a page has: 200,000 groups, the first page and
// one in the middle.
func BenchmarkPageOfDifferences(b *testing.B) {
	db := openTestStore(b, b.TempDir())
	err := db.Write(b.Context(), func(tx *sql.Tx) error { return plantGroups(b.Context(), tx, 200_000) })
	if err != nil {
		b.Fatal(err)
	}
	r := openOver(b, db)
	for _, f := range []Filter{{}, {After: "500-100000"}, {Order: OrderFound}, {Route: "route7"}} {
		b.Run(fmt.Sprintf("order=%s,after=%s,route=%s", f.Order, f.After, f.Route), func(b *testing.B) {
			for b.Loop() {
				list, _, err := r.DifferencesPage(b.Context(), f)
				if err != nil || len(list) != 100 {
					b.Fatal(len(list), err)
				}
			}
		})
	}
}

func plantGroups(ctx context.Context, tx *sql.Tx, n int) error {
	_, err := tx.ExecContext(ctx, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO reports_groups (route, path, kind, verdict, reason, count, first_seen, last_seen, public_id)
		SELECT 'route' || (i % 400), '$.p' || i, 'value', CASE i % 3 WHEN 0 THEN 'noise' ELSE 'mismatch' END, '', 1 + i % 1000, i, i, printf('%016d', i) FROM n`, n)
	return err
}
