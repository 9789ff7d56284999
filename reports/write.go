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
}

// write writes one batch in one transaction.
func (r *Reports) write(ctx context.Context, now time.Time) error {
	r.settle(now)
	taken := r.tally.take()
	covers := r.coverage.take(now)
	w := &r.writer
	packed := r.pack(taken)
	for k, g := range taken.groups {
		w.countGroup(w.cleanKey(r, k, g, packed), g)
	}
	if len(w.unwritten) == 0 && len(w.groups) == 0 && len(taken.queue) == 0 && len(covers) == 0 && now.Sub(w.rolledUp) < rollUpEvery {
		return nil
	}
	evidence := w.evidence
	var totals map[string]*counts
	err := r.db.Write(ctx, func(tx *sql.Tx) error {
		b := &batchWriter{ctx: ctx, tx: tx, r: r, now: now, evidence: evidence, ids: map[groupKey]int64{}, prepared: map[string]*sql.Stmt{}}
		var err error
		if totals, err = b.write(w, taken, packed); err != nil {
			return err
		}
		if err = b.coverage(covers); err != nil {
			return fmt.Errorf("write coverage: %w", err)
		}
		evidence = b.evidence
		return nil
	})
	if err != nil {
		giveBack(covers)
		r.mu.Lock()
		r.health.EvidenceDropped += int64(len(taken.queue))
		r.mu.Unlock()
		return err
	}
	w.evidence = evidence
	written(covers)
	r.mu.Lock()
	maps.Copy(r.totals, totals)
	r.mu.Unlock()
	if now.Sub(w.rolledUp) >= rollUpEvery {
		w.rolledUp = now
	}
	clear(w.unwritten)
	clear(w.groups)
	return nil
}

// write writes a batch, and returns the counters of all time of the routes in it.
func (b *batchWriter) write(w *writer, taken batch, packed map[*waiting]*packedComparison) (map[string]*counts, error) {
	totals, err := b.counters(w.unwritten)
	if err != nil {
		return nil, fmt.Errorf("write counters: %w", err)
	}
	if err := b.groups(w.groups); err != nil {
		return nil, fmt.Errorf("write groups of differences: %w", err)
	}
	if err := b.keep(taken, packed); err != nil {
		return nil, fmt.Errorf("write evidence: %w", err)
	}
	rollsUp := b.now.Sub(w.rolledUp) >= rollUpEvery
	if rollsUp {
		if err := b.expire(); err != nil {
			return nil, fmt.Errorf("delete old evidence: %w", err)
		}
	}
	if err := b.prune(); err != nil {
		return nil, fmt.Errorf("prune evidence: %w", err)
	}
	if rollsUp {
		if err := b.rollUp(); err != nil {
			return nil, fmt.Errorf("roll up counters: %w", err)
		}
	}
	return totals, nil
}

// settle moves what the shards have counted to the totals and to what is to be
// written.
func (r *Reports) settle(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delta := r.shards.take()
	for _, c := range delta {
		c.recently(now)
	}
	mergeInto(r.totals, delta)
	mergeInto(r.writer.unwritten, delta)
}

func (c *counts) encode() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // numbers and strings always encode
	}
	return b
}

func (w *writer) countGroup(k groupKey, g *gathered) {
	c := w.groups[k]
	if c == nil {
		c = &groupCount{first: g.first, last: g.last}
		w.groups[k] = c
	}
	c.count += g.count
	c.places += g.places
	c.drift.Merge(g.drift)
	if g.first.Before(c.first) {
		c.first = g.first
	}
	if g.last.After(c.last) {
		c.last = g.last
	}
}

// batchWriter writes within one transaction.
type batchWriter struct {
	ctx      context.Context
	tx       *sql.Tx
	r        *Reports
	now      time.Time
	evidence int64              // bytes kept
	ids      map[groupKey]int64 // of the groups of this batch
	freed    []int64            // comparisons that lost a sample or their place in a ring
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

// groups adds to the counts of groups, of all time and of this minute.
func (b *batchWriter) groups(groups map[groupKey]*groupCount) error {
	minute := bucketStart(b.now, 60)
	for k, g := range groups {
		ids, err := b.numbers(`INSERT INTO reports_groups (route, path, kind, verdict, reason, count, weighed, places, public_id, first_seen, last_seen)
				VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?10)
			ON CONFLICT (route, path, kind, verdict, reason) DO UPDATE SET
				count = count + excluded.count, weighed = weighed + excluded.weighed, places = places + excluded.places,
				public_id = excluded.public_id, first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)
			RETURNING id`,
			k.route, k.path, k.kind, k.verdict, k.reason, g.count, g.places, k.id(), g.first.UnixMicro(), g.last.UnixMicro())
		if err != nil {
			return err
		}
		b.ids[k] = ids[0]
		if err := b.addDrift(ids[0], g.drift); err != nil {
			return err
		}
		err = b.exec(`INSERT INTO reports_group_counts (group_id, width, start, count) VALUES (?, 60, ?, ?)
			ON CONFLICT (group_id, width, start) DO UPDATE SET count = count + excluded.count`, ids[0], minute, g.count)
		if err != nil {
			return err
		}
	}
	return nil
}
