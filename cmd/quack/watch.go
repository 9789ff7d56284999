package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/render"
)

type watchCmd struct {
	client
	Route string        `help:"Only this route." placeholder:"NAME"`
	Every time.Duration `default:"1s" help:"How often to look, at least 100ms (1s)." placeholder:"D"`
	For   time.Duration `help:"End after so long; without it, when it is interrupted." placeholder:"D"`
}

// watchMin is how often is often enough: what is counted is there at once.
const watchMin = 100 * time.Millisecond

func (c *watchCmd) Run(ctx context.Context, s *streams) error {
	if c.Every < watchMin {
		return coded{exitUsage, fmt.Errorf("--every %s is less than %s", c.Every, watchMin)}
	}
	if c.For > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, c.For)
		defer stop()
	}
	if isTerminal(s.out) {
		return c.onScreen(ctx, s)
	}
	return c.follow(ctx, func(w *render.Watch, again bool) error {
		if again {
			return nil
		}
		return w.WriteLines(s.out)
	})
}

// follow looks until ctx ends, and shows what it sees. A proxy that does not
// answer at first is an error; one that is away later is waited for, and again
// is set while it stays away.
func (c *watchCmd) follow(ctx context.Context, show func(w *render.Watch, again bool) error) error {
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	var w render.Watch
	l := looking{at: c.connect(), route: c.Route}
	away := false
	for begun := false; ; begun = true {
		report, err := l.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !begun:
			return err
		case err != nil:
			w.Away("the proxy does not answer, and is asked again: " + err.Error())
		default:
			w.See(report)
		}
		if err := show(&w, away && err != nil); err != nil {
			return fmt.Errorf("show the report: %w", err)
		}
		away = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// looking are the looks at one proxy.
type looking struct {
	at    *admin.Client
	route string
	last  render.Report // its At is zero before the first
}

// look reads the report, and the differences when there is another one.
func (l *looking) look(ctx context.Context) (render.Report, error) {
	next := render.Report{At: time.Now(), Groups: l.last.Groups}
	filter := reports.Filter{Route: l.route}
	var err error
	if next.Routes, err = l.at.Report(ctx, filter); err != nil {
		return next, err
	}
	if l.last.At.IsZero() || differing(next) != differing(l.last) {
		filter.Limit = mostGroups
		if next.Groups, err = l.at.Differences(ctx, filter); err != nil {
			return next, err
		}
	}
	l.last = next
	return next, nil
}

// differing is how many comparisons of a report were no match.
func differing(r render.Report) int64 {
	var n int64
	for _, route := range r.Routes {
		n += route.Mismatched + route.Noise + route.Transient + route.Errors
	}
	return n
}

// The alternate screen of a terminal, so that what was there before is there
// again afterwards, without a cursor.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// onScreen draws the state over and over. The last one stays.
func (c *watchCmd) onScreen(ctx context.Context, s *streams) error {
	if _, err := fmt.Fprint(s.out, enterScreen); err != nil {
		return err
	}
	var last bytes.Buffer
	err := c.follow(ctx, func(w *render.Watch, _ bool) error {
		on := render.Screen{Color: colour(s.out)}
		lines := 0
		on.Columns, lines = terminalSize(s.out)
		last.Reset()
		if err := w.WriteScreen(&last, on, lines-1); err != nil {
			return err
		}
		drawn := bytes.ReplaceAll(last.Bytes(), []byte("\n"), []byte(clearLine+"\r\n"))
		_, err := fmt.Fprintf(s.out, "%s%s%s\r\n%s", home, drawn, clearLine, clearBelow)
		return err
	})
	fmt.Fprint(s.out, leaveScreen)
	if last.Len() > 0 {
		fmt.Fprintf(s.out, "%s\n", last.Bytes())
	}
	return err
}
