package reports

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
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

// Unknown are the differences that nobody has said to know and that speak
// against the new side, or hide what it does: those with the verdict mismatch or
// noise. By route, the most frequent first; without samples, shares and trends.
// Of f it takes Route, Since and SinceMark.
func (r *Reports) Unknown(ctx context.Context, f Filter) (map[string][]Group, error) {
	r.flushed(ctx)
	groups, err := r.unknown(ctx, f)
	if err == nil && f.SinceMark != "" {
		groups, err = r.groupsSince(ctx, groups, f.SinceMark)
	}
	if err != nil {
		return nil, fmt.Errorf("read differences that nobody knows: %w", err)
	}
	slices.SortFunc(groups, func(a, b storedGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.id, b.id))
	})
	byRoute := map[string][]Group{}
	for _, g := range groups {
		r.rereadGroup(&g.Group)
		byRoute[g.Route] = append(byRoute[g.Route], g.Group)
	}
	return byRoute, nil
}

func (r *Reports) unknown(ctx context.Context, f Filter) ([]storedGroup, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT id, coalesce(public_id, ''), route, path, kind, verdict, first_seen, last_seen,
			CASE WHEN ?1 = 0 THEN count ELSE
				(SELECT coalesce(sum(c.count), 0) FROM reports_group_counts c WHERE c.group_id = g.id AND c.start + c.width > ?2) END
		FROM reports_groups g
		WHERE verdict IN ('mismatch', 'noise') AND (?1 = 0 OR last_seen >= ?1) AND (?3 = '' OR route = ?3)
			AND NOT EXISTS (SELECT 1 FROM reports_known k WHERE k.public_id = g.public_id)`,
		micros(f.Since), f.Since.Unix(), f.Route)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []storedGroup
	for rows.Next() {
		var g storedGroup
		var first, last int64
		if err := rows.Scan(&g.id, &g.ID, &g.Route, &g.Path, &g.Kind, &g.Verdict, &first, &last, &g.Count); err != nil {
			return nil, err
		}
		g.FirstSeen, g.LastSeen = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
		list = append(list, g)
	}
	return list, rows.Err()
}
