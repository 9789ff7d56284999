package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// turn is one contender under load once.
type turn struct {
	Contender string
	Round     int
	Load      *loadResult
	CPU       time.Duration // of the proxy's processes, the shadow's work included
	Compared  int64         `json:",omitempty"` // by Quack, of the load's requests
	Dropped   int64         `json:",omitempty"`
	Skipped   int64         `json:",omitempty"`
}

// perRequest is the CPU time of the proxy for each request, in µs.
func (t turn) perRequest() float64 {
	return float64(t.CPU.Nanoseconds()) / 1000 / float64(t.Load.Requests)
}

// takeTurns puts the load on each proxy in turns (A B C A B C …), after a
// shorter one on each that is not counted.
func (s *settings) takeTurns(ctx context.Context, title string, proxies []*proxy, spec loadSpec) (turns, error) {
	var all turns
	for round := range s.rounds + 1 {
		s.say("%s, round %d of %d", title, round, s.rounds)
		for _, p := range proxies {
			spec.Addr, spec.Duration = p.addr, s.duration
			if round == 0 {
				spec.Duration = s.duration / 4
			}
			t, err := takeTurn(ctx, p, spec)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			if t.Round = round; round > 0 {
				all = append(all, *t)
			}
		}
	}
	return all, nil
}

// shorter are the same settings with three times as many rounds of turns of two
// thirds: for p99 and the slowest request, which one disturbance by others on
// the machine spoils for a whole turn.
func (s settings) shorter() *settings {
	s.rounds, s.duration = 3*s.rounds, 2*s.duration/3
	return &s
}

// takeTurn puts the load on p. Of Quack it waits until what was to be compared
// has been: that is part of the work.
func takeTurn(ctx context.Context, p *proxy, spec loadSpec) (*turn, error) {
	var before counts
	var err error
	if p.shadows() {
		if before, err = p.quack.counts(ctx); err != nil {
			return nil, err
		}
	}
	cpu, err := p.cpu()
	if err != nil {
		return nil, err
	}
	t := &turn{Contender: p.name}
	if t.Load, err = load(ctx, spec); err != nil {
		return nil, err
	}
	if t.Load.Requests == 0 {
		return nil, fmt.Errorf("no request was answered: %v\n%s", t.Load.Failed, p.process.lastWords())
	}
	if p.shadows() {
		after, err := p.quack.settled(ctx, before.done()+t.Load.Requests)
		if err != nil {
			return nil, err
		}
		if n := after.Mismatched + after.Errors - before.Mismatched - before.Errors; n > 0 {
			return nil, fmt.Errorf("%d comparisons are no match: both sides answer the same, and the rules forgive the rest", n)
		}
		t.Compared, t.Dropped = after.Compared-before.Compared, after.Dropped-before.Dropped
		t.Skipped = after.done() - before.done() - t.Compared - t.Dropped
	}
	end, err := p.cpu()
	t.CPU = end - cpu
	return t, err
}

// turns are the turns of several contenders.
type turns []turn

// of is what figure says of each of a contender's turns, in the order of
// rounds.
func (all turns) of(contender string, figure func(turn) float64) []float64 {
	var list []float64
	for _, t := range all {
		if t.Contender == contender {
			list = append(list, figure(t))
		}
	}
	return list
}

// median is the median of a contender's turns; 0 without any.
func (all turns) median(contender string, figure func(turn) float64) float64 {
	return median(all.of(contender, figure))
}

// ratio is the median of the ratios of two contenders, round by round: what
// made a round slow made it slow for both. 0 when one took no part.
func (all turns) ratio(a, b string, figure func(turn) float64) float64 {
	of := map[int]float64{}
	for _, t := range all {
		if t.Contender == b {
			of[t.Round] = figure(t)
		}
	}
	var list []float64
	for _, t := range all {
		if d := of[t.Round]; t.Contender == a && d > 0 {
			list = append(list, figure(t)/d)
		}
	}
	return median(list)
}

// without leaves out the rounds in which a turn is refused, for all contenders.
func (all turns) without(refused func(turn) bool) turns {
	rounds := map[int]bool{}
	for _, t := range all {
		rounds[t.Round] = rounds[t.Round] || refused(t)
	}
	return slices.DeleteFunc(slices.Clone(all), func(t turn) bool { return rounds[t.Round] })
}

// has reports whether a contender took part.
func (all turns) has(contender string) bool {
	return slices.ContainsFunc(all, func(t turn) bool { return t.Contender == contender })
}

// median is the middle of list, the mean of the two in the middle of an even
// number of values; 0 of none. list stays as it is.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	mid := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[mid-1] + sorted[mid]) / 2
	}
	return sorted[mid]
}

// Figures of a turn.
func cpuEach(t turn) float64    { return t.perRequest() }
func throughput(t turn) float64 { return t.Load.perSecond() }
func p50(t turn) float64        { return float64(t.Load.P50.Microseconds()) }
func p99(t turn) float64        { return float64(t.Load.P99.Microseconds()) }
func longest(t turn) float64    { return float64(t.Load.Max.Microseconds()) }
func failed(t turn) float64     { return float64(t.Load.failures()) }
