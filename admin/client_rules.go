package admin

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/quackproxy/quack/reports"
)

// TryRule says what the stored evidence of a route ("" for all) says under a
// rule, written as in routes.yaml.
func (c *Client) TryRule(ctx context.Context, route, rule string) (RuleTried, error) {
	var t RuleTried
	err := c.post(ctx, "/rules/try", ruleTrial{Rule: rule, Route: route}, &t)
	return t, err
}

// Rules are the rules of a route ("" for all), and what they have done.
func (c *Client) Rules(ctx context.Context, route string) ([]reports.RuleUse, error) {
	var a struct{ Rules []reports.RuleUse }
	err := c.get(ctx, "/rules", query(reports.Filter{Route: route}), &a)
	return a.Rules, err
}

// Suggestions are the rules that the evidence of a route ("" for all) supports;
// with all also those that take a person's say.
func (c *Client) Suggestions(ctx context.Context, route string, all bool) ([]SuggestedRule, error) {
	var a struct{ Suggestions []SuggestedRule }
	q := query(reports.Filter{Route: route})
	if all {
		q.Set("all", "1")
	}
	err := c.get(ctx, "/rules/suggestions", q, &a)
	return a.Suggestions, err
}

// Calibrate begins a calibration of a route, of n requests within a length of
// time, and returns how it stands.
func (c *Client) Calibrate(ctx context.Context, route string, n int, length time.Duration) (reports.Calibration, error) {
	var is reports.Calibration
	err := c.post(ctx, "/calibrations", calibrationChange{Route: route, N: n, For: length.String()}, &is)
	return is, err
}

// Calibration is the calibration of a route that runs, else the last one.
func (c *Client) Calibration(ctx context.Context, route string) (reports.Calibration, error) {
	var is reports.Calibration
	err := c.get(ctx, "/calibrations/"+url.PathEscape(route), nil, &is)
	return is, err
}

// StopCalibration ends the calibration of a route.
func (c *Client) StopCalibration(ctx context.Context, route string) (reports.Calibration, error) {
	var is reports.Calibration
	err := c.do(ctx, http.MethodDelete, "/calibrations/"+url.PathEscape(route), nil, &is)
	return is, err
}
