package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ingestVerdict is what was found. It is an error when something of this is
// not so:
//
//   - all that was sent was counted, each counter and each group exactly,
//     whatever befell the store;
//   - after a kill -9 the counters are those of all that was sent up to some
//     moment, exactly, and no earlier than the last batch but one;
//   - memory does not grow while the traffic stays the same, and the files stay
//     within what --evidence-max allows;
//   - a full disk is seen, and what of evidence it cost is counted;
//   - no client waits for a store that stands still, and each request is
//     accounted for.
//
// How fast it went is told, and judged by nobody.
type ingestVerdict struct {
	plan   ingestPlan
	faults []string
}

func (v *ingestVerdict) tell(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
}

func (v *ingestVerdict) unless(good bool, format string, args ...any) {
	if !good {
		v.faults = append(v.faults, fmt.Sprintf(format, args...))
	}
}

// footprint is the most that the files of a store took.
type footprint struct{ file, log int64 }

func (f *footprint) look(dir string) {
	for name, most := range map[string]*int64{"quack.db": &f.file, "quack.db-wal": &f.log} {
		if info, err := os.Stat(filepath.Join(dir, "data", name)); err == nil {
			*most = max(*most, info.Size())
		}
	}
}

// What the files may take beside evidence: counters and groups, pages kept for
// new evidence (store and reports say how many), and the write-ahead log, which
// is cut to 16 MiB.
const (
	besideEvidence = 16 << 20
	logMost        = 32 << 20

	// heapMost is far below what piles up of 5,000 comparisons of 3 KiB a second
	// that nothing bounds.
	heapMost = 96 << 20
)

// exact holds what is stored against all that was sent.
func (v *ingestVerdict) exact(ctx context.Context, what string, r *recorder) (last beat, beats []beat, err error) {
	if beats, err = r.beats(); err != nil {
		return last, nil, err
	}
	if len(beats) == 0 || !beats[len(beats)-1].Ended {
		return last, nil, fmt.Errorf("the process that records has not come to its end; see %s", r.log())
	}
	last = beats[len(beats)-1]
	b, err := stored(ctx, r.dir)
	if err != nil {
		return last, nil, err
	}
	deviations := b.deviations(sent(last.Sent))
	v.unless(len(deviations) == 0, "%s: %d counters are not as sent, such as %s", what, len(deviations), strings.Join(deviations[:min(3, len(deviations))], "; "))
	return last, beats, nil
}

func (v *ingestVerdict) steady(ctx context.Context, r *recorder, f footprint) error {
	last, beats, err := v.exact(ctx, "steadily", r)
	if err != nil {
		return err
	}
	total := last.total()
	took := beats[len(beats)-2].At.Sub(beats[0].At)
	early, late := fifth(beats, 1), fifth(beats, 4)
	v.tell("steadily: %d comparisons in %s, %.0f a second (%d asked for); CPU %.0f µs each, %.2f of a core", total, took.Round(time.Second/10),
		float64(total)/took.Seconds(), v.plan.rate, last.CPU.Seconds()*1e6/float64(total), last.CPU.Seconds()/took.Seconds())
	v.tell("  heap %s MiB in the second fifth, %s in the last; resident %s and %s; evidence not kept %d", mib(early.Live), mib(late.Live), mib(uint64(early.RSS)), mib(uint64(late.RSS)), last.Stats.EvidenceDropped)
	v.tell("  evidence %s MiB of %s; file at most %s, write-ahead log at most %s; longest from batch to batch %s", mib(uint64(last.Stats.EvidenceBytes)),
		mib(uint64(v.plan.evidence)), mib(uint64(f.file)), mib(uint64(f.log)), longestGap(beats).Round(time.Millisecond))
	if v.plan.steady >= 30*time.Second { // before that it is still learning what there is
		const slack = 8 << 20
		v.unless(late.Live <= early.Live*5/4+slack, "the heap has grown from %s to %s MiB", mib(early.Live), mib(late.Live))
		v.unless(late.RSS <= early.RSS*5/4+2*slack, "the memory has grown from %s to %s MiB", mib(uint64(early.RSS)), mib(uint64(late.RSS)))
	}
	v.unless(late.Live <= heapMost, "the heap has %s MiB", mib(late.Live))
	v.unless(f.file <= v.plan.evidence*3/2+besideEvidence, "the file took %s MiB", mib(uint64(f.file)))
	v.unless(f.log <= logMost, "the write-ahead log took %s MiB", mib(uint64(f.log)))
	return nil
}

