// Package reasons orders the reasons why a shadow is not compared.
package reasons

import "strings"

// Rank is how grave a reason is: a graver one replaces a lesser one, else the
// first stays. "" has 0.
func Rank(reason string) int {
	kind, _, _ := strings.Cut(reason, ":")
	switch kind {
	case "escape":
		return 4
	case "write":
		return 3
	case "budget":
		return 2
	case "unsupported":
		return 1
	}
	return 0
}
