package reports

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Order is how groups of differences are listed.
type Order string

// The orders of groups. Counts rise while a list is read page by page: in the
// order of OrderWorst a group that overtakes others meanwhile may be missed or
// come twice, in that of OrderFound each comes once.
const (
	OrderWorst Order = ""      // worst verdict first, then by count
	OrderFound Order = "found" // as they were found, the first one first
)

// ErrCursor is returned for an After that the list has not given.
var ErrCursor = errors.New("not a cursor of this list")

// storedGroup is a group and its number in the store. Groups are numbered as
// they are found, and never deleted.
type storedGroup struct {
	Group
	id int64
}

// verdictRanks sorts groups: the worst verdict first. rankOfVerdict is the same
// in SQL.
var verdictRanks = map[string]int{string(Mismatch): 0, string(Noise): 1, string(Transient): 2, VerdictForgiven: 3}

const rankOfVerdict = `CASE verdict WHEN 'mismatch' THEN 0 WHEN 'noise' THEN 1 WHEN 'transient' THEN 2 ELSE 3 END`

// groupsQuery lists groups: those of a filter, less what was counted at a mark
// (?7, {number of the group: count}), behind the group of number ?8, which had the
// count ?9. Only the conditions that there are stand in it, so that an index can
// serve them.
func groupsQuery(f Filter, marked, behind bool) string {
	counted, from, where, kept := `count`, `reports_groups g`, `1`, `1`
	if !f.Since.IsZero() { // what was counted in a bucket that ends after it
		counted = `(SELECT coalesce(sum(c.count), 0) FROM reports_group_counts c WHERE c.group_id = g.id AND c.start + c.width > ?2)`
		where += ` AND last_seen >= ?1`
	}
	if marked {
		counted += ` - coalesce(m.n, 0)`
		from += ` LEFT JOIN marked m ON m.id = g.id`
		kept += ` AND counted <> 0`
	}
	for column, value := range map[string]string{`route = ?3`: f.Route, `path IN (SELECT value FROM json_each(?4))`: f.Path, `kind = ?5`: f.Kind, `public_id = ?6`: f.Group} {
		if value != "" {
			where += ` AND ` + column
		}
	}
	if behind {
		kept += ` AND ` + orders[f.Order].behind
	}
	return `WITH marked (id, n) AS MATERIALIZED (SELECT CAST(key AS INTEGER), value FROM json_each(?7)),
		listed AS (SELECT g.id, route, path, kind, ` + counted + ` AS counted, ` + rankOfVerdict + ` AS rank FROM ` + from + ` WHERE ` + where + `),
		page AS (SELECT * FROM listed WHERE ` + kept + ` ORDER BY ` + orders[f.Order].by + ` LIMIT ?10)
		SELECT id, route, path, kind, verdict, reason, first_seen, last_seen, drift, coalesce(public_id, ''),
			CASE weighed WHEN 0 THEN 0.0 ELSE CAST(places AS REAL) / weighed END, counted
		FROM page JOIN reports_groups USING (id, route, path, kind) ORDER BY ` + orders[f.Order].by
}

// orders are how groups are sorted, and which lie behind one.
var orders = map[Order]struct{ by, behind string }{
	OrderWorst: {
		by: `rank, -counted, route, path, kind, id`,
		behind: `(rank, -counted, route, path, kind, id) >
			(SELECT ` + rankOfVerdict + `, -?9, route, path, kind, id FROM reports_groups WHERE id = ?8)`,
	},
	OrderFound: {by: `id`, behind: `id > ?8`},
}

// groups are all groups of a filter, whatever its Limit, After and SinceMark
// say.
func (r *Reports) groups(ctx context.Context, f Filter) ([]storedGroup, error) {
	f.Limit, f.After = -1, ""
	return r.listGroups(ctx, f, nil)
}

// listGroups are those of a filter behind its cursor, with their counts less
// those of marked, by number.
func (r *Reports) listGroups(ctx context.Context, f Filter, marked map[int64]int64) ([]storedGroup, error) {
	if _, known := orders[f.Order]; !known {
		return nil, fmt.Errorf("%q is no order of differences\ntake %q, or none for the worst first", f.Order, OrderFound)
	}
	then := []byte("{}")
	count, id, err := r.groupCursor(ctx, f)
	if err != nil {
		return nil, err
	}
	paths, err := r.pathsAsJSON(ctx, f)
	if err == nil && len(marked) > 0 {
		then, err = json.Marshal(marked)
	}
	if err != nil {
		return nil, err
	}
	rows, err := r.db.QueryContext(ctx, groupsQuery(f, marked != nil, f.After != ""),
		micros(f.Since), f.Since.Unix(), f.Route, paths, f.Kind, f.Group, string(then), id, count, f.limit())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []storedGroup
	for rows.Next() {
		g, err := scanGroup(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	return list, rows.Err()
}

func scanGroup(rows *sql.Rows) (g storedGroup, err error) {
	var first, last int64
	var drift []byte
	if err := rows.Scan(&g.id, &g.Route, &g.Path, &g.Kind, &g.Verdict, &g.Reason, &first, &last, &drift, &g.ID, &g.Weight, &g.Count); err != nil {
		return g, err
	}
	g.FirstSeen, g.LastSeen = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
	g.Drift, err = decodeDrift(drift)
	return g, err
}

// cursor is where a list that ends with g goes on: "42", the number of the
// group, behind its count where the list is sorted by that: "17-42".
func (f Filter) cursor(g storedGroup) string {
	number := strconv.FormatInt(g.id, 10)
	if f.Order == OrderFound {
		return number
	}
	return strconv.FormatInt(g.Count, 10) + "-" + number
}

// groupCursor reads Filter.After; 0 and 0 when there is none.
func (r *Reports) groupCursor(ctx context.Context, f Filter) (count, id int64, err error) {
	if f.After == "" {
		return 0, 0, nil
	}
	counted, number, both := strings.Cut(f.After, "-")
	if !both {
		counted, number = "0", f.After
	}
	count, bad := strconv.ParseInt(counted, 10, 64)
	id, worse := strconv.ParseInt(number, 10, 64)
	if cmp.Or(bad, worse) != nil || id < 1 || both == (f.Order == OrderFound) {
		return 0, 0, fmt.Errorf("%q is %w\ntake it from the page before, as it is", f.After, ErrCursor)
	}
	var n int
	if err := r.db.QueryRowContext(ctx, `SELECT count(*) FROM reports_groups WHERE id = ?`, id).Scan(&n); err != nil {
		return 0, 0, err
	}
	if n == 0 {
		return 0, 0, fmt.Errorf("%q is %w: there is no such group in this data folder\nbegin with the first page", f.After, ErrCursor)
	}
	return count, id, nil
}
