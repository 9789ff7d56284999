package reports

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// flushFirst is how long a reader waits for what was recorded before it asked.
// Then, and when the store can not be written, it gets what is there.
const flushFirst = 2 * time.Second

func (r *Reports) flushed(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushFirst)
	defer cancel()
	r.Flush(ctx) // noted in Stats and logged
}

// Report counts per route, sorted by name, up to this moment. Without Since and
// SinceMark it reads no store.
func (r *Reports) Report(ctx context.Context, f Filter) ([]RouteReport, error) {
	var sums map[string]*counts
	var err error
	switch {
	case f.SinceMark != "":
		if sums, err = r.sinceMark(ctx, f); err != nil {
			return nil, err
		}
	case f.Since.IsZero():
		sums = r.now(f.Route)
	default:
		r.flushed(ctx)
		if sums, err = r.sinceTime(ctx, f.Route, f.Since); err != nil {
			return nil, fmt.Errorf("read counters: %w", err)
		}
	}
	list := make([]RouteReport, 0, len(sums))
	for name, c := range sums {
		list = append(list, c.report(name))
	}
	slices.SortFunc(list, func(a, b RouteReport) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Live is Report of all routes and all time. It only reads memory: for metrics.
func (r *Reports) Live() []RouteReport {
	list, _ := r.Report(context.Background(), Filter{})
	return list
}

// now are the counters of all time, those in the shards included; of one route,
// or of all when it is "".
func (r *Reports) now(route string) map[string]*counts {
	sums := map[string]*counts{}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle(r.shards.grab(), time.Now())
	if route == "" {
		mergeInto(sums, r.totals)
	} else if c := r.totals[route]; c != nil {
		mergeInto(sums, map[string]*counts{route: c})
	}
	return sums
}
