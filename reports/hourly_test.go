package reports

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/compare"
)

// hourlyWorld are two processes over one store, at a time that the test makes.
type hourlyWorld struct {
	*testing.T
	random *rand.Rand
	r      [2]*Reports
	now    time.Time
	events int
}

// told are the reports of sums, by route. Of what has more names than there is
// room for, the order of the buckets says which are told apart.
func (w *hourlyWorld) told(sums map[string]*counts, err error) map[string]RouteReport {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	list := map[string]RouteReport{}
	for name, c := range sums {
		r := c.report(name)
		if c.full() {
			all := map[string]int64{}
			for _, n := range r.Skipped {
				all["all"] += n
			}
			r.Skipped, r.Statuses = all, nil
		}
		list[name] = r
	}
	return list
}

// plainly is the sum of the buckets that end after since.
func (w *hourlyWorld) plainly(since time.Time) (map[string]*counts, error) {
	sums := map[string]*counts{}
	err := eachCounts(w.Context(), w.r[0].db, `SELECT route, data FROM reports_counts WHERE width > 0 AND start + width > ?`, []any{since.Unix()}, func(route string, c *counts) {
		mergeInto(sums, map[string]*counts{route: c})
	})
	return sums, err
}

// openCount is how much is open of a route, and the most frequent of it.
type openCount struct {
	Groups int
	Most   int64
	Path   string
}

func (w *hourlyWorld) open(byRoute map[string]OpenDifferences, err error) map[string]openCount {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	list := map[string]openCount{}
	for route, o := range byRoute {
		list[route] = openCount{o.Count, o.Most.Count, o.Most.Path}
	}
	return list
}

