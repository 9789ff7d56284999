package admin

import (
	"context"
	"net/url"
	"strconv"

	"github.com/quackproxy/quack/reports"
)

// Marks are the marks that are kept, the newest first.
func (c *Client) Marks(ctx context.Context) ([]reports.Mark, error) {
	var a struct{ Marks []reports.Mark }
	err := c.get(ctx, "/marks", nil, &a)
	return a.Marks, err
}

// Mark sets a mark at this moment.
func (c *Client) Mark(ctx context.Context, name, why string) (reports.Mark, error) {
	var m reports.Mark
	err := c.post(ctx, "/marks", markChange{Name: name, Why: why}, &m)
	if err == nil && m.Name != name {
		err = c.notDone("the mark "+strconv.Quote(name), strconv.Quote(m.Name))
	}
	return m, err
}

// Runs compares two runs of a route, "" for all. A span is written as FROM..TO, and "" is the default:
// after what follows the newest mark, before what lies between where after begins
// and the mark before.
func (c *Client) Runs(ctx context.Context, route, before, after string) (reports.RunChanges, error) {
	q := url.Values{"limit": {strconv.Itoa(maxLimit)}}
	for name, value := range map[string]string{"route": route, "before": before, "after": after} {
		if value != "" {
			q.Set(name, value)
		}
	}
	var a reports.RunChanges
	err := c.get(ctx, "/runs", q, &a)
	return a, err
}
