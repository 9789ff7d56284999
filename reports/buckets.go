package reports

import "time"

// tiers are how long counters are kept at which grain, in seconds. What has
// become too old for its tier is added to the next; what is too old for the
// last is left out of every report with a Since that is as old, and stands in
// the totals alone.
var tiers = []struct{ width, keep int64 }{
	{60, 3 * 3600},
	{3600, 8 * 86400},
	{86400, 400 * 86400},
}

const rollUpEvery = time.Minute

// bucketStart is the start, in Unix seconds, of the bucket that t is in.
func bucketStart(t time.Time, width int64) int64 {
	s := t.Unix()
	return s - s%width
}

// endsAfter is true of the buckets that end after ?1, in Unix seconds. Said of
// each width alone it is found by index, however many there are from before.
const endsAfter = `(width = 60 AND start > ?1 - 60 OR width = 3600 AND start > ?1 - 3600 OR width = 86400 AND start > ?1 - 86400)`

// rollUp moves counters on to their next tier.
func (b *batchWriter) rollUp() error {
	for i, tier := range tiers {
		// Whole buckets of the next tier, so that none is read and written
		// each minute.
		next := tier.width
		if i+1 < len(tiers) {
			next = tiers[i+1].width
		}
		before := bucketStart(b.now.Add(-time.Duration(tier.keep)*time.Second), next)
		if i+1 < len(tiers) {
			if err := b.rollUpCounts(tier.width, next, before); err != nil {
				return err
			}
			err := b.exec(`INSERT INTO reports_group_counts (group_id, width, start, count)
				SELECT group_id, ?1, start - start % ?1, sum(count) FROM reports_group_counts WHERE width = ?2 AND start < ?3 GROUP BY 1, 3
				ON CONFLICT (group_id, width, start) DO UPDATE SET count = count + excluded.count`, next, tier.width, before)
			if err != nil {
				return err
			}
		}
		for _, table := range []string{"reports_counts", "reports_group_counts"} {
			if err := b.exec(`DELETE FROM `+table+` WHERE width = ? AND start < ?`, tier.width, before); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *batchWriter) rollUpCounts(width, next, before int64) error {
	type key struct {
		route string
		start int64
	}
	sums := map[key]*counts{}
	rows, err := b.tx.QueryContext(b.ctx, `SELECT route, start, data FROM reports_counts WHERE width = ? AND start < ? ORDER BY route, start`, width, before)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k key
		var data []byte
		if err := rows.Scan(&k.route, &k.start, &data); err != nil {
			return err
		}
		c, err := decodeCounts(k.route, data)
		if err != nil {
			return err
		}
		k.start -= k.start % next
		if sums[k] == nil {
			sums[k] = &counts{}
		}
		sums[k].merge(c)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for k, c := range sums {
		if _, err := b.addCounts(k.route, next, k.start, c); err != nil {
			return err
		}
	}
	return nil
}
