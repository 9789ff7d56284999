package control

import (
	"fmt"
	"strings"

	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/store"
)

// ErrNotFound is store.ErrNotFound, for those who do not know the store.
var ErrNotFound = store.ErrNotFound

// UnknownRoute is the error for a route that the table in force does not have.
type UnknownRoute struct {
	Name    string
	Nearest string // the name that was most likely meant, "" when none is near
}

func (e *UnknownRoute) Error() string {
	if e.Nearest == "" {
		return fmt.Sprintf("there is no route %q\nthe names are those of `quack routes`", e.Name)
	}
	return fmt.Sprintf("there is no route %q\ndid you mean %q?", e.Name, e.Nearest)
}

// Route is the route of that name in the table in force, or an UnknownRoute.
func (c *Control) Route(name string) (*routes.Route, error) {
	t := c.table.Load()
	if t == nil {
		return nil, &UnknownRoute{Name: name}
	}
	if r := t.Route(name); r != nil {
		return r, nil
	}
	return nil, unknownRoute(t, name)
}

func unknownRoute(t *routes.Table, name string) error {
	best, most := "", 0.6
	for _, r := range t.Routes() {
		if alike := likeness(name, r.Name); alike > most {
			best, most = r.Name, alike
		}
	}
	return &UnknownRoute{Name: name, Nearest: best}
}

// likeness is how much of two names is the same, 0 to 1: the mean of the shares
// of letters and of pairs of letters that they have in common (Dice's
// coefficient). It does not mind words in another order, as in "show.accounts".
func likeness(a, b string) float64 {
	a, b = strings.ToLower(a), strings.ToLower(b)
	return (common(a, b, 1) + common(a, b, 2)) / 2
}

// common is the share of the pieces of n bytes that a and b have in common.
func common(a, b string, n int) float64 {
	left := map[string]int{}
	for i := 0; i+n <= len(a); i++ {
		left[a[i:i+n]]++
	}
	shared := 0
	for i := 0; i+n <= len(b); i++ {
		if left[b[i:i+n]] > 0 {
			left[b[i:i+n]]--
			shared++
		}
	}
	all := max(len(a)-n+1, 0) + max(len(b)-n+1, 0)
	if all == 0 {
		return 0
	}
	return 2 * float64(shared) / float64(all)
}
