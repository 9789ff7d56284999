package reports

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/quackproxy/quack/store"
)

// Known says that a person knows of a difference. It still counts as what it is,
// and keeps no route from being ready any more.
type Known struct {
	At  time.Time `json:"at"`
	By  string    `json:"by"`
	Why string    `json:"why"`
}

// Know notes that by knows of a difference, by its Group.ID, and why it is all
// right. A second time takes the place of the first; store.ErrNotFound when there
// is no such difference.
func (r *Reports) Know(ctx context.Context, id, by, why string) error {
	g, err := r.Difference(ctx, id)
	if err != nil {
		return err
	}
	clean := r.redactorOf(g.Route).Text
	now := time.Now().UnixMicro()
	err = r.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO reports_known (public_id, at, by, why) VALUES (?, ?, ?, ?)
			ON CONFLICT (public_id) DO UPDATE SET at = excluded.at, by = excluded.by, why = excluded.why`,
			id, now, clean(by), clean(why))
		return err
	})
	if err != nil {
		return fmt.Errorf("note that difference %q is known: %w", id, err)
	}
	return nil
}

// Forget takes back what Know has noted; store.ErrNotFound when it has nothing.
func (r *Reports) Forget(ctx context.Context, id string) error {
	var gone int64
	err := r.db.Write(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `DELETE FROM reports_known WHERE public_id = ?`, id)
		if err == nil {
			gone, err = done.RowsAffected()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("forget that difference %q is known: %w", id, err)
	}
	if gone == 0 {
		return fmt.Errorf("difference %q is not noted as known: %w", id, store.ErrNotFound)
	}
	return nil
}

// tellKnown fills in which groups are known.
func (r *Reports) tellKnown(ctx context.Context, groups []storedGroup) error {
	rows, err := r.db.QueryContext(ctx, `SELECT public_id, at, by, why FROM reports_known`)
	if err != nil {
		return err
	}
	defer rows.Close()
	known := map[string]*Known{}
	for rows.Next() {
		var id string
		var at int64
		k := &Known{}
		if err := rows.Scan(&id, &at, &k.By, &k.Why); err != nil {
			return err
		}
		k.At = time.UnixMicro(at).UTC()
		known[id] = k
	}
	for i := range groups {
		groups[i].Known = known[groups[i].ID]
	}
	return rows.Err()
}

// OpenDifferences are what is open of a route: the differences that nobody has said to know
// and that speak against the new side, or hide what it does: those with the
// verdict mismatch or noise.
type OpenDifferences struct {
	Count int   // how many
	Most  Group // the most frequent; without samples, shares and trends
}

// Unknown is what is open, by route; of routes without there is none. Of f it takes
// Route, Since and SinceMark.
func (r *Reports) Unknown(ctx context.Context, f Filter) (map[string]OpenDifferences, error) {
	r.flushed(ctx)
	byRoute, err := r.unknown(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("read differences that nobody knows: %w", err)
	}
	return byRoute, nil
}

// unknownQuery counts in the store: a hundred thousand groups are more than a page
// has time to read. marked (?4) are counts by the number of the group at a mark, or
// at the time since which is asked when ?5 says so.
// They are added to the groups rather than joined: the planner takes them for few.
const unknownQuery = `WITH both AS (SELECT g.id, route, path, kind, 0 AS before, CASE WHEN ?1 = 0 OR ?5 THEN count ELSE
			(SELECT coalesce(sum(c.count), 0) FROM reports_group_counts c WHERE c.group_id = g.id AND c.start + c.width > ?2) END AS counted
		FROM reports_groups g
		WHERE verdict IN ('mismatch', 'noise') AND (?1 = 0 OR last_seen >= ?1) AND (?3 = '' OR route = ?3)
			AND NOT EXISTS (SELECT 1 FROM reports_known k WHERE k.public_id = g.public_id)
		UNION ALL SELECT CAST(key AS INTEGER), NULL, NULL, NULL, value, 0 FROM json_each(?4)),
	open AS (SELECT id, max(route) AS route, max(path) AS path, max(kind) AS kind, sum(before) AS before, sum(counted) AS counted
		FROM both GROUP BY id HAVING max(route) IS NOT NULL),
	placed AS (SELECT id, counted - before AS n, count(*) OVER (PARTITION BY route) AS alike,
			row_number() OVER (PARTITION BY route ORDER BY counted - before DESC, path, kind, id) AS place
		FROM open WHERE counted - before <> 0 OR before = 0 OR ?5)
	SELECT alike, n, coalesce(public_id, ''), route, path, kind, verdict, first_seen, last_seen
	FROM placed JOIN reports_groups USING (id) WHERE place = 1`

func (r *Reports) unknown(ctx context.Context, f Filter) (map[string]OpenDifferences, error) {
	marked := []byte("{}")
	if f.SinceMark != "" {
		then, err := r.markedGroups(ctx, f.SinceMark)
		if err == nil {
			marked, err = json.Marshal(then)
		}
		if err != nil {
			return nil, err
		}
	}
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // for the counts of now and then
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // it has only read
	byHour := false
	if !f.Since.IsZero() && f.Route == "" {
		var then json.RawMessage
		if byHour, err = stoodAt(ctx, tx, "groups", f.Since, &then); err != nil {
			return nil, err
		}
		if byHour {
			marked = then
		}
	}
	rows, err := tx.QueryContext(ctx, unknownQuery, micros(f.Since), f.Since.Unix(), f.Route, string(marked), byHour)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	byRoute := map[string]OpenDifferences{}
	for rows.Next() {
		var o OpenDifferences
		var first, last int64
		g := &o.Most
		if err := rows.Scan(&o.Count, &g.Count, &g.ID, &g.Route, &g.Path, &g.Kind, &g.Verdict, &first, &last); err != nil {
			return nil, err
		}
		g.FirstSeen, g.LastSeen = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
		r.rereadGroup(g)
		byRoute[g.Route] = o
	}
	return byRoute, rows.Err()
}
