package reports

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// flushEvery is how often counters are written. With what that takes (some
// hundredths of a second, for 2,000 routes some tenths), kill -9 loses those of
// a second at most.
const flushEvery = 750 * time.Millisecond

// Record counts a comparison and queues its evidence. Never blocks.
func (r *Reports) Record(c Comparison) {
	if c.ID == "" {
		c.ID = rand.Text()
	}
	forgiven := forgivenPlaces(&c)
	measures := measure(&c)
	r.covers(&c)
	r.tally.mu.Lock() // a batch has all of a comparison or nothing
	defer r.tally.mu.Unlock()
	r.shards.count(c.Route, func(n *counts) {
		n.stands(c.Stage)
		n.compared(c.Verdict)
		n.comparedIn(c.Stage, c.Verdict)
		n.Forgiven += forgiven
		if c.Verdict == Mismatch && c.Rechecked == 0 {
			n.Unchecked++
		}
		if c.Unverified {
			n.Unverified++
		}
		if c.Suspect {
			n.Suspect++
		}
		n.measured(measures)
	})
	r.tally.add(&c)
}

// Run writes batches until ctx ends, then what is left. Batches that can not
// be written are no error: their evidence is dropped and counted, their
// counters are written with the next (see Stats).
func (r *Reports) Run(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.Flush(ctx) // noted in Stats and logged
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			r.coverage.all.Store(true)
			if err := r.Flush(last); err != nil {
				return fmt.Errorf("write the last of the reports: %w", err)
			}
			return nil
		}
	}
}

// Flush writes what was counted and recorded up to now. Run calls it; others
// may. An error means that the evidence of the batch is lost, and that the
// counters will be written with the next.
func (r *Reports) Flush(ctx context.Context) error {
	release, err := r.holdBatches(ctx)
	if err != nil {
		return err
	}
	defer release()
	return r.writeAll(ctx)
}

// holdBatches waits until nobody writes a batch, and keeps others from it until
// release.
func (r *Reports) holdBatches(ctx context.Context) (release func(), err error) {
	select {
	case <-r.flushing:
		return func() { r.flushing <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a batch of reports: %w", ctx.Err())
	}
}

// writeAll writes a batch and notes how it went. The caller holds batches, and
// may give up: what was taken from the queue is written.
func (r *Reports) writeAll(ctx context.Context) error {
	err := r.write(context.WithoutCancel(ctx), time.Now())
	r.note(err)
	return err
}

// Stats is how the writing of evidence fares.
type Stats struct {
	Queued          int       `json:"queued"`           // comparisons waiting to be written
	QueuedBytes     int64     `json:"queued_bytes"`     // of their bodies
	EvidenceBytes   int64     `json:"evidence_bytes"`   // kept in the store
	EvidenceDropped int64     `json:"evidence_dropped"` // comparisons counted but not kept, since the start: queue full, or disk at fault
	LastFlush       time.Time `json:"last_flush"`       // that went well
	LastError       string    `json:"last_error"`       // of the last flush; "" when it went well
}

// Stats is how the writing of evidence fares.
func (r *Reports) Stats() Stats {
	queued, bytes, lost := r.tally.state()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.health
	s.Queued, s.QueuedBytes = queued, bytes
	s.EvidenceDropped += lost
	return s
}

func (r *Reports) note(err error) {
	r.mu.Lock()
	before := r.health.LastError
	if err == nil {
		r.health.LastFlush, r.health.LastError = time.Now(), ""
	} else {
		r.health.LastError = r.redactor.Text(err.Error())
	}
	r.health.EvidenceBytes = r.writer.evidence
	now := r.health.LastError
	r.mu.Unlock()
	switch {
	case now != "" && before == "":
		r.config.Log.Error("reports can not be written; counters are kept, evidence is dropped and counted", "error", now)
	case now == "" && before != "":
		r.config.Log.Info("reports are written again")
	}
}
