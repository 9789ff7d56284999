package reports

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
)

// measures are what is counted of one comparison beside its verdict. They are
// worked out before a lock is taken.
type measures struct {
	compared    bool // false: the verdict is Error, and only timedOut is of interest
	timedOut    bool
	legacy, new uint16 // classes of latencies
	ratio       uint16 // class of their ratio
	hasRatio    bool   // both latencies are known
	statuses    [2]int // legacy, new
	first       int    // 0 legacy, 1 new, -1 neither
	writes      string // level; "" when no writes were compared
}

func measure(c *Comparison) measures {
	if c.Verdict == Error {
		return measures{timedOut: isTimeout(c.Err)}
	}
	return measures{
		compared: true,
		legacy:   classOf(c.Legacy.Latency), new: classOf(c.New.Latency),
		ratio: ratioClass(c.Legacy.Latency, c.New.Latency), hasRatio: c.Legacy.Latency > 0 && c.New.Latency > 0,
		statuses: [2]int{c.Legacy.Answer.Status, c.New.Answer.Status},
		first:    slices.Index(sideNames[:2], c.First), writes: c.Writes,
	}
}

// isTimeout reports whether the text of an error is of one in which time ran
// out: an answer that broke off has no more than the text.
func isTimeout(text string) bool {
	return strings.Contains(text, os.ErrDeadlineExceeded.Error()) || strings.Contains(text, context.DeadlineExceeded.Error())
}

// measured counts what is measured of a comparison, compared or an error.
func (c *counts) measured(m measures) {
	if !m.compared {
		if m.timedOut {
			c.TimedOut++
		}
		return
	}
	c.Legacy.add(m.legacy, 1)
	c.New.add(m.new, 1)
	c.Statuses.add(m.statuses[0], m.statuses[1], 1)
	if m.first >= 0 {
		c.First[m.first]++
	}
	if m.hasRatio {
		c.Ratio.add(m.ratio, 1)
	}
	if m.writes != "" {
		addReason(&c.WritesCompared, m.writes, 1)
	}
}

func (c *counts) mergeMeasures(d *counts) {
	c.Statuses.merge(d.Statuses)
	for side, n := range d.First {
		c.First[side] += n
	}
	c.Ratio.merge(d.Ratio)
	for level, n := range d.WritesCompared {
		addReason(&c.WritesCompared, level, n)
	}
	c.TimedOut += d.TimedOut
	c.Stages.merge(d.Stages)
}

// reportMeasures fills in what a report says of them.
func (c *counts) reportMeasures(r *RouteReport) {
	r.Statuses, r.Ratio, r.WritesCompared = c.Statuses.frequent(), c.Ratio.ratios(), maps.Clone(c.WritesCompared)
	for side, n := range c.First {
		if n > 0 {
			addReason(&r.First, sideNames[side], n)
		}
	}
	r.TimedOut, r.ByStage = c.TimedOut, slices.Clone(c.Stages)
	for _, reason := range timeouts {
		r.TimedOut += c.Skipped[reason]
	}
}
