package reports

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"
)

// snapshot is what was counted of all time at one instant, as the store had it.
type snapshot struct {
	counters  map[string]*counts // by route
	groups    map[int64]int64    // counts by number of the group
	lastGroup int64              // highest number of a group
	lastSeq   int64              // highest number of a comparison
}

// snapshot reads what the store has at one instant: counters and groups are of
// the same batches.
func (r *Reports) snapshot(ctx context.Context) (*snapshot, error) {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // it has only read
	s := &snapshot{}
	if s.counters, err = allTime(ctx, tx); err != nil {
		return nil, err
	}
	if s.groups, s.lastGroup, err = groupCounts(ctx, tx); err != nil {
		return nil, err
	}
	err = tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM reports_comparisons`).Scan(&s.lastSeq)
	return s, err
}

// groupCounts are the counts of groups of all time by number, and the highest
// number.
func groupCounts(ctx context.Context, tx *sql.Tx) (groups map[int64]int64, last int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, count FROM reports_groups`)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	groups = map[int64]int64{}
	for rows.Next() {
		var id, n int64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, 0, err
		}
		groups[id] = n
		last = max(last, id)
	}
	return groups, last, rows.Err()
}

// pack is how a mark keeps it: without the last hour by the minute, which is no
// part of what was counted since.
func (s *snapshot) pack(packer *zstd.Encoder) (counters, groups []byte, err error) {
	kept := make(map[string]*counts, len(s.counters))
	for route, c := range s.counters {
		d := *c
		d.Recent = nil
		kept[route] = &d
	}
	plain, err := json.Marshal(kept)
	if err != nil {
		return nil, nil, fmt.Errorf("pack the counters: %w", err)
	}
	counters = packer.EncodeAll(plain, nil)
	if plain, err = json.Marshal(s.groups); err != nil {
		return nil, nil, fmt.Errorf("pack the groups: %w", err)
	}
	return counters, packer.EncodeAll(plain, nil), nil
}

// markUnpackMax bounds what a mark's counters, and its groups, may unfold to:
// 10,000 routes of which each counter is used, or 10 million groups.
const markUnpackMax = 256 << 20

func unpackMarked(data []byte, into any) error {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(markUnpackMax))
	if err != nil {
		return err
	}
	defer d.Close()
	plain, err := d.DecodeAll(data, nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}

// storedMark is a mark as it is stored, without what it has noted.
type storedMark struct {
	Mark
	id                 int64 // a newer mark has a higher one
	lastGroup, lastSeq int64
}

// markNamed is a mark, the newest for "". The error is an ErrNoMark when there
// is none.
func (r *Reports) markNamed(ctx context.Context, name string) (storedMark, error) {
	var m storedMark
	var at int64
	err := r.db.QueryRowContext(ctx, `SELECT id, name, at, by, why, last_group, last_seq FROM reports_marks
		WHERE ?1 = '' OR name = ?1 ORDER BY id DESC LIMIT 1`, name).Scan(&m.id, &m.Name, &at, &m.By, &m.Why, &m.lastGroup, &m.lastSeq)
	m.At = time.UnixMicro(at).UTC()
	if errors.Is(err, sql.ErrNoRows) {
		return m, noMark(name)
	}
	if err != nil {
		return m, fmt.Errorf("read mark %q: %w", name, err)
	}
	return m, nil
}

func noMark(name string) error {
	if name == "" {
		return fmt.Errorf("%w: none is set\nset one with quack mark NAME", ErrNoMark)
	}
	return fmt.Errorf("%w: %q\nquack marks lists those there are: the newest %d are kept", ErrNoMark, name, marksMax)
}

// markedCounters are the counters of all time at a mark, by route.
func (r *Reports) markedCounters(ctx context.Context, name string) (map[string]*counts, error) {
	counters := map[string]*counts{}
	return counters, r.markedData(ctx, `SELECT counters FROM reports_marks WHERE name = ?`, name, &counters)
}

// markedGroups are the counts of groups of all time at a mark, by number.
func (r *Reports) markedGroups(ctx context.Context, name string) (map[int64]int64, error) {
	groups := map[int64]int64{}
	return groups, r.markedData(ctx, `SELECT groups FROM reports_marks WHERE name = ?`, name, &groups)
}

func (r *Reports) markedData(ctx context.Context, query, name string, into any) error {
	var data []byte
	err := r.db.QueryRowContext(ctx, query, name).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return noMark(name)
	}
	if err == nil {
		err = unpackMarked(data, into)
	}
	if err != nil {
		return fmt.Errorf("read what was noted at mark %q: %w", name, err)
	}
	return nil
}
