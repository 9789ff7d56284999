package reports

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quackproxy/quack/compare"
)

// groupCount is what is to be added to a group.
type groupCount struct {
	count       int64
	places      int64 // that differed in those comparisons
	first, last time.Time
	drift       compare.Drift
	example     example // until its path is cleaned; none where none waits to be kept
}

// example is a comparison that is in a group.
type example struct {
	c *Comparison
	o occurrence
}

// add adds what was counted of the same group.
func (c *groupCount) add(d *groupCount) {
	c.count += d.count
	c.places += d.places
	c.drift.Merge(d.drift)
	if d.first.Before(c.first) {
		c.first = d.first
	}
	if d.last.After(c.last) {
		c.last = d.last
	}
}

// write writes one batch: the counters, then the evidence, which takes longer
// and is what goes when the store is at fault.
func (r *Reports) write(ctx context.Context, now time.Time) error {
	taken := r.take(now, r.tally.take)
	err := r.writeCounts(ctx, now)
	if err == nil {
		err = r.writeEvidence(ctx, now, taken)
	}
	if err != nil {
		r.mu.Lock()
		r.health.EvidenceDropped += int64(len(taken.queue))
		r.mu.Unlock()
	}
	return err
}

// take takes what the tally gives, and with it the counters of the same moment.
func (r *Reports) take(now time.Time, from func() batch) batch {
	w := &r.writer
	w.took = time.Now()
	r.mu.Lock()
	r.tally.mu.Lock()
	grabbed := r.shards.grab()
	taken := from()
	r.tally.mu.Unlock()
	r.settle(grabbed, now)
	adopt(w.unwritten, r.pending)
	r.pending = nil
	r.mu.Unlock()
	for k, n := range taken.counts {
		k = w.cleanKey(r, k, n.example)
		n.example = example{}
		if w.groups[k] == nil {
			w.groups[k] = n
		} else {
			w.groups[k].add(n)
		}
	}
	return taken
}

// settle adds what the shards held to the totals and to what the next batch
// takes. The caller has mu.
func (r *Reports) settle(grabbed []map[string]*counts, now time.Time) {
	if r.pending == nil {
		r.pending = map[string]*counts{}
	}
	for _, routes := range grabbed {
		for _, c := range routes {
			c.recently(now)
		}
		mergeInto(r.totals, routes)
		adopt(r.pending, routes)
	}
}

