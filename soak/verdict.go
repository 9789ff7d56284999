package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// verdict prints what has happened, and is an error when something of this is
// not so:
//
//   - no repeatable request failed;
//   - no unsafe request was executed twice, and each with a good answer once;
//   - unsafe requests and streams failed only when a backend was killed;
//   - every process that handed over ended with code 0;
//   - goroutines, descriptors and memory have not grown.
func (w *world) verdict(out io.Writer) error {
	j := w.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	struck := map[string]int{}
	for _, o := range j.failed {
		if o.kind.nature != repeatable && j.hit(o) {
			struck[o.kind.name]++
			continue
		}
		fault("%s %s failed after %s (kill -9 near: %v): %v", o.begun.Format("15:04:05.000"), o.kind.name, o.ended.Sub(o.begun).Round(1e6), j.hit(o), o.err)
	}
	executed := 0
	for id, good := range j.ids {
		n := w.ledger.executed(id)
		executed += n
		if n > 1 || good && n != 1 {
			fault("the unsafe request %s was executed %d times; answered well: %v", id, n, good)
		}
	}
	faults = append(faults, w.quack.badEnds...)
	faults = append(faults, grown(w.samples)...)
	w.print(out, struck, executed)
	return conclude(out, faults)
}

// conclude prints what is not as it should be, and is an error when anything is.
func conclude(out io.Writer, faults []string) error {
	if len(faults) == 0 {
		fmt.Fprintln(out, "\nall is well")
		return nil
	}
	fmt.Fprintf(out, "\n%d faults:\n", len(faults))
	for _, f := range faults[:min(len(faults), 40)] {
		fmt.Fprintln(out, " ", f)
	}
	return errors.New("not all is well")
}

// print prints the numbers. The caller has the journal's mu.
func (w *world) print(out io.Writer, struck map[string]int, executed int) {
	j := w.journal
	fmt.Fprintf(out, "\n%s of traffic: %d upgrades, %d reloads, %d restarts and %d kill -9 of backends\n\n", w.length, j.counts["upgrades"], j.counts["reloads"], j.counts["restarts"], j.counts["kills"])
	fmt.Fprintf(out, "%-26s %9s %22s\n", "traffic", "requests", "struck by a kill -9")
	for _, name := range slices.Sorted(maps.Keys(j.requests)) {
		fmt.Fprintf(out, "%-26s %9d %22d\n", name, j.requests[name], struck[name])
	}
	if !w.http2 {
		fmt.Fprintln(out, "HTTP/2: not served by this build")
	}
	fmt.Fprintf(out, "\n%d unsafe requests, executed %d times\n\n", len(j.ids), executed)
	for _, s := range w.samples {
		fmt.Fprintln(out, s)
	}
}

// What a process may take more than another, beside three tenths under load.
const (
	moreGoroutines = 30
	moreFiles      = 25
	moreMemory     = 48 // MiB

	// toBackends is how many connections to backends there may be: those that
	// are kept of four instances, 64 of live calls and 32 of shadow calls each,
	// and some that are in use.
	toBackends = 4*(64+32) + 60
)

// grown compares what a process took: in quiet with the beginning, where nothing
// had been done, and under load with the first that was under the same load.
func grown(samples []sample) (faults []string) {
	check := func(is, was sample) {
		for _, c := range []struct {
			what     string
			is, most int
		}{
			{"goroutines", is.goroutines, was.goroutines + moreGoroutines},
			{"descriptors", is.files, was.files*13/10 + moreFiles},
			{"connections to backends", is.backends, toBackends},
			{"MiB of memory", is.memory, was.memory*13/10 + moreMemory},
		} {
			if c.is > c.most {
				faults = append(faults, fmt.Sprintf("process %d, %s, has %d %s: more than %d, which %q allows", is.pid, is.when, c.is, c.what, c.most, was.when))
			}
		}
	}
	first := map[string]sample{} // under load
	for _, s := range samples {
		switch s.when {
		case "idle at first":
			first["idle"] = s
		case "quiet at last":
			s.memory = 0 // what the heap has had is not given back at once
			check(s, first["idle"])
		default:
			if _, known := first["load"]; !known {
				first["load"] = s
			}
			check(s, first["load"])
		}
	}
	return faults
}
