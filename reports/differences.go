package reports

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/quackproxy/quack/store"
)

// verdictRanks sorts groups: the worst verdict first.
var verdictRanks = map[string]int{string(Mismatch): 0, string(Noise): 1, string(Transient): 2, VerdictForgiven: 3}

// storedGroup is a group and its number in the store.
type storedGroup struct {
	Group
	id int64
}

// Differences are the groups, worst verdict first, then by count.
func (r *Reports) Differences(ctx context.Context, f Filter) ([]Group, error) {
	r.flushed(ctx)
	after, err := r.after(ctx, f)
	if err != nil {
		return nil, err
	}
	groups, err := r.groupsAt(ctx, f)
	if err == nil && f.SinceMark != "" {
		groups, err = r.groupsSince(ctx, groups, f.SinceMark)
	}
	if err == nil {
		err = r.tellNew(ctx, groups, f.SinceMark)
	}
	if err == nil {
		err = r.tellKnown(ctx, groups)
	}
	if err != nil {
		return nil, fmt.Errorf("read groups of differences: %w", err)
	}
	slices.SortFunc(groups, func(a, b storedGroup) int {
		return cmp.Or(cmp.Compare(verdictRanks[a.Verdict], verdictRanks[b.Verdict]), cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.Route, b.Route), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.id, b.id))
	})
	if limit := f.limit(); limit >= 0 && len(groups) > limit {
		groups = groups[:limit]
	}
	samples, err := r.samples(ctx, groups, f.Since, after)
	if err != nil {
		return nil, fmt.Errorf("read samples: %w", err)
	}
	if err := r.measureGroups(ctx, groups, f); err != nil {
		return nil, fmt.Errorf("read what routes have compared: %w", err)
	}
	list := make([]Group, len(groups))
	for i, g := range groups {
		g.Samples = samples[g.id]
		if g.Samples == nil {
			g.Samples = []Sample{}
		}
		r.rereadGroup(&g.Group)
		list[i] = g.Group
	}
	return list, nil
}

// Difference is one group by its ID; store.ErrNotFound when there is none.
func (r *Reports) Difference(ctx context.Context, id string) (Group, error) {
	if id != "" {
		list, err := r.Differences(ctx, Filter{Group: id, Limit: 1})
		if err != nil {
			return Group{}, err
		}
		if len(list) > 0 {
			return list[0], nil
		}
	}
	return Group{}, fmt.Errorf("difference %q: %w\nquack report --format json lists the ids of those that there are", id, store.ErrNotFound)
}

func (r *Reports) groups(ctx context.Context, f Filter) ([]storedGroup, error) {
	// The count of all time, or what was counted in a bucket that ends after Since.
	rows, err := r.db.QueryContext(ctx, `SELECT id, route, path, kind, verdict, reason, first_seen, last_seen, drift,
			coalesce(public_id, ''), CASE weighed WHEN 0 THEN 0.0 ELSE CAST(places AS REAL) / weighed END,
			CASE WHEN ?1 = 0 THEN count ELSE
				(SELECT coalesce(sum(c.count), 0) FROM reports_group_counts c WHERE c.group_id = g.id AND c.start + c.width > ?2) END
		FROM reports_groups g
		WHERE (?1 = 0 OR last_seen >= ?1) AND (?3 = '' OR route = ?3) AND (?4 = '' OR path = ?4) AND (?5 = '' OR kind = ?5) AND (?6 = '' OR public_id = ?6)`,
		micros(f.Since), f.Since.Unix(), f.Route, f.Path, f.Kind, f.Group)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []storedGroup
	for rows.Next() {
		var g storedGroup
		var first, last int64
		var drift []byte
		if err := rows.Scan(&g.id, &g.Route, &g.Path, &g.Kind, &g.Verdict, &g.Reason, &first, &last, &drift, &g.ID, &g.Weight, &g.Count); err != nil {
			return nil, err
		}
		if g.Drift, err = decodeDrift(drift); err != nil {
			return nil, err
		}
		g.FirstSeen, g.LastSeen = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
		list = append(list, g)
	}
	return list, rows.Err()
}

// micros is t as it is stored, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// samples are the samples of groups by the number of the group, oldest first:
// those since a time, of comparisons stored after the one of number after.
func (r *Reports) samples(ctx context.Context, groups []storedGroup, since time.Time, after int64) (map[int64][]Sample, error) {
	ids := make([]int64, len(groups))
	for i, g := range groups {
		ids[i] = g.id
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := r.db.QueryContext(ctx, `SELECT s.group_id, c.id, s.at, s.place, s.legacy, s.new
		FROM reports_samples s JOIN reports_comparisons c ON c.seq = s.seq
		WHERE s.group_id IN (SELECT value FROM json_each(?)) AND s.at >= ? AND s.seq > ? ORDER BY s.group_id, s.at, s.seq`, string(list), micros(since), after)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	samples := map[int64][]Sample{}
	for rows.Next() {
		var s Sample
		var group, at int64
		if err := rows.Scan(&group, &s.ID, &at, &s.Place, &s.Legacy, &s.New); err != nil {
			return nil, err
		}
		s.At = time.UnixMicro(at).UTC()
		samples[group] = append(samples[group], s)
	}
	return samples, rows.Err()
}
