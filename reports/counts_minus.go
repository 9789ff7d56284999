package reports

import (
	"reflect"
	"slices"
)

// nothing reports whether nothing was counted.
func (c *counts) nothing() bool {
	return reflect.DeepEqual(*c, counts{Stage: c.Stage, StageAt: c.StageAt})
}

// minus takes d away, what c was earlier: the inverse of merge.
func (c *counts) minus(d *counts) {
	for side := range d.Served {
		for class, n := range d.Served[side] {
			c.Served[side][class] -= n
		}
	}
	c.Matched -= d.Matched
	c.Mismatched -= d.Mismatched
	c.Transient -= d.Transient
	c.Noise -= d.Noise
	c.Forgiven -= d.Forgiven
	c.Errors -= d.Errors
	c.Dropped -= d.Dropped
	c.Unchecked -= d.Unchecked
	c.Suspect -= d.Suspect
	c.Unverified -= d.Unverified
	c.Unmarked -= d.Unmarked
	takeAway(&c.Skipped, d.Skipped)
	takeAway(&c.Unsupported, d.Unsupported)
	takeAway(&c.Fallbacks, d.Fallbacks)
	c.Legacy.minus(d.Legacy)
	c.New.minus(d.New)
	c.Answered.minus(d.Answered)
	for side := range d.AnsweredBy {
		c.AnsweredBy[side].minus(d.AnsweredBy[side])
		c.AnsweredNS[side] -= d.AnsweredNS[side]
	}
	c.Statuses.minus(d.Statuses)
	for side, n := range d.First {
		c.First[side] -= n
	}
	c.Ratio.minus(d.Ratio)
	takeAway(&c.WritesCompared, d.WritesCompared)
	c.TimedOut -= d.TimedOut
	c.Stages.minus(d.Stages)
	c.Recent = nil // it is of the last hour, whatever is counted
}

// takeAway is the inverse of addReason; what comes to nothing is not there.
func takeAway[K comparable](from *map[K]int64, d map[K]int64) {
	for k, n := range d {
		if (*from)[k] -= n; (*from)[k] == 0 {
			delete(*from, k)
		}
	}
	if len(*from) == 0 {
		*from = nil
	}
}

func (h *histogram) minus(d histogram) {
	for _, c := range d {
		h.add(c.class, -c.n)
	}
	*h = slices.DeleteFunc(*h, func(c classCount) bool { return c.n == 0 })
	if len(*h) == 0 {
		*h = nil
	}
}

func (s *statuses) minus(d statuses) {
	for _, p := range d {
		s.add(p.Legacy, p.New, -p.Count)
	}
	*s = slices.DeleteFunc(*s, func(p StatusPair) bool { return p.Count == 0 })
	if len(*s) == 0 {
		*s = nil
	}
}

func (s *stages) minus(other stages) {
	for _, d := range other {
		c := s.of(d.Stage)
		c.Legacy -= d.Legacy
		c.New -= d.New
		c.Own -= d.Own
		c.Compared -= d.Compared
		c.Mismatched -= d.Mismatched
	}
	*s = slices.DeleteFunc(*s, func(c StageCount) bool { return c == StageCount{Stage: c.Stage} })
	if len(*s) == 0 {
		*s = nil
	}
}
