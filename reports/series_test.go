package reports

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// One comparison and two skips an hour for 12 days, then one of each minute for
// two hours: what is told is what was counted, at whatever grain it is kept.
func TestSeriesAcrossRollUps(t *testing.T) {
	db := openTestStore(t, t.TempDir())
	r := openOver(t, db)
	start := time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC)
	count := func(now time.Time, route string, v Verdict, latency time.Duration) {
		t.Helper()
		c := comparisonOf(route, v)
		c.New.Latency = latency
		r.Record(c)
		r.Served(route, "shadow", "legacy", 200, latency)
		r.Skip(route, SkipBudget)
		r.Skip(route, SkipTimeout)
		if err := r.write(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	const hours = 12 * 24
	for h := range hours {
		count(start.Add(time.Duration(h)*time.Hour), "show", Match, time.Millisecond)
	}
	now := start.Add(hours * time.Hour)
	for m := range 120 {
		now = start.Add(hours*time.Hour + time.Duration(m)*time.Minute)
		count(now, "show", Mismatch, 100*time.Millisecond)
	}
	count(now, "other", Match, time.Millisecond)
	if d := r.number(t, `SELECT count(*) FROM reports_counts WHERE width = 86400`); d < 3 {
		t.Fatalf("%d days: nothing was rolled up", d)
	}

	for _, c := range []struct {
		reason   string
		f        SeriesFilter
		points   int
		seconds  int64
		compared int64
	}{
		{"minutes", SeriesFilter{Route: "show", Since: now.Add(-29 * time.Minute), Points: 30}, 30, 60, 30},
		{"minutes, fewer points than there are", SeriesFilter{Route: "show", Since: now.Add(-29 * time.Minute), Points: 20}, 15, 120, 30},
		{"as many minutes as points, of which two are parts", SeriesFilter{Route: "show", Since: now.Add(-time.Hour), Points: 60}, 61, 60, 61},
		{"less than a second", SeriesFilter{Route: "show", Since: now.Add(time.Second / 2), Points: 60}, 1, 60, 1},
		{"the minute of Since counts whole", SeriesFilter{Route: "show", Since: now.Add(-29*time.Minute + 20*time.Second), Points: 30}, 30, 60, 30},
		{"a part", SeriesFilter{Route: "show", Since: start.Add(hours * time.Hour), Until: start.Add(hours*time.Hour + 10*time.Minute), Points: 60}, 11, 60, 11},
		{"until the start of a minute", SeriesFilter{Route: "show", Since: start.Add(hours * time.Hour), Until: start.Add(hours*time.Hour + 10*time.Minute - 30*time.Second), Points: 60}, 10, 60, 10},
		{"hours", SeriesFilter{Route: "show", Since: now.Add(-49 * time.Hour), Points: 60}, 50, 3600, 120 + 48},
		{"hours, by the day", SeriesFilter{Route: "show", Since: now.Add(-71 * time.Hour), Points: 3}, 3, 24 * 3600, 120 + 70},
		{"days", SeriesFilter{Route: "show", Since: start, Points: 60}, 13, 86400, 120 + hours},
		{"all that was counted", SeriesFilter{Route: "show"}, 13, 86400, 120 + hours},
		{"all routes", SeriesFilter{Points: 1}, 2, 12 * 86400, 120 + hours + 1},
		{"from before there was anything", SeriesFilter{Route: "show", Since: start.Add(-10 * 24 * time.Hour), Points: 100}, 23, 86400, 120 + hours},
		{"nothing counted", SeriesFilter{Route: "show", Since: start.Add(-48 * time.Hour), Until: start.Add(-24 * time.Hour)}, 2, 86400, 0},
		{"hours, of minutes alone", SeriesFilter{Route: "other", Since: now.Add(-10 * time.Hour), Points: 60}, 11, 3600, 1},
		{"an unknown route", SeriesFilter{Route: "gone"}, 0, 0, 0},
		{"the future", SeriesFilter{Route: "show", Since: now.Add(time.Hour)}, 0, 0, 0},
		{"until the future", SeriesFilter{Route: "show", Since: now, Until: now.Add(time.Hour)}, 1, 60, 1},
	} {
		list, err := r.seriesAt(t.Context(), c.f, now.Add(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		var sum Point
		for i, p := range list {
			if p.Seconds != c.seconds || i > 0 && !p.Start.Equal(list[i-1].Start.Add(time.Duration(c.seconds)*time.Second)) {
				t.Errorf("%s: point %d is %d s from %v on, after %v", c.reason, i, p.Seconds, p.Start, list[max(i-1, 0)].Start)
			}
			if grain := min(p.Seconds, 3600); p.Start.Unix()%grain != 0 && p.Seconds >= 3600 || p.Start.Unix()%60 != 0 {
				t.Errorf("%s: point %d begins at %v, in the middle of what is kept", c.reason, i, p.Start)
			}
			if p.Compared != p.Matched+p.Mismatched || p.Served != p.Compared || p.Skipped != 2*p.Compared {
				t.Errorf("%s: point %d: %+v", c.reason, i, p)
			}
			sum.Compared += p.Compared
		}
		if len(list) != c.points || sum.Compared != c.compared {
			t.Errorf("%s: %d points with %d comparisons, want %d with %d", c.reason, len(list), sum.Compared, c.points, c.compared)
		}
		if len(list) > 0 && list[0].Start.After(c.f.Since) && !c.f.Since.IsZero() {
			t.Errorf("%s: begins at %v", c.reason, list[0].Start)
		}
	}
}

// Each point has its own latencies, and an empty one has none.
func TestSeriesPoints(t *testing.T) {
	r := openOver(t, openTestStore(t, t.TempDir()))
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for minute, latency := range map[int]time.Duration{0: 10 * time.Millisecond, 2: 100 * time.Millisecond} {
		for _, v := range []Verdict{Match, Match, Mismatch, Noise, Transient, Error} {
			c := comparisonOf("show", v)
			c.New.Latency = latency
			r.Record(c)
		}
		if err := r.write(t.Context(), noon.Add(time.Duration(minute)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := r.seriesAt(t.Context(), SeriesFilter{Route: "show", Since: noon}, noon.Add(150*time.Second))
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v; want three points", list, err)
	}
	for i, p50 := range []float64{10, 0, 100} {
		p := list[i]
		if got := p.New.P50; got < 0.95*p50 || got > 1.05*p50 {
			t.Errorf("minute %d: p50 %g ms, want %g", i, got, p50)
		}
		p.Legacy, p.New = Latency{}, Latency{}
		want := Point{Start: noon.Add(time.Duration(i) * time.Minute), Seconds: 60}
		if p50 > 0 {
			want.Compared, want.Matched, want.Mismatched, want.Noise, want.Transient, want.Errors = 5, 2, 1, 1, 1, 1
		}
		if p != want {
			t.Errorf("minute %d: %+v, want %+v", i, p, want)
		}
	}
}

// Points cover all of the time that is asked for, are about as many as asked
// for, and begin where what is kept does.
func TestSeriesCoversItsTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grain := rapid.SampledFrom([]int64{60, 3600, 86400}).Draw(t, "grain")
		since := time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "since"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
		until := since.Add(time.Duration(rapid.Int64Range(1, int64(400*24*time.Hour)).Draw(t, "length")))
		points := rapid.IntRange(1, 1000).Draw(t, "points")
		list := spread(SeriesFilter{Since: since, Until: until, Points: points}, grain, nil)
		if len(list) == 0 || len(list) > points+2 {
			t.Fatalf("%d points, asked for %d", len(list), points)
		}
		seconds := list[0].Seconds
		if seconds%grain != 0 || list[0].Start.Unix()%grain != 0 || list[0].Start.After(since) || !list[0].Start.Add(time.Duration(grain)*time.Second).After(since) {
			t.Fatalf("begins at %v with %d s, for %v by %d s", list[0].Start, seconds, since, grain)
		}
		last := list[len(list)-1].Start
		if !last.Before(until) || last.Add(time.Duration(seconds)*time.Second).Before(until) {
			t.Fatalf("the last begins at %v with %d s, until %v", last, seconds, until)
		}
	})
}

// Where the clock was set back there are hours where minutes are looked for:
// they are told as hours.
func TestSeriesWhenTheClockIsSetBack(t *testing.T) {
	r := openOver(t, openTestStore(t, t.TempDir()))
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for minute := range 50 {
		r.Record(comparisonOf("show", Match))
		if err := r.write(t.Context(), noon.Add(time.Duration(minute)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	r.Skip("show", SkipBudget)
	if err := r.write(t.Context(), noon.Add(9*time.Hour)); err != nil { // rolls up the minutes
		t.Fatal(err)
	}
	list, err := r.seriesAt(t.Context(), SeriesFilter{Route: "show", Since: noon.Add(30 * time.Minute)}, noon.Add(90*time.Minute))
	if err != nil || len(list) != 2 || list[0].Compared != 50 || list[0].Seconds != 3600 || !list[0].Start.Equal(noon) {
		t.Errorf("%+v, %v; want the 50 of the hour", list, err)
	}
}

// What is counted at this moment is in the last point.
func TestSeriesHasWhatWasJustCounted(t *testing.T) {
	r := openOver(t, openTestStore(t, t.TempDir()))
	r.Record(comparisonOf("show", Mismatch))
	list, err := r.Series(t.Context(), SeriesFilter{Route: "show", Since: time.Now().Add(-time.Hour), Points: 60})
	if err != nil || len(list) < 60 || len(list) > 62 {
		t.Fatalf("%d points, %v", len(list), err)
	}
	var n int64
	for _, p := range list {
		n += p.Mismatched
	}
	if n != 1 {
		t.Errorf("%d mismatched, want 1", n)
	}
}
