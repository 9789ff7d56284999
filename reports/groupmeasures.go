package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// recentHours is how many hours Group.Recent has.
const recentHours = len(Group{}.Recent)

// measureGroups fills in the shares of groups, and when they were counted.
func (r *Reports) measureGroups(ctx context.Context, groups []storedGroup, f Filter) error {
	compared, err := r.comparedWithin(ctx, groups, f)
	if err != nil {
		return err
	}
	recent, err := r.recent(ctx, groups, time.Now())
	if err != nil {
		return err
	}
	for i := range groups {
		g := &groups[i]
		if n := compared[g.Route]; n > 0 {
			// What could not be compared may have differences too.
			g.Share = min(1, float64(g.Count)/float64(n))
		}
		g.Recent = recent[g.id]
	}
	return nil
}

// comparedOf is what the routes of groups have compared since then.
func (r *Reports) comparedOf(ctx context.Context, groups []storedGroup, since time.Time) (map[string]int64, error) {
	if since.IsZero() {
		return r.comparedEver(), nil
	}
	routes := map[string]bool{}
	var names []string
	for _, g := range groups {
		if !routes[g.Route] {
			routes[g.Route] = true
			names = append(names, g.Route)
		}
	}
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	compared := map[string]int64{}
	query := `SELECT route, data FROM json_each(?2) CROSS JOIN reports_counts ON route = value WHERE ` + endsAfter
	return compared, eachRoute(ctx, r.db, query, []any{since.Unix(), string(list)}, func(route string, data []byte) error {
		// Histograms are not decoded: they take most of the time.
		var c struct{ Matched, Mismatched, Transient, Noise int64 }
		if err := json.Unmarshal(data, &c); err != nil {
			return fmt.Errorf("counters of route %q: %w", route, err)
		}
		compared[route] += c.Matched + c.Mismatched + c.Transient + c.Noise
		return nil
	})
}

// comparedEver is what routes had compared in all time at the last batch, which
// is when groups were counted; from memory.
func (r *Reports) comparedEver() map[string]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle(r.shards.grab(), time.Now())
	compared := make(map[string]int64, len(r.totals))
	for route, c := range r.totals {
		compared[route] = c.total()
	}
	return compared
}

// recent is Group.Recent by the number of the group.
func (r *Reports) recent(ctx context.Context, groups []storedGroup, now time.Time) (map[int64][recentHours]int64, error) {
	list, err := numbersAsJSON(groups)
	if err != nil {
		return nil, err
	}
	oldest := bucketStart(now, 3600) - int64(recentHours-1)*3600
	rows, err := r.db.QueryContext(ctx, `SELECT group_id, (start - ?1) / 3600, sum(count) FROM reports_group_counts
		WHERE group_id IN (SELECT value FROM json_each(?2)) AND width IN (60, 3600) AND start >= ?1 GROUP BY 1, 2`, oldest, list)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	recent := map[int64][recentHours]int64{}
	for rows.Next() {
		var group, hour, n int64
		if err := rows.Scan(&group, &hour, &n); err != nil {
			return nil, err
		}
		hours := recent[group]
		hours[min(hour, int64(recentHours)-1)] += n // the clock may have been set back
		recent[group] = hours
	}
	return recent, rows.Err()
}