// writeCounts writes the counters of routes and groups in one transaction.
func (r *Reports) writeCounts(ctx context.Context, now time.Time) error {
	w := &r.writer
	covers := r.coverage.take(now)
	rollUp := now.Sub(w.rolledUp) >= rollUpEvery
	if len(w.unwritten) == 0 && len(w.groups) == 0 && len(covers) == 0 && !rollUp {
		return nil
	}
	hour := bucketStart(now, 3600)
	var totals map[string]*counts
	ids := map[groupKey]int64{}
	err := r.db.Write(ctx, func(tx *sql.Tx) error {
		b := &batchWriter{ctx: ctx, tx: tx, r: r, now: now, prepared: map[string]*sql.Stmt{}}
		var err error
		if hour != w.noted {
			if err := b.hourly(); err != nil {
				return fmt.Errorf("note the counters of the hour: %w", err)
			}
		}
		if totals, err = b.counters(w.unwritten); err != nil {
			return fmt.Errorf("write counters: %w", err)
		}
		if err := b.coverage(covers); err != nil {
			return fmt.Errorf("write coverage: %w", err)
		}
		if err := b.groups(w.groups, ids); err != nil {
			return fmt.Errorf("write groups of differences: %w", err)
		}
		if rollUp {
			if err := b.rollUp(); err != nil {
				return fmt.Errorf("roll up counters: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		giveBack(covers)
		return err
	}
	written(covers)
	r.setTotals(totals)
	if w.noted = hour; rollUp {
		w.rolledUp = now
	}
	w.wrote(ids)
	return nil
}

// wrote notes the numbers of groups that are in the store now, and that nothing is
// left to be written.
func (w *writer) wrote(ids map[groupKey]int64) {
	maps.Copy(w.ids, ids)
	clear(w.unwritten)
	clear(w.groups)
}

// setTotals puts what the store has of routes in the place of what was known of
// them, with what no batch has taken yet.
func (r *Reports) setTotals(totals map[string]*counts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for route, c := range totals {
		if p := r.pending[route]; p != nil {
			c.merge(p)
		}
		r.totals[route] = c
	}
}

func (c *counts) encode() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // numbers and strings always encode
	}
	return b
}

// batchWriter writes within one transaction.
type batchWriter struct {
	ctx      context.Context
	tx       *sql.Tx
	r        *Reports
	now      time.Time
	evidence int64   // bytes kept
	freed    []int64 // comparisons that lost a sample or their place in a ring
	prepared map[string]*sql.Stmt
}

// statement prepares each query once: parsing takes longer than most of them
// run. The transaction's end closes them.
func (b *batchWriter) statement(query string) (*sql.Stmt, error) {
	if s := b.prepared[query]; s != nil {
		return s, nil
	}
	s, err := b.tx.PrepareContext(b.ctx, query)
	if err == nil {
		b.prepared[query] = s
	}
	return s, err
}

func (b *batchWriter) exec(query string, args ...any) error {
	s, err := b.statement(query)
	if err == nil {
		_, err = s.ExecContext(b.ctx, args...)
	}
	return err
}

// numbers are the results of a query of one integer column.
func (b *batchWriter) numbers(query string, args ...any) ([]int64, error) {
	s, err := b.statement(query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(b.ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

// counters adds to this minute's counters and to those of all time, and returns
// the latter. They are added to what the store has, not to what this process
// has seen: another one may write to it as well, while one hands over to the
// next.
func (b *batchWriter) counters(unwritten map[string]*counts) (totals map[string]*counts, err error) {
	minute := bucketStart(b.now, 60)
	totals = make(map[string]*counts, len(unwritten))
	for _, route := range slices.Sorted(maps.Keys(unwritten)) {
		minutely := *unwritten[route]
		minutely.Recent = nil
		if _, err := b.addCounts(route, 60, minute, &minutely); err != nil {
			return nil, err
		}
		if totals[route], err = b.addCounts(route, 0, 0, unwritten[route]); err != nil {
			return nil, err
		}
	}
	return totals, nil
}

func (b *batchWriter) addCounts(route string, width, start int64, c *counts) (*counts, error) {
	query, err := b.statement(`SELECT data FROM reports_counts WHERE route = ? AND width = ? AND start = ?`)
	if err != nil {
		return nil, err
	}
	var data []byte
	sum := &counts{}
	err = query.QueryRowContext(b.ctx, route, width, start).Scan(&data)
	if err == nil {
		sum, err = decodeCounts(route, data)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	sum.merge(c)
	return sum, b.putCounts(route, width, start, sum.encode())
}

func (b *batchWriter) putCounts(route string, width, start int64, data []byte) error {
	return b.exec(`INSERT INTO reports_counts (route, width, start, data) VALUES (?, ?, ?, ?)
		ON CONFLICT (route, width, start) DO UPDATE SET data = excluded.data`, route, width, start, data)
}

// groups adds to the counts of groups, of all time and of this minute, and
// notes their ids.
func (b *batchWriter) groups(groups map[groupKey]*groupCount, ids map[groupKey]int64) error {
	minute := bucketStart(b.now, 60)
	for k, g := range groups {
		id, err := b.group(k, g)
		if err != nil {
			return err
		}
		ids[k] = id
		if err := b.addDrift(id, g.drift); err != nil {
			return err
		}
		err = b.exec(`INSERT INTO reports_group_counts (group_id, width, start, count) VALUES (?, 60, ?, ?)
			ON CONFLICT (group_id, width, start) DO UPDATE SET count = count + excluded.count`, id, minute, g.count)
		if err != nil {
			return err
		}
	}
	return nil
}

// group adds to the counts of all time of one.
func (b *batchWriter) group(k groupKey, g *groupCount) (id int64, err error) {
	first, last := g.first.UnixMicro(), g.last.UnixMicro()
	if id := b.r.writer.ids[k]; id != 0 {
		return id, b.exec(`UPDATE reports_groups SET count = count + ?1, weighed = weighed + ?1, places = places + ?2,
			first_seen = min(first_seen, ?3), last_seen = max(last_seen, ?4) WHERE id = ?5`, g.count, g.places, first, last, id)
	}
	ids, err := b.numbers(`INSERT INTO reports_groups (route, path, kind, verdict, reason, count, weighed, places, public_id, first_seen, last_seen)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?10)
		ON CONFLICT (route, path, kind, verdict, reason) DO UPDATE SET
			count = count + excluded.count, weighed = weighed + excluded.weighed, places = places + excluded.places,
			public_id = excluded.public_id, first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)
		RETURNING id`,
		k.route, k.path, k.kind, k.verdict, k.reason, g.count, g.places, k.id(), first, last)
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}