func (v *ingestVerdict) ill(ctx context.Context, r *recorder, d *disk) error {
	last, beats, err := v.exact(ctx, "with the store ill", r)
	if err != nil {
		return err
	}
	said := map[string]bool{}
	var heap uint64
	for _, b := range beats {
		what, _, _ := strings.Cut(b.Stats.LastError, "\n")
		said[what] = true
		heap = max(heap, b.Live)
	}
	delete(said, "")
	v.tell("the store ill (%s; held up by another): %d comparisons, heap at most %s MiB, evidence not kept %d, longest from batch to batch %s", d,
		last.total(), mib(heap), last.Stats.EvidenceDropped, longestGap(beats).Round(time.Millisecond))
	for what := range maps.Keys(said) {
		v.tell("  it said: %s", what)
	}
	v.unless(last.Stats.EvidenceDropped > 0, "the disk was full, and no evidence is counted as not kept")
	v.unless(heap <= heapMost, "the heap had %s MiB while the store was ill", mib(heap))
	v.unless(last.Stats.LastError == "", "batches still go wrong at the end: %s", last.Stats.LastError)
	return nil
}

// killed finds the moment up to which everything was counted.
func (v *ingestVerdict) killed(ctx context.Context, r *recorder, at time.Time) error {
	beats, err := r.beats()
	if err != nil {
		return err
	}
	b, err := stored(ctx, r.dir)
	if err != nil {
		return err
	}
	var upTo [feeders]int
	for i := range upTo {
		upTo[i] = int(b.sum(fmt.Sprintf("feeder%d.", i)).recorded())
	}
	want := sent(upTo)
	for name, c := range want.routes { // these are counted by themselves, before and after the comparison
		is := b.routes[name]
		c.served, c.skipped, c.dropped = is.served, is.skipped, is.dropped
		want.routes[name] = c
	}
	deviations := b.deviations(want)
	v.unless(len(deviations) == 0, "killed: %d counters are not those of one moment, such as %s", len(deviations), strings.Join(deviations[:min(3, len(deviations))], "; "))
	least := certain(beats)
	for i := range upTo {
		v.unless(upTo[i] >= least[i], "killed: %d of feeder %d are counted, of %d that were sent before the last batch began", upTo[i], i, least[i])
	}
	final := beats[len(beats)-1]
	v.tell("killed: %d of %d counted, exactly those sent until %s before the kill; longest from batch to batch %s", total(upTo), final.total(),
		at.Sub(reached(beats, upTo)).Round(time.Millisecond), longestGap(beats).Round(time.Millisecond))
	return nil
}

// certain is what was sent when the last batch but one had ended: the last
// began later.
func certain(beats []beat) (least [feeders]int) {
	last := beats[len(beats)-1].Stats.LastFlush
	var before time.Time
	for _, b := range beats {
		if b.Stats.LastFlush.Before(last) {
			before = b.Stats.LastFlush
		}
	}
	for _, b := range beats {
		if b.At.Before(before) {
			least = b.Sent
		}
	}
	return least
}

// reached is when everything up to there had been sent, to the next beat.
func reached(beats []beat, upTo [feeders]int) time.Time {
	for _, b := range beats {
		all := true
		for i := range upTo {
			all = all && b.Sent[i] >= upTo[i]
		}
		if all {
			return b.At
		}
	}
	return beats[len(beats)-1].At
}

func (b beat) total() int { return total(b.Sent) }

func total(upTo [feeders]int) (sum int) {
	for _, n := range upTo {
		sum += n
	}
	return sum
}

// fifth is the mean of the n-th fifth, of memory.
func fifth(beats []beat, n int) (mean beat) {
	part := beats[len(beats)*n/5 : len(beats)*(n+1)/5]
	for _, b := range part {
		mean.Live += b.Live
		mean.RSS += b.RSS
	}
	mean.Live /= uint64(max(len(part), 1))
	mean.RSS /= int64(max(len(part), 1))
	return mean
}

// longestGap is the longest time between the ends of two batches.
func longestGap(beats []beat) (gap time.Duration) {
	var before time.Time
	for _, b := range beats {
		if at := b.Stats.LastFlush; at != before {
			if !before.IsZero() {
				gap = max(gap, at.Sub(before))
			}
			before = at
		}
	}
	return gap
}

func mib(bytes uint64) string { return fmt.Sprintf("%.1f", float64(bytes)/(1<<20)) }
