package main

import (
	"context"
	"fmt"
)

// enough is the share of requests that has to be compared in a turn that says
// what comparing all of them costs.
const enough = 0.99

// shadowing measures what it costs to shadow each request, in Quack compared
// and in nginx only mirrored. In a closed loop Quack drops what does not fit,
// so the ratio comes from an open loop at a rate at which it compares all.
func (s *settings) shadowing(ctx context.Context) (outcome, error) {
	o := outcome{}
	live, liveAddr, err := startSelf(s.dir, "backend", answering{Side: "legacy"}.args()...)
	if err != nil {
		return o, err
	}
	defer live.stop()
	side, sideAddr, err := startSelf(s.dir, "shadow-backend", answering{Side: "new"}.args()...)
	if err != nil {
		return o, err
	}
	defer side.stop()
	contenders, err := s.quacks(ctx, "shadow")
	if err != nil {
		return o, err
	}
	proxies, missing, err := s.runAll(ctx, append(contenders, nginxMirror), backends{liveAddr, sideAddr})
	defer stopAll(proxies)
	if err != nil {
		return o, err
	}
	for _, size := range []string{"small", "large"} {
		spec := loadSpec{Connections: s.connections, Requests: request(size), Length: lengths[size]}
		title := "shadow 100 %, " + kib(lengths[size]) + " answers"
		rate, all, err := s.allCompared(ctx, title, proxies, spec)
		if err != nil {
			return o, err
		}
		if err := o.addShadow(fmt.Sprintf("%s, open loop of %.0f/s", title, rate), all, proxies, missing); err != nil {
			return o, err
		}
		o.Budgets = append(o.Budgets, shadowBudget(kib(lengths[size]), all))
		if all, err = s.takeTurns(ctx, title+", closed loop", proxies, spec); err != nil {
			return o, err
		}
		if err := o.addShadow(title+", closed loop: quack drops what it has no time to compare", all, proxies, missing); err != nil {
			return o, err
		}
	}
	return o, nil
}

// allCompared takes turns at a rate at which Quack, which is the first of the
// proxies, compares all requests in most rounds: at a lower one when the first
// was too high after all.
func (s *settings) allCompared(ctx context.Context, title string, proxies []*proxy, spec loadSpec) (float64, turns, error) {
	rate, err := s.comparableRate(ctx, proxies[0], spec)
	if err != nil {
		return 0, nil, err
	}
	for try := 1; ; try++ {
		spec.Rate = rate
		all, err := s.takeTurns(ctx, title, proxies, spec)
		if err != nil || try == 3 || mostlyCompared(all) {
			return rate, all, err
		}
		s.say("at %.0f/s most rounds did not compare all", rate)
		rate = roundDown(rate * 0.7)
	}
}

// comparableRate is nearly the highest rate at which Quack compares all
// requests. A lower one would say less: a process that waits for work most of
// the time pays for its waking up with each request, and the figure would be
// that of the waking. Each rate has some tries, for what others on the machine
// do meanwhile.
func (s *settings) comparableRate(ctx context.Context, p *proxy, spec loadSpec) (float64, error) {
	spec.Addr, spec.Duration = p.addr, s.duration/2
	t, err := takeTurn(ctx, p, spec)
	if err != nil {
		return 0, err
	}
	const step, tries = 0.85, 3
	for spec.Rate = t.Load.perSecond() * step; spec.Rate >= 10; spec.Rate *= step {
		best := 0.0
		for try := 0; try < tries && best < enough; try++ {
			if t, err = takeTurn(ctx, p, spec); err != nil {
				return 0, err
			}
			best = max(best, t.comparedShare())
		}
		if best >= enough {
			return roundDown(spec.Rate * step), nil
		}
		s.say("at %.0f/s %.0f %% were compared", spec.Rate, best*100)
	}
	return 0, fmt.Errorf("there is no rate at which all requests are compared: %+v", *t)
}

// roundDown leaves two digits of a rate.
func roundDown(rate float64) float64 {
	unit := 1.0
	for rate/unit >= 100 {
		unit *= 10
	}
	return float64(int(rate/unit)) * unit
}

func (t turn) comparedShare() float64 { return float64(t.Compared) / float64(t.Load.Requests) }

func comparedShare(t turn) float64 { return t.comparedShare() }

// addShadow adds a table with the share that was compared.
func (o *outcome) addShadow(title string, all turns, proxies []*proxy, missing []string) error {
	t, err := turnsTable(title, all, proxies)
	if err != nil {
		return err
	}
	t.Head = append(t.Head, "compared %")
	for i, p := range proxies {
		share := "-"
		if p.shadows() {
			share = decimal(all.median(p.name, comparedShare) * 100)
		}
		t.Rows[i] = append(t.Rows[i], share)
	}
	o.add(all, t.note(missing...))
	return nil
}

// shadowBudget is the ratio of DESIGN 7 for the shadow, from the rounds in which
// enough was compared; not measured when those are fewer than half.
func shadowBudget(size string, all turns) budget {
	good := all.without(comparedTooFew)
	b := good.within("shadow and compare 100 %, "+size+", CPU per request: quack / ", quackItself, nginxMirror.name, cpuEach, 0.8)
	if !mostlyCompared(all) {
		b.Verdict = notMeasured
		b.Got = fmt.Sprintf("all compared in %d of %d rounds", len(good.of(quackItself, cpuEach)), len(all.of(quackItself, cpuEach)))
	}
	return b
}

// quackItself is the name of Quack as it comes.
const quackItself = "quack"

func comparedTooFew(t turn) bool { return t.Contender == quackItself && t.comparedShare() < enough }

// mostlyCompared reports whether Quack compared enough in half of its turns.
func mostlyCompared(all turns) bool {
	return 2*len(all.without(comparedTooFew).of(quackItself, cpuEach)) >= len(all.of(quackItself, cpuEach))
}
