package reports

import (
	"context"
	"encoding/json"
	"time"
)

// tell makes the changes of the groups that are listed, with all that is to be
// told of them.
func (s *sorting) tell(ctx context.Context, r *Reports, changes *RunChanges) error {
	var listed []int64
	for _, list := range s.lists {
		for _, f := range list {
			listed = append(listed, f.id)
		}
	}
	groups, err := r.groupsNumbered(ctx, listed)
	if err != nil {
		return err
	}
	if err := r.illustrate(ctx, groups, s.after.lastSeq); err != nil {
		return err
	}
	told := map[int64]Group{}
	for _, g := range groups {
		told[g.id] = g.Group
	}
	for i, to := range changes.lists() {
		*to = make([]Change, len(s.lists[i]))
		for k, f := range s.lists[i] {
			(*to)[k] = s.change(f, told[f.id])
		}
	}
	return nil
}

func (s *sorting) change(f *found, g Group) Change {
	g.Count, g.Share, g.New = f.count().Count, min(1, f.count().Share), f.before.Count == 0
	c := Change{Group: g, Before: f.before, After: f.after, P: f.p, Rose: f.rose}
	list, otherwise := s.list(f)
	if c.Otherwise = otherwise; list == notSeen {
		c.Needs = enough(f.before.Count, f.before.Compared) - f.after.Compared
	}
	return c
}

func (r *Reports) groupsNumbered(ctx context.Context, ids []int64) ([]storedGroup, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := r.db.QueryContext(ctx, `SELECT id, route, path, kind, verdict, reason, first_seen, last_seen, drift, coalesce(public_id, ''),
		CASE weighed WHEN 0 THEN 0.0 ELSE CAST(places AS REAL) / weighed END, count
		FROM reports_groups WHERE id IN (SELECT value FROM json_each(?))`, string(list))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var groups []storedGroup
	for rows.Next() {
		g, err := scanGroup(rows)
		if err != nil {
			return nil, err
		}
		groups = append(groups, g)
	}
	return groups, rows.Err()
}

// illustrate fills in the samples of groups, of comparisons stored behind a
// number, and when they were counted.
func (r *Reports) illustrate(ctx context.Context, groups []storedGroup, behind int64) error {
	samples, err := r.samples(ctx, groups, time.Time{}, behind)
	if err != nil {
		return err
	}
	recent, err := r.recent(ctx, groups, time.Now())
	if err != nil {
		return err
	}
	for i := range groups {
		g := &groups[i]
		g.Recent, g.Samples = recent[g.id], samples[g.id]
		if g.Samples == nil {
			g.Samples = []Sample{}
		}
		r.rereadGroup(&g.Group)
	}
	return nil
}
