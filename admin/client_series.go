package admin

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/quackproxy/quack/reports"
)

// Series is what a route counted over time, the oldest first.
func (c *Client) Series(ctx context.Context, f reports.SeriesFilter) ([]reports.Point, error) {
	q := url.Values{}
	for name, at := range map[string]time.Time{"since": f.Since, "until": f.Until} {
		if !at.IsZero() {
			q.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	if f.Points > 0 {
		q.Set("points", strconv.Itoa(f.Points))
	}
	var s RouteSeries
	err := c.get(ctx, "/routes/"+url.PathEscape(f.Route)+"/series", q, &s)
	return s.Points, err
}

// Difference is one group by its id.
func (c *Client) Difference(ctx context.Context, id string) (reports.Group, error) {
	var g reports.Group
	err := c.get(ctx, "/differences/"+url.PathEscape(id), nil, &g)
	return g, err
}
