package admin

import "github.com/quackproxy/quack/reports"

// placesOf are the places of a comparison under no other rule.
func placesOf(c *reports.Comparison) *places { return placesUnder(c, nil) }
