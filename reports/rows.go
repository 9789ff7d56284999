package reports

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
)

// querier is the store, or a transaction of it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// eachRoute calls each for the rows of a query that have a route and its data.
func eachRoute(ctx context.Context, from querier, query string, args []any, each func(route string, data []byte) error) error {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var route string
		var data []byte
		if err := rows.Scan(&route, &data); err != nil {
			return err
		}
		if err := each(route, data); err != nil {
			return err
		}
	}
	return rows.Err()
}

// eachCounts is eachRoute of counters.
func eachCounts(ctx context.Context, from querier, query string, args []any, each func(route string, c *counts)) error {
	return eachRoute(ctx, from, query, args, func(route string, data []byte) error {
		c, err := decodeCounts(route, data)
		if err == nil {
			each(route, c)
		}
		return err
	})
}

func decodeCounts(route string, data []byte) (*counts, error) {
	c := &counts{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("counters of route %q: %w", route, err)
	}
	return c, nil
}

// allTime reads the counters of all time, by route.
func allTime(ctx context.Context, from querier) (map[string]*counts, error) {
	totals := map[string]*counts{}
	return totals, eachCounts(ctx, from, `SELECT route, data FROM reports_counts WHERE width = 0`, nil, func(route string, c *counts) {
		totals[route] = c
	})
}
