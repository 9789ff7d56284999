package admin

import "context"

// TryRule says what the stored evidence of a route ("" for all) says under a
// rule, written as in routes.yaml.
func (c *Client) TryRule(ctx context.Context, route, rule string) (RuleTried, error) {
	var t RuleTried
	err := c.post(ctx, "/rules/try", ruleTrial{Rule: rule, Route: route}, &t)
	return t, err
}
