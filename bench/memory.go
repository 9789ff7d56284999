package main

import (
	"context"
	"fmt"
	"time"
)

const (
	memoryLimit = 200 << 20
	// memoryRate is of requests with bodies of 64 KiB: half of them send one,
	// all get one. That is some 50 MB of bodies a second that could be kept.
	memoryRate = 500
	// flatWithin is by how much the last fifth of the run may lie above the
	// second one. In the first caches and pools fill.
	flatWithin = 1.1
)

// remembering measures the memory of Quack before a shadow that takes requests
// and never answers.
func (s *settings) remembering(ctx context.Context) (outcome, error) {
	o := outcome{}
	live, liveAddr, err := startSelf(s.dir, "backend", answering{Side: "legacy"}.args()...)
	if err != nil {
		return o, err
	}
	defer live.stop()
	side, sideAddr, err := startSelf(s.dir, "hanging-backend", answering{Side: "new", Hang: true}.args()...)
	if err != nil {
		return o, err
	}
	defer side.stop()
	p, err := quackNamed(quackItself, quackOptions{program: s.program, routes: routesAt("shadow")}).run(ctx, s.dir, backends{liveAddr, sideAddr})
	if err != nil {
		return o, err
	}
	defer p.stop()
	s.say("memory before a shadow that never answers, %s", s.memory)
	spec := loadSpec{Addr: p.addr, Connections: s.connections, Duration: s.memory, Rate: memoryRate, Requests: largeBothWays(), Length: large}
	r, samples, err := p.memoryUnder(ctx, spec)
	if err != nil {
		return o, err
	}
	c, err := p.quack.counts(ctx)
	if err != nil {
		return o, err
	}
	m := memoryRun{Samples: samples, Load: r, Counts: c}
	if m.Peak, err = p.peak(); err != nil {
		return o, err
	}
	o.add(m, m.table(s.memory))
	o.Budgets = m.budgets()
	return o, nil
}

// largeBothWays are a GET and a POST with a body of 64 KiB, both answered with
// 64 KiB.
func largeBothWays() [][]byte {
	sent := body(large, "client", time.Unix(0, 0))
	post := fmt.Appendf(nil, "POST /orders/large/search HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(sent), sent)
	return append(request("large"), post)
}

// memoryUnder is the proxy's memory in bytes, once a second, under the load.
func (p *proxy) memoryUnder(ctx context.Context, spec loadSpec) (*loadResult, []int64, error) {
	type loaded struct {
		result *loadResult
		err    error
	}
	done := make(chan loaded, 1)
	go func() {
		r, err := load(ctx, spec)
		done <- loaded{r, err}
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var samples []int64
	var failure error
	for {
		select {
		case l := <-done:
			if failure == nil {
				failure = l.err
			}
			return l.result, samples, failure
		case <-tick.C:
			m, err := p.memory()
			if err != nil && failure == nil {
				failure = err
			}
			samples = append(samples, m.Now)
		}
	}
}

func (p *proxy) peak() (int64, error) {
	m, err := p.memory()
	return m.Peak, err
}

// memoryRun is what came of the part.
type memoryRun struct {
	Samples []int64 // bytes, once a second
	Peak    int64
	Load    *loadResult
	Counts  counts
}

// fifth is the median of the i-th fifth of the samples, in MiB.
func (m *memoryRun) fifth(i int) float64 {
	var list []float64
	for _, v := range m.Samples[len(m.Samples)*i/5 : len(m.Samples)*(i+1)/5] {
		list = append(list, float64(v)/(1<<20))
	}
	return median(list)
}

func (m *memoryRun) table(length time.Duration) *table {
	t := &table{
		Title: fmt.Sprintf("memory of quack, shadow that never answers, bodies of 64 KiB, %d requests/s, %s", memoryRate, length),
		Head:  []string{"fifth of the run", "1", "2", "3", "4", "5", "peak"},
	}
	row := []string{"MiB"}
	for i := range 5 {
		row = append(row, decimal(m.fifth(i)))
	}
	t.Rows = [][]string{append(row, decimal(float64(m.Peak)/(1<<20)))}
	return t.note(fmt.Sprintf("%d requests, %d failed; shadow: %d compared, %d dropped, skipped %v", m.Load.Requests, m.Load.failures(), m.Counts.Compared, m.Counts.Dropped, m.Counts.Skipped))
}

func (m *memoryRun) budgets() []budget {
	return []budget{
		atMost("memory, hanging shadow: peak, MiB", float64(m.Peak)/(1<<20), memoryLimit>>20, "%.0f"),
		atMost("memory, hanging shadow: last fifth / second fifth", m.fifth(4)/m.fifth(1), flatWithin, "%.2f"),
		atMost("memory, hanging shadow: failed requests", float64(m.Load.failures()), 0, "%.0f"),
	}
}
