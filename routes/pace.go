package routes

import "time"

// pace makes long work of short strokes with rests between, for a process that
// has requests to serve meanwhile. The runtime takes a goroutine off its
// processor after 10 ms, and what waits there waits as long. A rest also lets it
// look at the network, which a goroutine that only yields keeps it from. A nil
// pace does not rest.
type pace struct {
	stroke time.Duration // work between two rests
	rest   time.Duration
	since  time.Time // end of the last rest
}

// gentle is the pace at which a changed file is read: a third of one processor.
// 2,000 routes, some 40 ms of work, take it 120 ms.
func gentle() *pace { return &pace{stroke: 500 * time.Microsecond, rest: time.Millisecond} }

// step is called between pieces of work that are shorter than a stroke.
func (p *pace) step() {
	if p == nil || time.Since(p.since) < p.stroke {
		return
	}
	time.Sleep(p.rest)
	p.since = time.Now()
}
