package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/reports"
)

// observed gathers what is known of the places at which answers differ.
type observed struct {
	calls int // of legacy, in the last calibration
	list  []compare.Observation
	at    map[observedAt]int // index in list
}

type observedAt struct {
	path string
	kind compare.Kind
}

func (o *observed) of(path string, kind compare.Kind) *compare.Observation {
	i, known := o.at[observedAt{path, kind}]
	if !known {
		i = len(o.list)
		o.at[observedAt{path, kind}] = i
		o.list = append(o.list, compare.Observation{Path: path, Kind: kind, Calls: o.calls})
	}
	return &o.list[i]
}

// observations are what is known of the places of a route at which answers
// differ: from its last calibration, and from what was compared. The values are
// those of the best witness: legacy's own two, else those of places where
// legacy was seen to differ from itself, else those of mismatches.
func (s *server) observations(ctx context.Context, route string) ([]compare.Observation, error) {
	groups, err := s.reports.Differences(ctx, reports.Filter{Route: route, Limit: -1})
	if err != nil {
		return nil, fmt.Errorf("read the differences of %q: %w", route, err)
	}
	calibration, err := s.lastCalibration(ctx, route)
	if err != nil {
		return nil, err
	}
	o := &observed{calls: calibration.Compared, at: map[observedAt]int{}}
	own := map[observedAt]bool{}
	for _, p := range calibration.Places {
		one := o.of(p.Path, p.Kind)
		one.Self, one.Samples = p.Count, pairs(p.Samples)
		own[observedAt{p.Path, p.Kind}] = true
	}
	o.count(groups)
	for _, g := range groups {
		one := observedAt{g.Path, compare.Kind(g.Kind)}
		if g.Verdict == reports.VerdictForgiven || own[one] {
			continue
		}
		if of := o.of(g.Path, one.kind); (of.Rechecks > 0) == (g.Verdict != string(reports.Mismatch)) {
			of.Samples = append(of.Samples, pairs(g.Samples)...)
		}
	}
	return o.list, nil
}

// count adds the comparisons of groups.
func (o *observed) count(groups []reports.Group) {
	for _, g := range groups {
		switch reports.Verdict(g.Verdict) {
		case reports.Mismatch:
			o.of(g.Path, compare.Kind(g.Kind)).Others += int(g.Count)
		case reports.Noise, reports.Transient:
			o.of(g.Path, compare.Kind(g.Kind)).Rechecks += int(g.Count)
		}
	}
}

// lastCalibration is the zero one when the route has none.
func (s *server) lastCalibration(ctx context.Context, route string) (reports.Calibration, error) {
	if s.calls != nil {
		if c, running := s.calls.Calibration(route); running {
			return c, nil
		}
	}
	c, err := s.reports.Calibration(ctx, route)
	if errors.Is(err, control.ErrNotFound) {
		return reports.Calibration{}, nil
	}
	return c, err
}

func pairs(samples []reports.Sample) []compare.Sample {
	list := make([]compare.Sample, len(samples))
	for i, s := range samples {
		list[i] = compare.Sample{Legacy: s.Legacy, New: s.New}
	}
	return list
}
