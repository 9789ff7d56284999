package admin

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/quackproxy/quack/reports"
)

// Coverage says which live requests of a route, "" for all, were compared.
func (c *Client) Coverage(ctx context.Context, route string) ([]reports.RouteCoverage, error) {
	var a struct{ Routes []reports.RouteCoverage }
	err := c.get(ctx, "/coverage", query(reports.Filter{Route: route}), &a)
	return a.Routes, err
}

// Know notes that a difference is known, and why it is all right.
func (c *Client) Know(ctx context.Context, id, why string) (reports.Group, error) {
	var g reports.Group
	err := c.post(ctx, "/differences/"+url.PathEscape(id)+"/known", knownChange{Why: why}, &g)
	if err == nil && (g.ID != id || g.Known == nil) {
		err = c.notDone("difference "+strconv.Quote(id)+" as known", strconv.Quote(g.ID))
	}
	return g, err
}

// Forget takes back what Know has noted.
func (c *Client) Forget(ctx context.Context, id string) (reports.Group, error) {
	var g reports.Group
	err := c.do(ctx, http.MethodDelete, "/differences/"+url.PathEscape(id)+"/known", nil, &g)
	if err == nil && (g.ID != id || g.Known != nil) {
		err = c.notDone("difference "+strconv.Quote(id)+" as forgotten", strconv.Quote(g.ID))
	}
	return g, err
}
