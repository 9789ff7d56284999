package main

import (
	"context"
	"os"
	"time"

	"github.com/quackproxy/quack/reports"
)

// proxyNames are what only the running proxy knows. One that does not answer at
// once knows no names: a person who presses a key waits for no timeout. The
// address is the one that was typed, "" when none was.
type proxyNames struct{ ctx context.Context }

const namesWithin = 700 * time.Millisecond

func (p proxyNames) client(address string) client {
	if address == "" {
		address = os.Getenv("QUACK_ADMIN")
	}
	if address == "" {
		address = "127.0.0.1:7070"
	}
	return client{Admin: address}
}

func (p proxyNames) routes(address string) []candidate {
	ctx, cancel := context.WithTimeout(p.ctx, namesWithin)
	defer cancel()
	list, err := p.client(address).connect().Routes(ctx)
	if err != nil {
		return nil
	}
	var all []candidate
	for _, r := range list {
		all = append(all, candidate{oneLine(r.Name), oneLine(r.Method + " " + r.Pattern + ", " + r.Stage)})
	}
	return all
}

// comparisons are the newest ones of the differences that count most.
func (p proxyNames) comparisons(address string) []candidate {
	return p.groups(address, func(g reports.Group) string {
		if n := len(g.Samples); n > 0 {
			return g.Samples[n-1].ID
		}
		return ""
	})
}

// differences are those that keep routes from being ready, or did until somebody
// said to know of them.
func (p proxyNames) differences(address string) []candidate {
	return p.groups(address, func(g reports.Group) string {
		if g.CountsAgainst() {
			return g.ID
		}
		return ""
	})
}

// groups are the differences that count most, each by the id that id has for it;
// those with "" are left out.
func (p proxyNames) groups(address string, id func(reports.Group) string) []candidate {
	ctx, cancel := context.WithTimeout(p.ctx, namesWithin)
	defer cancel()
	groups, err := p.client(address).connect().Differences(ctx, reports.Filter{Limit: 50})
	if err != nil {
		return nil
	}
	var all []candidate
	for _, g := range groups {
		if id := id(g); id != "" {
			all = append(all, candidate{oneLine(id), oneLine(g.Verdict + ": " + g.Kind + " " + g.Path + " of " + g.Route)})
		}
	}
	return all
}

// marks are those that are set, the newest first.
func (p proxyNames) marks(address string) []candidate {
	ctx, cancel := context.WithTimeout(p.ctx, namesWithin)
	defer cancel()
	marks, err := p.client(address).connect().Marks(ctx)
	if err != nil {
		return nil
	}
	var all []candidate
	for _, m := range marks {
		all = append(all, candidate{oneLine(m.Name), oneLine(m.Why)})
	}
	return all
}
