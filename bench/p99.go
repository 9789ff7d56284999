package main

import (
	"context"
	"fmt"
	"time"
)

// partOfCapacity is the load at which latencies are measured: on a machine
// that has no time left they say how long the queue is, and nothing else.
const partOfCapacity = 0.35

// asleep is how long a slow shadow takes for each answer.
const asleep = 2 * time.Second

// latency measures what a shadow does to clients: their p99 with it, with one
// that takes 2 s for each answer, and with one that is down, against that
// without a shadow, in turns, at the same rate.
func (s *settings) latency(ctx context.Context) (outcome, error) {
	o := outcome{}
	sides := map[string]string{}
	for name, a := range map[string]answering{"live": {Side: "legacy"}, "well": {Side: "new"}, "slow": {Side: "new", Delay: asleep}} {
		c, addr, err := startSelf(s.dir, name+"-backend", a.args()...)
		if err != nil {
			return o, err
		}
		defer c.stop()
		sides[name] = addr
	}
	down, err := freePort()
	if err != nil {
		return o, err
	}
	var proxies []*proxy
	defer func() { stopAll(proxies) }()
	const off = "shadow off"
	for _, v := range []struct{ name, stage, shadow string }{
		{off, "legacy", sides["well"]}, {"shadow 100 %", "shadow", sides["well"]}, {"sleeping 2 s", "shadow", sides["slow"]}, {"down", "shadow", down},
	} {
		p, err := quackNamed(v.name, quackOptions{program: s.program, routes: routesAt(v.stage)}).run(ctx, s.dir, backends{sides["live"], v.shadow})
		if err != nil {
			return o, err
		}
		p.quack.shadow = false // its comparisons are not waited for: clients do not wait for them
		proxies = append(proxies, p)
	}
	spec := loadSpec{Connections: s.connections, Requests: request("small"), Length: small}
	if spec.Rate, err = s.partOfCapacity(ctx, proxies[1], spec); err != nil {
		return o, err
	}
	title := fmt.Sprintf("what a shadow does to clients, 1 KiB answers, open loop of %.0f/s", spec.Rate)
	all, err := s.shorter().takeTurns(ctx, title, proxies, spec)
	if err != nil {
		return o, err
	}
	t, err := turnsTable(title, all, proxies)
	if err != nil {
		return o, err
	}
	o.add(all, t)
	for _, p := range proxies[1:] {
		o.Budgets = append(o.Budgets, all.within("client p99, "+p.name+" / ", p.name, off, p99, 1.1))
	}
	return o, nil
}

// partOfCapacity is a rate that leaves the machine time, by what p does in a
// closed loop.
func (s *settings) partOfCapacity(ctx context.Context, p *proxy, spec loadSpec) (float64, error) {
	spec.Addr, spec.Duration = p.addr, s.duration/2
	t, err := takeTurn(ctx, p, spec)
	if err != nil {
		return 0, err
	}
	return roundDown(t.Load.perSecond() * partOfCapacity), nil
}
