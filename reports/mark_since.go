package reports

import (
	"context"
	"errors"
	"fmt"
)

// errTwoSinces is returned for a Filter with both.
var errTwoSinces = errors.New("since a time and since a mark are asked for at once\nleave one out")

// sinceMark are the counters of now less those at a mark; of routes for which
// nothing was counted since there are none.
func (r *Reports) sinceMark(ctx context.Context, f Filter) (map[string]*counts, error) {
	if !f.Since.IsZero() {
		return nil, errTwoSinces
	}
	then, err := r.markedCounters(ctx, f.SinceMark)
	if err != nil {
		return nil, err
	}
	return less(r.now(f.Route), then), nil // now is read last, so that it is the later one
}

// less is now less then, by route, without the routes of which nothing is left.
func less(now, then map[string]*counts) map[string]*counts {
	left := make(map[string]*counts, len(now))
	for route, c := range now {
		if d := then[route]; d != nil {
			if c.minus(d); c.nothing() {
				continue
			}
		}
		left[route] = c
	}
	return left
}

// tellNew sets New of the groups that were not there at a mark, the newest for
// "". Without any mark nothing is new.
func (r *Reports) tellNew(ctx context.Context, groups []storedGroup, mark string) error {
	m, err := r.markNamed(ctx, mark)
	if errors.Is(err, ErrNoMark) && mark == "" {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range groups {
		groups[i].New = groups[i].id > m.lastGroup
	}
	return nil
}

// comparedWithin is what the routes of groups have compared in the time of a
// filter.
func (r *Reports) comparedWithin(ctx context.Context, groups []storedGroup, f Filter) (map[string]int64, error) {
	if f.SinceMark == "" {
		return r.comparedOf(ctx, groups, f.Since)
	}
	then, err := r.markedCounters(ctx, f.SinceMark)
	if err != nil {
		return nil, err
	}
	compared := r.comparedEver()
	for route, c := range then {
		compared[route] -= c.total()
	}
	return compared, nil
}

// after is what a list of evidence begins behind: the number of the last
// comparison that was stored by a mark, 0 for none.
func (r *Reports) after(ctx context.Context, f Filter) (seq int64, err error) {
	if f.SinceMark == "" {
		return 0, nil
	}
	if !f.Since.IsZero() {
		return 0, errTwoSinces
	}
	m, err := r.markNamed(ctx, f.SinceMark)
	if err != nil {
		return 0, fmt.Errorf("since a mark: %w", err)
	}
	return m.lastSeq, nil
}
