package main

import (
	"cmp"
	"context"
	"os"
	"time"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/reports"
)

// proxyNames are what only the running proxy knows. One that does not answer at
// once knows no names: a person who presses a key waits for no timeout.
type proxyNames struct {
	ctx     context.Context
	address string // that was typed, "" when none was
}

const namesWithin = 700 * time.Millisecond

// namesOf asks the proxy for a list; what has no name is left out.
func namesOf[T any](p proxyNames, ask func(*admin.Client, context.Context) ([]T, error), name func(T) candidate) []candidate {
	ctx, cancel := context.WithTimeout(p.ctx, namesWithin)
	defer cancel()
	proxy := client{Admin: address(cmp.Or(p.address, os.Getenv("QUACK_ADMIN"), "127.0.0.1:7070"))}
	list, err := ask(proxy.connect(), ctx)
	if err != nil {
		return nil
	}
	var all []candidate
	for _, one := range list {
		if c := name(one); c.value != "" {
			all = append(all, candidate{oneLine(c.value), oneLine(c.says)})
		}
	}
	return all
}

func (p proxyNames) routes() []candidate {
	return namesOf(p, (*admin.Client).Routes, func(r admin.RouteInfo) candidate {
		return candidate{r.Name, r.Method + " " + r.Pattern + ", " + r.Stage}
	})
}

// comparisons are the newest ones of the differences that count most.
func (p proxyNames) comparisons() []candidate {
	return p.groups(func(g reports.Group) string {
		if n := len(g.Samples); n > 0 {
			return g.Samples[n-1].ID
		}
		return ""
	})
}

// differences are those that keep routes from being ready, or did until somebody
// said to know of them.
func (p proxyNames) differences() []candidate {
	return p.groups(func(g reports.Group) string {
		if g.CountsAgainst() {
			return g.ID
		}
		return ""
	})
}

// groups are the differences that count most, each by the id that id has for it.
func (p proxyNames) groups(id func(reports.Group) string) []candidate {
	worst := func(c *admin.Client, ctx context.Context) ([]reports.Group, error) {
		return c.Differences(ctx, reports.Filter{Limit: 50})
	}
	return namesOf(p, worst, func(g reports.Group) candidate {
		return candidate{id(g), g.Verdict + ": " + g.Kind + " " + g.Path + " of " + g.Route}
	})
}

// marks are those that are set, the newest first.
func (p proxyNames) marks() []candidate {
	return namesOf(p, (*admin.Client).Marks, func(m reports.Mark) candidate { return candidate{m.Name, m.Why} })
}
