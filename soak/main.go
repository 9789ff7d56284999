// Command soak runs Quack for a while between clients and backends that behave
// as in production: backends restart and are killed, routes.yaml changes every
// second, Quack is upgraded, clients come, go and give up. At the end it says
// what failed, what was executed how often, and what has grown.
//
// Start with run; what is asserted is in verdict.go. It listens on loopback
// only, ends by itself, and ends what it has started, also when it is
// interrupted or killed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// plan is how long everything takes.
type plan struct {
	length  time.Duration // of the traffic
	restart time.Duration // between two restarts of an instance
	kill    int           // each so-many-th restart is a kill -9
	reload  time.Duration
	upgrade time.Duration
	old     time.Duration // at the end, without upgrades: one process grows old
	quiet   time.Duration // after the traffic, before what is left is counted
	clients int           // of each kind
}

func long(d time.Duration) plan {
	return plan{length: d, restart: 20 * time.Second, kill: 4, reload: time.Second, upgrade: time.Minute, old: d / 6, quiet: 15 * time.Second, clients: 3}
}

func short(d time.Duration) plan {
	return plan{length: d, restart: 3 * time.Second, kill: 3, reload: time.Second, upgrade: 10 * time.Second, old: d / 6, quiet: 8 * time.Second, clients: 2}
}

func main() {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	brief := flag.Bool("short", false, "restart and upgrade every few seconds, for a run of a minute")
	length := flag.Duration("for", 0, "how long the traffic runs (default 30m, with -short 1m)")
	only := flag.String("only", "", "in place of the rest: shadow-writes: live updates of rows that shadows hold (default 10m, with -short 30s); ingest: 5,000 comparisons a second, with a slow store, a full disk and kills (default 1m and as much again, with -short 4s)")
	binary := flag.String("quack", "", "the binary to run (default: build ./cmd/quack)")
	flag.Parse()
	make, d := long, 30*time.Minute
	if *brief {
		make, d = short, time.Minute
	}
	if *length > 0 {
		d = *length
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	act := func() error { return run(ctx, make(d), *binary) }
	switch *only {
	case "":
	case "shadow-writes":
		act = func() error { return runWrites(ctx, *length, *brief, *binary) }
	case "ingest":
		act = func() error {
			return inFolder(ctx, *binary, func(dir, binary string) error { return soakIngest(ctx, dir, binary, ingestPlanOf(*brief, *length)) })
		}
	default:
		fmt.Fprintf(os.Stderr, "soak: -only %s is not known: use shadow-writes or ingest\n", *only)
		os.Exit(2)
	}
	if err := act(); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		stop()
		os.Exit(1)
	}
}

// runWrites runs the soak of shadow writes, for length or as long as it is by
// default.
func runWrites(ctx context.Context, length time.Duration, short bool, binary string) error {
	every, usual := 7*time.Second, 10*time.Minute
	if short {
		every, usual = 4*time.Second, 19*time.Second
	}
	if length == 0 {
		length = usual
	}
	return inFolder(ctx, binary, func(dir, binary string) error { return soakWrites(ctx, dir, binary, length, every, short) })
}

func run(ctx context.Context, p plan, binary string) error {
	return inFolder(ctx, binary, func(dir, binary string) (err error) {
		w, err := start(ctx, p, binary, dir)
		defer func() { err = errors.Join(err, w.end()) }()
		if err != nil {
			return err
		}
		if err := w.soak(ctx); err != nil {
			return err
		}
		return w.verdict(os.Stdout)
	})
}

// inFolder does something in a folder of its own with the binary, and leaves the
// folder when that goes wrong.
func inFolder(ctx context.Context, binary string, do func(dir, binary string) error) (err error) {
	// Who outlives its parent becomes a child of this process, so that its end
	// can be seen and made sure of.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the parent of orphans: %w", err)
	}
	dir, err := os.MkdirTemp("", "quack-soak-")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			os.RemoveAll(dir)
			return
		}
		err = fmt.Errorf("%w\n  logs are in %s", err, dir)
	}()
	if binary, err = build(ctx, binary, dir); err != nil {
		return err
	}
	return do(dir, binary)
}

// world is everything that runs.
type world struct {
	plan
	dir      string
	ledger   *ledger
	backends []*backend // legacy and new
	quack    *quack
	guard    *guard
	journal  *journal
	samples  []sample
	http2    bool
}

// start starts it all. The world is to be ended, also after an error.
func start(ctx context.Context, p plan, binary, dir string) (w *world, err error) {
	w = &world{plan: p, dir: dir, journal: newJournal()}
	if w.ledger, err = openLedger(filepath.Join(dir, "ledger")); err != nil {
		return w, err
	}
	if w.guard, err = startGuard(dir); err != nil {
		return w, err
	}
	for _, name := range []string{"legacy", "new"} {
		b, err := startBackend(ctx, name, dir)
		w.backends = append(w.backends, b)
		if err != nil {
			return w, err
		}
	}
	if err := w.writeRoutes(0); err != nil {
		return w, err
	}
	if w.quack, err = startQuack(ctx, binary, dir); err != nil {
		return w, err
	}
	w.http2 = w.quack.speaksHTTP2(ctx)
	return w, nil
}

// end ends every process that is left.
func (w *world) end() error {
	var err error
	if w.quack != nil {
		err = w.quack.end()
	}
	for _, b := range w.backends {
		b.end()
	}
	if w.guard != nil {
		w.guard.end()
	}
	if w.ledger != nil {
		w.ledger.close()
	}
	return err
}

// soak runs the traffic and everything that disturbs it, then waits until it is
// quiet.
func (w *world) soak(ctx context.Context) error {
	traffic, stop := context.WithTimeout(ctx, w.length)
	defer stop()
	if err := w.sample(ctx, "idle at first"); err != nil {
		return err
	}
	var all sync.WaitGroup
	disturbances := []func(context.Context) error{w.restarts, w.changes, w.upgrades}
	failed := make(chan error, len(disturbances))
	for _, disturb := range disturbances {
		all.Go(func() {
			if err := disturb(traffic); err != nil {
				failed <- err
				stop()
			}
		})
	}
	for i := range w.clients {
		for _, k := range w.kinds() {
			all.Go(func() { w.client(traffic, k, i) })
		}
	}
	all.Go(func() { w.tick(traffic) })
	all.Wait()
	close(failed)
	for err := range failed {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err := sleep(ctx, w.quiet); err != nil {
		return err
	}
	return w.sample(ctx, "quiet at last")
}

// tick says from time to time how it goes.
func (w *world) tick(ctx context.Context) {
	begun := time.Now()
	for sleep(ctx, max(w.length/20, 10*time.Second)) == nil {
		fmt.Printf("%6s  %s\n", time.Since(begun).Round(time.Second), w.journal)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
