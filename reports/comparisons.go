package reports

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/quackproxy/quack/store"
)

// Comparison is one stored comparison, redacted; store.ErrNotFound when it is
// not kept.
func (r *Reports) Comparison(ctx context.Context, id string) (*Comparison, error) {
	r.flushed(ctx)
	var data []byte
	err := r.db.QueryRowContext(ctx, `SELECT data FROM reports_comparisons WHERE id = ?`, id).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("comparison %q: %w\nit was none, or has made way for newer ones: see the samples of the report", id, store.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read comparison %q: %w", id, err)
	}
	return r.reread(unpack(data))
}

// before is the number of the comparison that a page of comparisons lies before:
// After, or one higher than any.
func (f Filter) before() (int64, error) {
	if f.After == "" {
		return math.MaxInt64, nil
	}
	seq, err := strconv.ParseInt(f.After, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is %w\ntake it from the page before, as it is", f.After, ErrCursor)
	}
	return seq, nil
}

// Comparisons lists stored comparisons, the latest recorded first; next is the
// cursor of those after them, "" at the end.
func (r *Reports) Comparisons(ctx context.Context, f Filter) (list []Comparison, next string, err error) {
	r.flushed(ctx)
	paths, err := r.pathsAsJSON(ctx, f)
	if err != nil {
		return nil, "", err
	}
	before, err := f.before()
	if err != nil {
		return nil, "", err
	}
	since, err := r.after(ctx, f)
	if err != nil {
		return nil, "", err
	}
	limit := f.limit()
	ask := limit
	if limit >= 0 {
		ask++ // to know whether there are more
	}
	rows, err := r.db.QueryContext(ctx, `SELECT seq, data FROM reports_comparisons c
		WHERE seq < ?1 AND (?2 = '' OR route = ?2) AND (?3 = '' OR verdict = ?3) AND at >= ?4 AND seq > ?9
		AND (?5 = '[]' AND ?6 = '' AND ?7 = '' OR EXISTS (SELECT 1 FROM reports_samples s JOIN reports_groups g ON g.id = s.group_id
			WHERE s.seq = c.seq AND (?5 = '[]' OR g.path IN (SELECT value FROM json_each(?5))) AND (?6 = '' OR g.kind = ?6) AND (?7 = '' OR g.public_id = ?7)))
		ORDER BY seq DESC LIMIT ?8`,
		before, f.Route, string(f.Verdict), micros(f.Since), paths, f.Kind, f.Group, ask, since)
	if err != nil {
		return nil, "", fmt.Errorf("list comparisons: %w", err)
	}
	defer rows.Close()
	var last int64
	for rows.Next() {
		if limit >= 0 && len(list) == limit {
			return list, strconv.FormatInt(last, 10), nil
		}
		var data []byte
		if err := rows.Scan(&last, &data); err != nil {
			return nil, "", fmt.Errorf("list comparisons: %w", err)
		}
		c, err := r.reread(unpack(data))
		if err != nil {
			return nil, "", err
		}
		list = append(list, *c)
	}
	if err := rows.Err(); err != nil {
		return nil, "", fmt.Errorf("list comparisons: %w", err)
	}
	return list, "", nil
}
