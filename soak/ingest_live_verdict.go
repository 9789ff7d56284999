package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// spells tells how clients fared in each.
func (v *ingestVerdict) spells(l *live, spells []spell) {
	for _, s := range spells {
		took := l.tookIn(s)
		v.tell("through the proxy, %s: %d answers, %.0f a second, p50 %s, p99 %s, longest %s; CPU %.0f µs each", s.what, len(took), float64(len(took))/s.to.Sub(s.from).Seconds(),
			quantile(took, 0.5), quantile(took, 0.99), quantile(took, 1), s.cpu.Seconds()*1e6/float64(max(len(took), 1)))
	}
	// Whoever waits for the store waits from one of its batches to the end of this.
	still := spells[len(spells)-1]
	took := l.tookIn(still)
	longest, limit := quantile(took, 1), still.to.Sub(still.from)/2
	v.unless(len(took) > 0 && longest < limit, "through the proxy, %s for %s: a client waited %s", still.what, l.still, longest)
	for _, a := range l.asked {
		for _, err := range a.failed {
			v.unless(false, "through the proxy: %v", err)
		}
	}
}

// tookIn is how long the requests took that were sent in a spell, sorted.
func (l *live) tookIn(s spell) (took []time.Duration) {
	for _, a := range l.asked {
		for _, r := range a.answers {
			if begun := r.at.Add(-r.took); begun.After(s.from) && begun.Before(s.to) {
				took = append(took, r.took)
			}
		}
	}
	slices.Sort(took)
	return took
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Round(10 * time.Microsecond)
}

// answeredOf counts answers by route, up to a moment, and how many of all were
// to differ.
func (l *live) answeredOf(until time.Time) (routes map[string]int64, differ int64) {
	routes = map[string]int64{}
	for _, a := range l.asked {
		for _, r := range a.answers {
			if r.at.Before(until) {
				routes[fmt.Sprint("ducks", liveRoute(r.id))]++
				if differs(r.id) {
					differ++
				}
			}
		}
	}
	return routes, differ
}

// accounted waits until each request is accounted for, after the traffic.
func (v *ingestVerdict) accounted(ctx context.Context, l *live) error {
	sent, differ := l.answeredOf(time.Now())
	open := []string{"nothing was asked"}
	var sum counted
	for deadline := time.Now().Add(30 * time.Second); len(open) > 0 && time.Now().Before(deadline); sleep(ctx, 100*time.Millisecond) {
		is, err := l.report(ctx)
		if err != nil {
			return err
		}
		open, sum = unaccounted(is, sent), (&books{routes: is}).sum("ducks")
	}
	s, err := l.stats(ctx)
	if err != nil {
		return err
	}
	v.tell("  of %d requests %d compared, %d skipped, %d dropped, %d errors; %d of at most %d mismatches; evidence not kept %d", sum.served, sum.recorded()-sum.errors, sum.skipped, sum.dropped, sum.errors,
		sum.mismatched, differ, s.EvidenceDropped)
	for _, fault := range open {
		v.unless(false, "through the proxy: %s", fault)
	}
	v.unless(sum.mismatched > 0 && sum.mismatched+sum.transient+sum.noise <= differ, "through the proxy: %d mismatches, %d transient, %d noise, of %d requests that were to differ", sum.mismatched, sum.transient, sum.noise, differ)
	return nil
}

// unaccounted are the routes that have not counted what was sent to them.
func unaccounted(is map[string]counted, sent map[string]int64) (list []string) {
	for route, n := range sent {
		c := is[route]
		if c.served != n || c.recorded()+c.skipped+c.dropped != n {
			list = append(list, fmt.Sprintf("%s: %d answered, counted %+v", route, n, c))
		}
	}
	return list
}

// restarted holds what a killed process left against what clients were
// answered. certain is when the last batch but one had ended: what was answered
// before is in the last, but for what Quack was just about to count.
func (v *ingestVerdict) restarted(ctx context.Context, l *live, at, certain time.Time) error {
	is, err := l.report(ctx)
	if err != nil {
		return err
	}
	count := func(until time.Time) (n int64) {
		routes, _ := l.answeredOf(until)
		for _, of := range routes {
			n += of
		}
		return n
	}
	sum := (&books{routes: is}).sum("ducks")
	least, most := count(certain)-liveClients, count(time.Now())
	for _, a := range l.asked {
		most += int64(a.broken)
	}
	// The moment until which as many were answered as are counted.
	var lost time.Duration
	for ; lost < time.Minute && count(at.Add(-lost)) > sum.served; lost += 10 * time.Millisecond {
	}
	v.tell("through the proxy, killed and started again: %d of %d answers counted, as many as were given until %s before the kill", sum.served, count(time.Now()), lost)
	v.unless(sum.served >= least && sum.served <= most, "killed: %d answers are counted, not something from %d to %d", sum.served, least, most)
	v.unless(sum.recorded()+sum.skipped+sum.dropped <= sum.served+liveClients, "killed: more is accounted for than was served: %+v", sum)
	return nil
}
