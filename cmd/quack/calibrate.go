package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

type calibrateCmd struct {
	client
	Route string        `required:"" help:"Name of the route." placeholder:"NAME"`
	N     int           `name:"n" default:"500" help:"How many requests legacy is asked twice, at most 20 a second (500)." placeholder:"N"`
	For   time.Duration `default:"10m" help:"End after so long, however many there were (10m)." placeholder:"D"`
	JSON  bool          `name:"json" help:"Print JSON."`
}

// calibrationPoll is how often the proxy is asked how far it is.
const calibrationPoll = 250 * time.Millisecond

func (c *calibrateCmd) Run(ctx context.Context, s *streams) error {
	to := c.connect()
	state, err := c.begin(ctx, to)
	if err != nil {
		return err
	}
	state, err = c.follow(ctx, to, &progress{w: s.err, terminal: isTerminal(s.err)}, state)
	if err != nil {
		return err
	}
	suggestions, err := to.Suggestions(context.WithoutCancel(ctx), c.Route, false)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, struct {
			Calibration reports.Calibration   `json:"calibration"`
			Suggestions []admin.SuggestedRule `json:"suggestions"`
		}{state, suggestions})
	}
	writeCalibration(s.out, state)
	fmt.Fprintln(s.out)
	writeSuggestions(s.out, suggestions)
	return nil
}

// begin starts the calibration. An interrupt meanwhile does not leave it: what the
// proxy has begun, follow ends.
func (c *calibrateCmd) begin(ctx context.Context, to *admin.Client) (reports.Calibration, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return to.Calibrate(ctx, c.Route, c.N, c.For)
}

// follow shows the progress until the end. An interrupt stops the calibration;
// what it has found is kept.
func (c *calibrateCmd) follow(ctx context.Context, to *admin.Client, p *progress, state reports.Calibration) (reports.Calibration, error) {
	began := state.Started
	tick := time.NewTicker(calibrationPoll)
	defer tick.Stop()
	for state.State == reports.CalibrationRuns {
		p.show(state)
		select {
		case <-ctx.Done():
			p.end()
			return to.StopCalibration(context.WithoutCancel(ctx), c.Route)
		case <-tick.C:
		}
		next, err := to.Calibration(ctx, c.Route)
		if err != nil && ctx.Err() == nil {
			p.end()
			return state, err
		}
		if err != nil {
			continue
		}
		if next.Started.Before(began) {
			p.end()
			return state, errors.New("the calibration is gone, and its result is not kept\n  the log of the proxy says why")
		}
		state = next
	}
	p.show(state)
	p.end()
	return state, nil
}

func isTerminal(w io.Writer) bool {
	f, isFile := w.(*os.File)
	return isFile && term.IsTerminal(int(f.Fd()))
}

// progress shows how far a calibration is: a bar on a terminal, else a line for
// each tenth of the way.
type progress struct {
	w        io.Writer
	terminal bool
	tenths   int
	begun    bool
}

const barWidth = 30

func (p *progress) show(c reports.Calibration) {
	done := c.Compared + c.Errors
	says := fmt.Sprintf("%d of %d requests compared, %d differ", done, c.N, c.Differing)
	if n := sum(c.Skipped) + c.Dropped; n > 0 {
		says += fmt.Sprintf(", %d skipped", n)
	}
	if p.terminal {
		full := barWidth * min(done, c.N) / c.N
		fmt.Fprintf(p.w, "\r[%s%s] %s\x1b[K", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), says)
		p.begun = true
		return
	}
	if tenths := 10 * min(done, c.N) / c.N; !p.begun || tenths > p.tenths {
		fmt.Fprintln(p.w, says)
		p.tenths, p.begun = tenths, true
	}
}

// end ends the line of a bar.
func (p *progress) end() {
	if p.terminal && p.begun {
		fmt.Fprintln(p.w)
	}
}

func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

func writeCalibration(w io.Writer, c reports.Calibration) {
	fmt.Fprintf(w, "%s: %s after %s\n", oneLine(c.Route), c.State, c.Ended.Sub(c.Started).Round(time.Second))
	fmt.Fprintf(w, "base rate: legacy differs from itself in %d of %s", c.Differing, plural(c.Compared, "request"))
	if c.Compared > 0 {
		fmt.Fprintf(w, " (%s; at most %s at 95 %% confidence)", wording.Percent(c.BaseRate), wording.PercentUp(c.Upper))
	}
	fmt.Fprintln(w)
	if c.Errors > 0 {
		fmt.Fprintf(w, "%s could not be compared\n", plural(c.Errors, "request"))
	}
	for _, reason := range slices.Sorted(maps.Keys(c.Skipped)) {
		fmt.Fprintf(w, "skipped %d: %s\n", c.Skipped[reason], reason)
	}
	if c.Dropped > 0 {
		fmt.Fprintf(w, "dropped %d: the queue was full\n", c.Dropped)
	}
	for _, p := range c.Places {
		fmt.Fprintf(w, "%8d  %9s  %-7s %s\n", p.Count, wording.Percent(p.Share), p.Kind, oneLine(p.Path))
		for _, s := range p.Samples[:min(len(p.Samples), 2)] {
			fmt.Fprintf(w, "%20s%s → %s\n", "", shortValue(s.Legacy), shortValue(s.New))
		}
	}
	for _, f := range c.Forgiven {
		fmt.Fprintf(w, "%8d  forgiven %s %s: %s\n", f.Count, f.Kind, oneLine(f.Path), oneLine(f.Reason))
	}
}
