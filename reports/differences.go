package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/quackproxy/quack/store"
)

// Differences are the groups in the order of f.
func (r *Reports) Differences(ctx context.Context, f Filter) ([]Group, error) {
	list, _, err := r.DifferencesPage(ctx, f)
	return list, err
}

// DifferencesPage are the groups behind the cursor of f; next is the cursor of
// those behind them, "" at the end. A cursor goes with the order that gave it;
// the error for another is an ErrCursor.
func (r *Reports) DifferencesPage(ctx context.Context, f Filter) (list []Group, next string, err error) {
	r.flushed(ctx)
	groups, next, err := r.pageOfGroups(ctx, f)
	if err != nil {
		return nil, "", fmt.Errorf("read groups of differences: %w", err)
	}
	if err := r.describe(ctx, groups, f); err != nil {
		return nil, "", err
	}
	list = make([]Group, len(groups))
	for i, g := range groups {
		r.rereadGroup(&g.Group)
		list[i] = g.Group
	}
	return list, next, nil
}

func (r *Reports) pageOfGroups(ctx context.Context, f Filter) (groups []storedGroup, next string, err error) {
	var marked map[int64]int64
	if f.SinceMark != "" {
		if marked, err = r.markedGroups(ctx, f.SinceMark); err != nil {
			return nil, "", err
		}
	}
	limit := f.limit()
	if limit >= 0 {
		f.Limit = limit + 1 // to know whether there are more
	}
	groups, err = r.listGroups(ctx, f, marked)
	if err == nil && limit > 0 && len(groups) > limit {
		groups = groups[:limit]
		next = f.cursor(groups[limit-1])
	}
	return groups, next, err
}

// describe fills in what of groups does not stand with them in the store.
func (r *Reports) describe(ctx context.Context, groups []storedGroup, f Filter) error {
	after, err := r.after(ctx, f)
	if err == nil {
		err = r.tellNew(ctx, groups, f.SinceMark)
	}
	if err == nil {
		err = r.tellKnown(ctx, groups)
	}
	if err != nil {
		return fmt.Errorf("read groups of differences: %w", err)
	}
	samples, err := r.samples(ctx, groups, f.Since, after)
	if err != nil {
		return fmt.Errorf("read samples: %w", err)
	}
	if err := r.measureGroups(ctx, groups, f); err != nil {
		return fmt.Errorf("read what routes have compared: %w", err)
	}
	for i := range groups {
		groups[i].Samples = samples[groups[i].id]
		if groups[i].Samples == nil {
			groups[i].Samples = []Sample{}
		}
	}
	return nil
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

// micros is t as it is stored, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// numbersAsJSON are the numbers of groups for a query.
func numbersAsJSON(groups []storedGroup) (string, error) {
	ids := make([]int64, len(groups))
	for i, g := range groups {
		ids[i] = g.id
	}
	list, err := json.Marshal(ids)
	return string(list), err
}

// samples are the samples of groups by the number of the group, oldest first:
// those since a time, of comparisons stored after the one of number after.
func (r *Reports) samples(ctx context.Context, groups []storedGroup, since time.Time, after int64) (map[int64][]Sample, error) {
	list, err := numbersAsJSON(groups)
	if err != nil {
		return nil, err
	}
	rows, err := r.db.QueryContext(ctx, `SELECT s.group_id, c.id, s.at, s.place, s.legacy, s.new
		FROM reports_samples s JOIN reports_comparisons c ON c.seq = s.seq
		WHERE s.group_id IN (SELECT value FROM json_each(?)) AND s.at >= ? AND s.seq > ? ORDER BY s.group_id, s.at, s.seq`, list, micros(since), after)
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
