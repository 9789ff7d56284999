package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/store"
)

// beat is what the process that records says of itself, as a line of JSON.
type beat struct {
	At    time.Time
	Sent  [feeders]int // comparisons that Record has returned from
	Stats reports.Stats
	Live  uint64        // bytes of the heap that the last collection left
	RSS   int64         // bytes
	CPU   time.Duration // since its start
	Ended bool          // the last line: all is written
}

const beatEvery = 20 * time.Millisecond

// playIngest is a process that records comparisons at SOAK_RATE a second for
// SOAK_FOR, or until it is told to end, and writes them as quack does.
func playIngest(dir string) int {
	signal.Ignore(syscall.SIGXFSZ) // a file at its limit is to be an error of a write
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := ingest(ctx, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func ingest(ctx context.Context, dir string) error {
	rate, err1 := strconv.Atoi(os.Getenv("SOAK_RATE"))
	length, err2 := time.ParseDuration(os.Getenv("SOAK_FOR"))
	most, err3 := strconv.ParseInt(os.Getenv("SOAK_EVIDENCE"), 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	whole := context.WithoutCancel(ctx) // what was fed is written to its end
	db, err := store.Open(whole, filepath.Join(dir, "data"), reports.Schema)
	if err != nil {
		return err
	}
	r, err := reports.Open(whole, db, reports.Config{EvidenceMax: most})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(whole)
	ran := make(chan error, 1)
	go func() { ran <- r.Run(running) }()

	var done [feeders]atomic.Int64
	var feeding sync.WaitGroup
	for i := range done {
		feeding.Go(func() { newFeeder(i).feed(ctx, r, rate/feeders, length, &done[i]) })
	}
	fed := make(chan struct{})
	go func() { feeding.Wait(); close(fed) }()
	for ticks := time.NewTicker(beatEvery); ; {
		select {
		case <-ticks.C:
			tell(r, &done, false)
			continue
		case <-fed:
		}
		break
	}
	stop()
	if err := errors.Join(<-ran, db.Close()); err != nil {
		return err
	}
	tell(r, &done, true)
	return nil
}

// feed does so many a second, and catches up when it could not.
func (f *feeder) feed(ctx context.Context, r *reports.Reports, rate int, length time.Duration, done *atomic.Int64) {
	begun := time.Now()
	for n := 0; ; time.Sleep(time.Millisecond) {
		passed := time.Since(begun)
		for due := int(min(passed, length) * time.Duration(rate) / time.Second); n < due; n++ {
			f.do(r, n)
			done.Store(int64(n + 1))
		}
		if passed >= length || ctx.Err() != nil {
			return
		}
	}
}

// tell prints a beat in one write, so that what was told stands when the
// process is killed.
func tell(r *reports.Reports, done *[feeders]atomic.Int64, ended bool) {
	b := beat{Ended: ended, RSS: resident()}
	for i := range done {
		b.Sent[i] = int(done[i].Load())
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	b.Live = live[0].Value.Uint64()
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		b.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	// What is told as sent was sent before what is told of batches.
	b.Stats, b.At = r.Stats(), time.Now()
	line, err := json.Marshal(b)
	if err != nil {
		panic(err) // numbers, strings and times of this century encode
	}
	os.Stdout.Write(append(line, '\n'))
}

// resident is how much memory the process has.
func resident() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	pages, _ := strconv.ParseInt(fields[1], 10, 64) // the kernel's own
	return pages * int64(os.Getpagesize())
}
