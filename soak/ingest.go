package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ingestPlan is how long the parts of the soak of evidence take.
type ingestPlan struct {
	rate     int           // comparisons a second
	steady   time.Duration // nothing goes wrong
	ill      time.Duration // each of: the store crawls, its disk is full, it is well again
	kills    int
	live     time.Duration // through the proxy, each of: well, crawling, full
	evidence int64         // bytes that may be kept
	still    time.Duration // the store stands still: longer than writers wait (5 s), so that a batch goes wrong, or not so long
}

func ingestPlanOf(brief bool, length time.Duration) ingestPlan {
	p := ingestPlan{rate: 5000, steady: time.Minute, ill: 8 * time.Second, kills: 3, live: 10 * time.Second, evidence: 8 << 20, still: 7 * time.Second}
	if brief {
		p = ingestPlan{rate: 5000, steady: 4 * time.Second, ill: 1600 * time.Millisecond, kills: 1, live: 1600 * time.Millisecond, evidence: 2 << 20, still: 4 * time.Second}
	}
	if length > 0 {
		p.steady = length
	}
	return p
}

// soakIngest sends comparisons to reports, as fast as production would, in a
// process of its own; then slows its store down, fills its disk and kills it.
// Then the same is done to the whole proxy, under as much traffic as the
// machine gives. What was counted is held against what was sent.
func soakIngest(ctx context.Context, dir, binary string, p ingestPlan) error {
	v := &ingestVerdict{plan: p}
	parts := []struct {
		name string
		do   func(ctx context.Context, dir string, p ingestPlan, v *ingestVerdict) error
	}{
		{"steady", steadily}, {"ill", illSink}, {"killed", killed},
		{"proxy", func(ctx context.Context, dir string, p ingestPlan, v *ingestVerdict) error {
			return throughProxy(ctx, dir, binary, p, v)
		}},
	}
	for _, part := range parts {
		own := filepath.Join(dir, part.name)
		if err := os.Mkdir(own, 0o700); err != nil {
			return err
		}
		if err := part.do(ctx, own, p, v); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return conclude(os.Stdout, v.faults)
}

// recorder is the process that records.
type recorder struct {
	dir   string
	i     *instance
	ended chan error
}

// endless is for as long as it is not told to end.
const endless = 24 * time.Hour

// startRecorder starts it for length at the plan's rate.
func startRecorder(dir string, p ingestPlan, length time.Duration) (*recorder, error) {
	i := &instance{role: "ingest", name: "ingest", dir: dir}
	var err error
	if i.cmd, i.stdin, err = startRole(i.role, dir, i.name,
		fmt.Sprint("SOAK_RATE=", p.rate), fmt.Sprint("SOAK_FOR=", length), fmt.Sprint("SOAK_EVIDENCE=", p.evidence)); err != nil {
		return nil, fmt.Errorf("start the process that records: %w", err)
	}
	r := &recorder{dir: dir, i: i, ended: make(chan error, 1)}
	go func() { r.ended <- i.cmd.Wait() }()
	return r, nil
}

func (r *recorder) log() string { return filepath.Join(r.dir, "ingest.log") }

// beats are what it has said so far.
func (r *recorder) beats() ([]beat, error) {
	text, err := os.ReadFile(r.log())
	if err != nil {
		return nil, err
	}
	var list []beat
	for line := range bytes.Lines(text) {
		var b beat
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // it was killed in the middle of it
		}
		if err := json.Unmarshal(line, &b); err != nil {
			return nil, fmt.Errorf("the process that records says %.300q", line)
		}
		list = append(list, b)
	}
	return list, nil
}

// until waits until it has said what is wanted.
func (r *recorder) until(ctx context.Context, wanted func(beat) bool) error {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		list, err := r.beats()
		if err != nil {
			return err
		}
		if len(list) > 0 && wanted(list[len(list)-1]) {
			return nil
		}
		select {
		case err := <-r.ended:
			r.ended <- err
			return fmt.Errorf("the process that records has ended: %v; see %s", err, r.log())
		case <-time.After(20 * time.Millisecond):
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.New("what was to happen has not happened in 30 s")
}

// wait waits for its end; look is called now and then.
func (r *recorder) wait(ctx context.Context, look func()) error {
	ticks := time.NewTicker(100 * time.Millisecond)
	defer ticks.Stop()
	for {
		select {
		case err := <-r.ended:
			if err != nil {
				return fmt.Errorf("the process that records: %w; see %s", err, r.log())
			}
			return nil
		case <-ticks.C:
			look()
		case <-ctx.Done():
			r.kill()
			return ctx.Err()
		}
	}
}

func (r *recorder) kill() {
	r.i.cmd.Process.Signal(syscall.SIGKILL)
	<-r.ended
	r.i.stdin.Close()
}

// steadily records for a while in which nothing goes wrong.
func steadily(ctx context.Context, dir string, p ingestPlan, v *ingestVerdict) error {
	r, err := startRecorder(dir, p, p.steady)
	if err != nil {
		return err
	}
	var f footprint
	if err := r.wait(ctx, func() { f.look(dir) }); err != nil {
		return err
	}
	return v.steady(ctx, r, f)
}

// illSink records while the store crawls, stands still, has no space, and is
// well again.
func illSink(ctx context.Context, dir string, p ingestPlan, v *ingestVerdict) error {
	d, err := smallDisk(dir, int(p.evidence)*2+40<<20)
	if err != nil {
		return err
	}
	defer d.remove()
	r, err := startRecorder(dir, p, endless)
	if err != nil {
		return err
	}
	if err := r.makeIll(ctx, d, p); err != nil {
		r.kill()
		return err
	}
	r.i.cmd.Process.Signal(syscall.SIGTERM)
	if err := r.wait(ctx, func() {}); err != nil {
		return err
	}
	return v.ill(ctx, r, d)
}

func (r *recorder) makeIll(ctx context.Context, d *disk, p ingestPlan) error {
	if err := r.until(ctx, func(b beat) bool { return !b.Stats.LastFlush.IsZero() }); err != nil {
		return err
	}
	// The disk comes first: later the store has space of its own to reuse.
	if err := d.fill(r.i.cmd.Process.Pid); err != nil {
		return err
	}
	if err := r.until(ctx, func(b beat) bool { return b.Stats.LastError != "" }); err != nil {
		return fmt.Errorf("%s, and no batch goes wrong: %w", d, err)
	}
	sleep(ctx, p.ill)
	if err := d.free(); err != nil {
		return err
	}
	if err := r.until(ctx, func(b beat) bool { return b.Stats.LastError == "" }); err != nil {
		return fmt.Errorf("there is space again, and batches go on going wrong: %w", err)
	}
	if err := standStill(ctx, r.dir, p.still); err != nil {
		return err
	}
	slow, stop := context.WithTimeout(ctx, p.ill)
	defer stop()
	return crawl(slow, r.dir)
}

// killed records until a kill -9, at no particular moment.
func killed(ctx context.Context, dir string, p ingestPlan, v *ingestVerdict) error {
	for n := range p.kills {
		own := filepath.Join(dir, fmt.Sprint(n))
		if err := os.Mkdir(own, 0o700); err != nil {
			return err
		}
		r, err := startRecorder(own, p, endless)
		if err != nil {
			return err
		}
		batches := map[time.Time]bool{}
		err = r.until(ctx, func(b beat) bool { batches[b.Stats.LastFlush] = true; return len(batches) > 3 })
		if err == nil {
			err = sleep(ctx, time.Duration(rand.IntN(1000))*time.Millisecond)
		}
		at := time.Now()
		r.kill()
		if err == nil {
			err = v.killed(ctx, r, at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
