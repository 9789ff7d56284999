package routes

import (
	"fmt"
	"strings"
	"testing"
)

// TestCloneAtOneAddress: two spellings of one address are one server, at which
// each write would be made twice.
func TestCloneAtOneAddress(t *testing.T) {
	for _, c := range []struct {
		legacy, new string
		refused     bool
	}{
		{"http://127.0.0.1:3000", "http://localhost:3000", true},
		{"http://[::1]:3000", "http://127.0.0.1:3000", true},
		{"http://shop.example", "http://shop.example:80", true},
		{"https://shop.example", "https://shop.example:443", true},
		{"http://shop.example", "http://Shop.Example.", true},
		{"http://127.0.0.1:3000", "http://localhost:4000", false},
		{"http://shop.example", "https://shop.example", false},
		{"http://10.0.0.1:3000", "http://10.0.0.2:3000", false},
	} {
		_, err := Parse("routes.yaml", fmt.Appendf(nil, `version: 1
backends:
  monolith: {urls: ["%s"], database: shop}
  accounts: {urls: ["%s"], database: copy}
databases: {shop: {}, copy: {}}
defaults: {legacy: monolith, new: accounts, stage: shadow, shadow: {order: clone}}
routes: [{name: create, match: POST /accounts}]
`, c.legacy, c.new))
		if refused := err != nil && strings.Contains(err.Error(), "both sides are at"); refused != c.refused || err != nil && !refused {
			t.Errorf("%s and %s: %v", c.legacy, c.new, err)
		}
	}
}
