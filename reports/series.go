package reports

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// SeriesFilter says of what and when a series is.
type SeriesFilter struct {
	Route  string    // "" = all together: reads every route's counters
	Since  time.Time // zero = since something was counted; at most 400 days ago
	Until  time.Time // zero, or later than now = now
	Points int       // into about so many, two more at most: Since and Until are seldom on a border; default 60, at most 1,000
}

// Point is what was counted in the Seconds from Start on.
type Point struct {
	Start      time.Time `json:"start"`
	Seconds    int64     `json:"seconds"` // the same in all points of a series
	Served     int64     `json:"served"`
	Compared   int64     `json:"compared"` // matched + mismatched + transient + noise
	Matched    int64     `json:"matched"`
	Mismatched int64     `json:"mismatched"`
	Transient  int64     `json:"transient"`
	Noise      int64     `json:"noise"`
	Errors     int64     `json:"errors"`
	Skipped    int64     `json:"skipped"` // for whatever reason
	Legacy     Latency   `json:"legacy"`  // of compared requests; 0 when there was none
	New        Latency   `json:"new"`
}

const pointsMax = 1000

// Series counts by time, the oldest first: evenly spaced, with points where
// nothing was counted too. Points are as long as whole minutes, hours or days,
// whatever the counters of the time since Since are still kept by (see
// Filter.Since), so that none was shared out. The first begins with the minute,
// hour or day that Since is in, and the last may go on beyond Until.
func (r *Reports) Series(ctx context.Context, f SeriesFilter) ([]Point, error) {
	r.flushed(ctx)
	list, err := r.seriesAt(ctx, f, time.Now())
	if err != nil {
		return nil, fmt.Errorf("read the series of route %q: %w", f.Route, err)
	}
	return list, nil
}

func (r *Reports) seriesAt(ctx context.Context, f SeriesFilter, now time.Time) ([]Point, error) {
	if f.Until.IsZero() || f.Until.After(now) {
		f.Until = now
	}
	oldest := now.Add(-time.Duration(tiers[len(tiers)-1].keep) * time.Second)
	if f.Since.IsZero() {
		first, err := r.firstCounted(ctx, f.Route)
		if err != nil || first.IsZero() {
			return nil, err
		}
		f.Since = first
	}
	if f.Since.Before(oldest) {
		f.Since = oldest
	}
	if !f.Since.Before(f.Until) {
		return nil, nil
	}
	rows, err := r.bucketsOf(ctx, f)
	if err != nil {
		return nil, err
	}
	grain := grainSince(f.Since, now)
	for _, row := range rows {
		grain = max(grain, row.width) // the clock may have been set
	}
	return spread(f, grain, rows), nil
}

// grainSince is the width that buckets since then have at most, in seconds.
func grainSince(since, now time.Time) int64 {
	for i, tier := range tiers[:len(tiers)-1] {
		rolledUp := bucketStart(now.Add(-time.Duration(tier.keep)*time.Second), tiers[i+1].width)
		if since.Unix() >= rolledUp {
			return tier.width
		}
	}
	return tiers[len(tiers)-1].width
}

// bucket is what one row of the store has counted.
type bucket struct {
	width, start int64
	counts       *counts
}

// bucketsOf are the buckets that have a part in the time of the series.
func (r *Reports) bucketsOf(ctx context.Context, f SeriesFilter) ([]bucket, error) {
	query, args := `SELECT route, width, start, data FROM reports_counts WHERE `+endsAfter+` AND start < ?2`, []any{f.Since.Unix(), untilSeconds(f.Until)}
	if f.Route != "" {
		query, args = query+` AND route = ?3`, append(args, f.Route)
	}
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []bucket
	for rows.Next() {
		var b bucket
		var route string
		var data []byte
		if err := rows.Scan(&route, &b.width, &b.start, &data); err != nil {
			return nil, err
		}
		if b.counts, err = decodeCounts(route, data); err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, rows.Err()
}

// untilSeconds is t in Unix seconds, rounded up.
func untilSeconds(t time.Time) int64 { return t.Add(time.Second - time.Nanosecond).Unix() }

// firstCounted is when the first bucket of a route begins, zero when there is
// none.
func (r *Reports) firstCounted(ctx context.Context, route string) (time.Time, error) {
	query, args := `SELECT min(start) FROM reports_counts WHERE width > 0`, []any(nil)
	if route != "" {
		query, args = query+` AND route = ?`, []any{route}
	}
	var first sql.NullInt64
	if err := r.db.QueryRowContext(ctx, query, args...).Scan(&first); err != nil || !first.Valid {
		return time.Time{}, err
	}
	return time.Unix(first.Int64, 0), nil
}

// spread puts buckets, none of which is wider than grain, into points.
func spread(f SeriesFilter, grain int64, rows []bucket) []Point {
	points := int64(f.Points)
	if points <= 0 {
		points = 60
	}
	points = min(points, pointsMax)
	start := bucketStart(f.Since, grain)
	// Rounded, so that an hour up to now which is a second old is an hour still.
	grains := (int64(f.Until.Sub(f.Since)/time.Second) + grain/2) / grain
	width := max(up(grains, points), 1) * grain
	sums := make([]counts, up(untilSeconds(f.Until)-start, width))
	for _, row := range rows {
		sums[(row.start-start)/width].merge(row.counts)
	}
	list := make([]Point, len(sums))
	for i := range sums {
		list[i] = sums[i].point(start+int64(i)*width, width)
	}
	return list
}

// up is a divided by b, rounded up.
func up(a, b int64) int64 { return (a + b - 1) / b }

func (c *counts) point(start, seconds int64) Point {
	return Point{
		Start: time.Unix(start, 0).UTC(), Seconds: seconds, Served: c.served(), Compared: c.total(),
		Matched: c.Matched, Mismatched: c.Mismatched, Transient: c.Transient, Noise: c.Noise, Errors: c.Errors,
		Skipped: total(c.Skipped), Legacy: c.Legacy.latency(), New: c.New.latency(),
	}
}

func total(counts map[string]int64) int64 {
	var sum int64
	for _, n := range counts {
		sum += n
	}
	return sum
}
