package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/store"
)

// books are counters, as they were sent or as the store has them.
type books struct {
	routes map[string]counted
	groups map[groupOf]int64
}

// counted are the counters of a route.
type counted struct{ served, matched, mismatched, transient, noise, errors, forgiven, skipped, dropped int64 }

// recorded are the comparisons among them.
func (c counted) recorded() int64 {
	return c.matched + c.mismatched + c.transient + c.noise + c.errors
}

type groupOf struct{ route, path, verdict string }

func newBooks() *books { return &books{routes: map[string]counted{}, groups: map[groupOf]int64{}} }

// enter counts what is planned.
func (b *books) enter(p planned) {
	c := b.routes[p.route]
	c.served++
	switch p.verdict {
	case reports.Match:
		c.matched++
	case reports.Mismatch:
		c.mismatched++
	case reports.Transient:
		c.transient++
	case reports.Noise:
		c.noise++
	default:
		c.errors++
	}
	for _, place := range p.places {
		b.groups[groupOf{p.route, placePath(place), string(p.verdict)}]++
	}
	if p.forgiven {
		c.forgiven += 2
		b.groups[groupOf{p.route, "$.at", reports.VerdictForgiven}]++
	}
	if p.skipped {
		c.skipped++
	}
	if p.dropped {
		c.dropped++
	}
	b.routes[p.route] = c
}

// sent are the books of feeders that came so far.
func sent(upTo [feeders]int) *books {
	b := newBooks()
	for feeder, n := range upTo {
		for i := range n {
			b.enter(plannedAt(feeder, i))
		}
	}
	return b
}

// stored are the books of a store, as a process reads them that starts on it.
func stored(ctx context.Context, dir string) (*books, error) {
	db, err := store.Open(ctx, filepath.Join(dir, "data"), reports.Schema)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	r, err := reports.Open(ctx, db, reports.Config{})
	if err != nil {
		return nil, err
	}
	b := newBooks()
	for _, route := range r.Live() {
		b.routes[route.Name] = countedOf(route)
	}
	groups, err := r.Differences(ctx, reports.Filter{Limit: -1})
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		b.groups[groupOf{g.Route, g.Path, g.Verdict}] = g.Count
	}
	return b, nil
}

func countedOf(r reports.RouteReport) counted {
	c := counted{
		served: r.Served, matched: r.Matched, mismatched: r.Mismatched, transient: r.Transient, noise: r.Noise,
		errors: r.Errors, forgiven: r.Forgiven, dropped: r.Dropped,
	}
	for _, n := range r.Skipped {
		c.skipped += n
	}
	return c
}

// sum are the counters of the routes whose names begin so.
func (b *books) sum(prefix string) (sum counted) {
	for name, c := range b.routes {
		if strings.HasPrefix(name, prefix) {
			sum.served += c.served
			sum.matched += c.matched
			sum.mismatched += c.mismatched
			sum.transient += c.transient
			sum.noise += c.noise
			sum.errors += c.errors
			sum.forgiven += c.forgiven
			sum.skipped += c.skipped
			sum.dropped += c.dropped
		}
	}
	return sum
}

// deviations are the counters that are not as wanted.
func (b *books) deviations(want *books) (list []string) {
	for name := range both(b.routes, want.routes) {
		if is, was := b.routes[name], want.routes[name]; is != was {
			list = append(list, fmt.Sprintf("route %s: counted %+v, sent %+v", name, is, was))
		}
	}
	for k := range both(b.groups, want.groups) {
		if is, was := b.groups[k], want.groups[k]; is != was {
			list = append(list, fmt.Sprintf("differences %+v: counted %d, sent %d", k, is, was))
		}
	}
	slices.Sort(list)
	return list
}

func both[K comparable, V any](a, b map[K]V) map[K]bool {
	keys := map[K]bool{}
	for _, m := range []map[K]V{a, b} {
		for k := range m {
			keys[k] = true
		}
	}
	return keys
}