// plainlyOpen is open by the sum of the buckets.
func (w *hourlyWorld) plainlyOpen(since time.Time) map[string]openCount {
	w.Helper()
	rows, err := w.r[0].db.QueryContext(w.Context(), `SELECT route, path, coalesce(sum(c.count), 0) AS n FROM reports_groups g
		LEFT JOIN reports_group_counts c ON c.group_id = g.id AND c.start + c.width > ?
		WHERE verdict IN ('mismatch', 'noise') AND last_seen >= ? GROUP BY g.id ORDER BY n DESC, path, kind, id`, since.Unix(), since.UnixMicro())
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	list := map[string]openCount{}
	for rows.Next() {
		var route, path string
		var n int64
		if err := rows.Scan(&route, &path, &n); err != nil {
			w.Fatal(err)
		}
		o := list[route]
		if o.Groups++; o.Groups == 1 {
			o.Most, o.Path = n, path
		}
		list[route] = o
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
	return list
}

func (w *hourlyWorld) happen(r *Reports) {
	w.events++
	n := w.random.IntN(4)
	route := fmt.Sprint("r", w.random.IntN(4))
	switch w.random.IntN(6) {
	case 0:
		r.Served(route, stageOrder[n], sideNames[n%3], 200+100*n, time.Duration(n)*time.Millisecond)
	case 1:
		r.Skip(route, "budget")
	case 2:
		r.Skip("wild", fmt.Sprint("reason", w.random.IntN(70))) // more than there is room for
	case 3:
		r.Fallback(route, "lost")
	case 4:
		c := Comparison{Route: route, Stage: stageOrder[n], Verdict: []Verdict{Match, Mismatch, Noise, Error}[n], Writes: WritesCounted, First: "new"}
		c.Legacy.Latency, c.New.Latency = time.Duration(1+n)*time.Millisecond, 2*time.Millisecond
		c.Legacy.Answer.Status, c.New.Answer.Status = 200, 200+n
		c.At = w.now
		for range w.random.IntN(3) {
			c.Differences = append(c.Differences, Found{compare.Difference{Path: fmt.Sprint("$.p", w.random.IntN(4)), Kind: compare.KindValue}, c.Verdict})
		}
		r.Record(c)
	case 5:
		c := Comparison{Route: "odd", Stage: "shadow", Verdict: Match}
		c.Legacy.Answer.Status = 200 + w.random.IntN(90)
		r.Record(c)
	}
}

// step lets some time go by, and something happen in it.
func (w *hourlyWorld) step() {
	switch w.random.IntN(12) {
	case 0:
		w.now = w.now.Add(time.Duration(w.random.IntN(30)) * time.Hour)
	case 1, 2, 3, 4:
		w.now = w.now.Add(time.Duration(w.random.IntN(70)) * time.Minute)
	default:
		w.now = w.now.Add(time.Duration(w.random.IntN(90)) * time.Second)
	}
	i := w.random.IntN(2)
	for range w.random.IntN(4) {
		w.happen(w.r[i])
	}
	at := w.now
	switch w.random.IntN(40) {
	case 0: // the clock is set back
		w.now = w.now.Add(-time.Duration(w.random.IntN(200)) * time.Minute)
	case 1, 2: // a batch that comes late
		at = at.Add(-time.Duration(w.random.IntN(100)) * time.Second)
	case 3: // a restart; what was not written is lost, as with kill -9
		fresh, err := Open(w.Context(), w.r[i].db, Config{})
		if err != nil {
			w.Fatal(err)
		}
		w.r[i] = fresh
	}
	if err := w.r[i].write(w.Context(), at); err != nil {
		w.Fatal(err)
	}
}

// TestSinceIsTheSumOfTheBuckets: whatever happens, with two processes over one
// store, restarts, late batches, a clock that is set back, and buckets that move
// on to the next tier.
func TestSinceIsTheSumOfTheBuckets(t *testing.T) {
	var quick, asked int
	for seed := range uint64(12 / lessUnderRace) {
		r := openTest(t, Config{})
		second, err := Open(t.Context(), r.db, Config{})
		if err != nil {
			t.Fatal(err)
		}
		w := &hourlyWorld{T: t, random: rand.New(rand.NewPCG(seed, 0)), r: [2]*Reports{r, second}, now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
		for i := range maxReasons - 5 { // nearly full, so that there is no room soon
			r.Skip("wild", fmt.Sprint("reason", i))
			odd := Comparison{Route: "odd", Verdict: Match}
			odd.Legacy.Answer.Status = 200 + i
			r.Record(odd)
		}
		for range 150 {
			w.step()
			since := w.now.Add(-[]time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour, 168 * time.Hour, time.Duration(w.random.IntN(20*24*60)) * time.Minute}[w.random.IntN(5)])
			want := w.told(w.plainly(since))
			if diff := cmp.Diff(want, w.told(w.r[w.random.IntN(2)].sinceTime(t.Context(), "", since))); diff != "" {
				t.Fatalf("seed %d, at %v since %v, after %d events:\n%s", seed, w.now, since, w.events, diff)
			}
			if diff := cmp.Diff(w.plainlyOpen(since), w.open(w.r[0].unknown(t.Context(), Filter{Since: since}))); diff != "" {
				t.Fatalf("seed %d, open at %v since %v, after %d events:\n%s", seed, w.now, since, w.events, diff)
			}
			if asked++; w.isQuick(since) {
				quick++
			}
		}
	}
	t.Logf("%d of %d were told by the hour", quick, asked)
	if quick < asked/4 || quick == asked {
		t.Errorf("%d of %d were told by the hour, want some and some not", quick, asked)
	}
}

func (w *hourlyWorld) isQuick(since time.Time) bool {
	w.Helper()
	tx, err := w.r[0].db.BeginTx(context.Background(), nil)
	if err != nil {
		w.Fatal(err)
	}
	defer tx.Rollback()
	var groups map[int64]int64
	known, err := stoodAt(w.Context(), tx, "groups", since, &groups)
	if err != nil {
		w.Fatal(err)
	}
	return known
}

// A route that is counted each quarter of an hour for eight days, or each hour, is
// told by the hour since each hour that is kept, and no more hours are kept than
// that.
func TestHoursAreKeptForThoseOfThePages(t *testing.T) {
	r := openTest(t, Config{})
	w := &hourlyWorld{T: t, r: [2]*Reports{r, r}, now: time.Date(2026, 3, 1, 0, 0, 30, 0, time.UTC)}
	for range 8 * 24 * 4 / lessUnderRace {
		w.now = w.now.Add(lessUnderRace * 15 * time.Minute)
		r.Skip("show", strings.Repeat("x", 10))
		if err := r.write(t.Context(), w.now); err != nil {
			t.Fatal(err)
		}
	}
	for _, ago := range []time.Duration{5 * time.Hour, 24 * time.Hour, 168 * time.Hour} {
		if !w.isQuick(w.now.Add(-ago)) {
			t.Errorf("since %v ago is not told by the hour", ago)
		}
	}
	if n := r.number(t, `SELECT count(*) FROM reports_hourly`); n != hourlyKept/3600+1 {
		t.Errorf("%d hours are kept, want %d", n, hourlyKept/3600+1)
	}
}
