package reports

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
)

// hourlySchema is for the counters of all time, and the counts of groups, as they
// stood when an hour began. Those of now less these are what was counted since,
// however many buckets that is. Nothing may be counted before one afterwards: a batch of another
// process that comes late, or a clock that is set back, takes those after it away.
// The triggers see to it, as a process of an older version may write as well.
const hourlySchema = `
-- hour is in seconds since 1970; counters is JSON by route, groups by id, both
-- packed with zstd.
CREATE TABLE reports_hourly (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	hour     INTEGER NOT NULL UNIQUE,
	counters BLOB NOT NULL,
	groups   BLOB NOT NULL
) STRICT;
CREATE TRIGGER reports_hourly_added AFTER INSERT ON reports_counts WHEN new.width = 60 BEGIN
	DELETE FROM reports_hourly WHERE hour > new.start;
END;
CREATE TRIGGER reports_hourly_changed AFTER UPDATE ON reports_counts WHEN new.width = 60 BEGIN
	DELETE FROM reports_hourly WHERE hour > new.start;
END;
`

// Counters as they stood by the hour are kept for the longest time that pages
// offer, and the newest first within a number of bytes: 2,000 busy routes take
// some 400 KiB an hour.
const (
	hourlyKept = 7*86400 + 3600 // seconds
	hourlyMax  = 64 << 20       // bytes
)

// hourly notes how the counters stood when this hour began, when it is the first
// batch in it. The caller has not added its own yet.
func (b *batchWriter) hourly() error {
	hour := bucketStart(b.now, 3600)
	known, err := b.numbers(`SELECT EXISTS (SELECT 1 FROM reports_hourly WHERE hour = ?1)
		OR EXISTS (SELECT 1 FROM reports_counts WHERE width = 60 AND start >= ?1)
		OR EXISTS (SELECT 1 FROM reports_counts WHERE width = 3600 AND start >= ?1)
		OR EXISTS (SELECT 1 FROM reports_counts WHERE width = 86400 AND start > ?1 - 86400)`, hour)
	if err != nil || known[0] == 1 {
		return err
	}
	s := &snapshot{}
	if s.counters, err = allTime(b.ctx, b.tx); err != nil {
		return err
	}
	if s.groups, s.lastGroup, err = groupCounts(b.ctx, b.tx); err != nil {
		return err
	}
	counters, groups, err := s.pack(b.r.packer)
	if err != nil {
		return err
	}
	if err := b.exec(`INSERT INTO reports_hourly (hour, counters, groups) VALUES (?, ?, ?)`, hour, counters, groups); err != nil {
		return err
	}
	return b.exec(`DELETE FROM reports_hourly WHERE hour < ?1 OR hour IN (
		SELECT hour FROM (SELECT hour, sum(length(counters) + length(groups)) OVER (ORDER BY hour DESC) AS bytes FROM reports_hourly) WHERE bytes > ?2)`,
		hour-hourlyKept, hourlyMax)
}

// sinceTime are the counters of the buckets that end after since, by route.
func (r *Reports) sinceTime(ctx context.Context, route string, since time.Time) (map[string]*counts, error) {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // buckets move on meanwhile
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // it has only read
	if route == "" {
		then := map[string]*counts{}
		known, err := stoodAt(ctx, tx, "counters", since, &then)
		if err != nil {
			return nil, err
		}
		if known {
			return sinceHour(ctx, tx, then, since)
		}
	}
	return sumBuckets(ctx, tx, route, since)
}

// stoodAt reads into then the counters, or groups, of all time less those of the
// buckets that end after since; false where they are not kept.
func stoodAt(ctx context.Context, tx *sql.Tx, what string, since time.Time, then any) (bool, error) {
	const (
		// A bucket that ends after ?1 and begins before the hour, and the reverse.
		before = `width = %[1]d AND start > ?1 - %[1]d AND start < hour`
		after  = `width = %[1]d AND start >= hour AND start <= ?1 - %[1]d`
	)
	query := `SELECT ` + what + ` FROM reports_hourly WHERE
		hour IN ((SELECT max(hour) FROM reports_hourly WHERE hour <= ?1), (SELECT min(hour) FROM reports_hourly WHERE hour > ?1))`
	for _, tier := range tiers {
		for _, wrong := range []string{before, after} {
			query += ` AND NOT EXISTS (SELECT 1 FROM reports_counts WHERE ` + fmt.Sprintf(wrong, tier.width) + `)`
		}
	}
	var data []byte
	err := tx.QueryRowContext(ctx, query+` LIMIT 1`, since.Unix()).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		err = unpackMarked(data, then)
	}
	if err != nil {
		return false, fmt.Errorf("%s as they stood by the hour: %w", what, err)
	}
	return true, nil
}

// sinceHour are the counters of now less those of then, both as the store has
// them: another process may have counted as well.
func sinceHour(ctx context.Context, tx *sql.Tx, then map[string]*counts, since time.Time) (map[string]*counts, error) {
	now, err := allTimeWithoutRecent(ctx, tx)
	if err != nil {
		return nil, err
	}
	stages := make(map[string]int64, len(then))
	for route, c := range then {
		stages[route] = c.StageAt
	}
	full := map[string]bool{}
	for route, c := range now {
		full[route] = c.full()
	}
	left := less(now, then)
	for route, c := range left {
		if full[route] { // what found no room of all time may have found some since
			of, err := sumBuckets(ctx, tx, route, since)
			if err != nil {
				return nil, err
			}
			maps.Copy(left, of)
		} else if c.StageAt == stages[route] {
			c.Stage = "" // it was not seen since
		}
	}
	return left, nil
}

// allTimeWithoutRecent is allTime without the last hour by the minute, which is
// most of what there is to decode.
func allTimeWithoutRecent(ctx context.Context, from querier) (map[string]*counts, error) {
	totals := map[string]*counts{}
	return totals, eachRoute(ctx, from, `SELECT route, data FROM reports_counts WHERE width = 0`, nil, func(route string, data []byte) error {
		var c struct {
			counts
			Recent struct{} `json:"recent"` // passed over
		}
		if err := json.Unmarshal(data, &c); err != nil {
			return fmt.Errorf("counters of route %q: %w", route, err)
		}
		totals[route] = &c.counts
		return nil
	})
}

func sumBuckets(ctx context.Context, tx *sql.Tx, route string, since time.Time) (map[string]*counts, error) {
	query, args := `SELECT route, data FROM reports_counts WHERE `+endsAfter, []any{since.Unix()}
	if route != "" {
		query, args = query+` AND route = ?2`, append(args, route)
	}
	sums := map[string]*counts{}
	err := eachCounts(ctx, tx, query, args, func(route string, c *counts) {
		mergeInto(sums, map[string]*counts{route: c})
	})
	return sums, err
}

// full reports whether something may have been counted among the others because
// there was no room for it.
func (c *counts) full() bool {
	return max(len(c.Skipped), len(c.Unsupported), len(c.Fallbacks), len(c.WritesCompared)) >= maxReasons || c.Statuses.named() >= statusPairsMax-1
}
