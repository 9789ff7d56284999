package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// parts are what can be measured, in the order of a run.
var parts = []string{"live", "shadow", "p99", "reload", "memory", "pgwire", "go"}

// settings are the flags.
type settings struct {
	short       bool
	only        []string
	duration    time.Duration // of one contender's turn
	rounds      int
	connections int
	memory      time.Duration // of the memory part
	profile     string        // file for a CPU profile of Quack
	results     string        // folder

	progress io.Writer
	dir      string // temporary
	program  string // Quack
}

// parseSettings reads the flags; nil without an error when only help was asked
// for.
func parseSettings(args []string, progress io.Writer) (*settings, error) {
	s := &settings{progress: progress}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(progress)
	only := flags.String("only", "", "parts to measure, with commas: "+strings.Join(parts, ",")+" (default all; live with -short)")
	flags.BoolVar(&s.short, "short", false, "about a minute: the live path with 1 KiB; nginx and ReverseProxy only")
	flags.DurationVar(&s.duration, "duration", 0, "of one contender's turn (default 3s, 2s with -short)")
	flags.IntVar(&s.rounds, "rounds", 0, "turns of each contender (default 5, 3 with -short)")
	flags.IntVar(&s.connections, "connections", 32, "kept-alive connections of the client")
	flags.DurationVar(&s.memory, "memory", 0, "how long the memory part runs (default 5m, 20s with -short)")
	flags.StringVar(&s.profile, "profile", "", "write a CPU profile of Quack in the live part to this file")
	flags.StringVar(&s.results, "results", "bench/results", "folder for the raw figures")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, nil
		}
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q is no flag\n  see -help", flags.Arg(0))
	}
	s.setDefaults(*only)
	return s, s.valid()
}

func (s *settings) setDefaults(only string) {
	duration, rounds, memory := 3*time.Second, 5, 5*time.Minute
	s.only = parts
	if s.short {
		duration, rounds, memory = 2*time.Second, 3, 20*time.Second
		s.only = parts[:1]
	}
	if only != "" {
		s.only = strings.Split(only, ",")
	}
	if s.duration == 0 {
		s.duration = duration
	}
	if s.rounds == 0 {
		s.rounds = rounds
	}
	if s.memory == 0 {
		s.memory = memory
	}
}

func (s *settings) valid() error {
	for _, part := range s.only {
		if !slices.Contains(parts, part) {
			return fmt.Errorf("-only %q: there is no such part\n  there are %s", part, strings.Join(parts, ", "))
		}
	}
	switch {
	case s.duration < 0 || s.memory < 0:
		return errors.New("a duration below zero")
	case s.rounds < 1 || s.connections < 1:
		return errors.New("-rounds and -connections are 1 or more")
	}
	return nil
}

func (s *settings) say(format string, args ...any) {
	fmt.Fprintf(s.progress, "bench: "+format+"\n", args...)
}

// bench measures what was asked for, and writes the report.
func (s *settings) bench(ctx context.Context, out, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "quack-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s.dir = dir
	s.say("build quack")
	if s.program, err = buildQuack(ctx, dir); err != nil {
		return err
	}
	r := &report{At: time.Now(), Machine: describeMachine(ctx), Settings: s.describe()}
	r.begin(out)
	measure := map[string]func(context.Context) (outcome, error){
		"live": s.live, "shadow": s.shadowing, "p99": s.latency, "reload": s.reloads, "memory": s.remembering, "pgwire": s.wire, "go": s.goBenchmarks,
	}
	var failure error
	for _, part := range parts {
		if !slices.Contains(s.only, part) {
			continue
		}
		others := watchOthers()
		o, err := measure[part](ctx)
		if err != nil {
			// What was measured before is kept.
			failure = fmt.Errorf("%s: %w", part, err)
			break
		}
		o.Others = others.share()
		r.add(part, o)
	}
	if len(r.order) == 0 {
		return failure
	}
	return errors.Join(r.end(s.results), failure)
}

func (s *settings) describe() string {
	return fmt.Sprintf("%d connections, turns of %s, %d rounds", s.connections, s.duration, s.rounds)
}
