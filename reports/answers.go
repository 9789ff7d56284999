package reports

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Answers are the answers to clients on one route by one side, of all time.
type Answers struct {
	Route   string
	Side    string   // "legacy", "new", "" for Quack's own
	Classes [6]int64 // by the first digit of the status; 0 is none
	// Latencies are counted by LatencyBounds: the n-th is of latencies below the
	// n-th bound and not below the one before, the last of all others.
	Latencies []int64
	Sum       time.Duration // of the latencies
}

// sideNames are the names of the places in counts.Served.
var sideNames = [3]string{"legacy", "new", ""}

// boundEvery is how many classes of a histogram make one bucket of Answers:
// each is 2.14 times as wide as the one before.
const boundEvery = 8

const (
	firstBound = 72  // begins at 0.87 ms
	lastBound  = 192 // begins at 81 s
)

// LatencyBounds are the bounds of Answers.Latencies in seconds, from 0.87 ms to
// 81 s. They stand where latency classes do, so that what is told is what was
// counted, and nothing was shared out.
func LatencyBounds() []float64 {
	var bounds []float64
	for class := firstBound; class <= lastBound; class += boundEvery {
		bounds = append(bounds, math.Pow(growth, float64(class-1))/1e6)
	}
	return bounds
}

// Answers are those of all routes, sorted by name; a side that has answered
// nothing is left out. It only reads memory: for metrics.
func (r *Reports) Answers() []Answers {
	var list []Answers
	for route, c := range r.now("") {
		for side := range sideNames {
			a := Answers{Route: route, Side: sideNames[side], Classes: c.Served[side], Sum: time.Duration(c.AnsweredNS[side])}
			if a.Classes != [6]int64{} {
				a.Latencies = c.AnsweredBy[side].buckets()
				list = append(list, a)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Answers) int { return strings.Compare(a.Route, b.Route) })
	return list
}

// buckets counts by LatencyBounds.
func (h histogram) buckets() []int64 {
	const n = (lastBound-firstBound)/boundEvery + 2
	buckets := make([]int64, n)
	for _, c := range h {
		at := 0
		if c.class >= firstBound {
			at = min((int(c.class)-firstBound)/boundEvery+1, n-1)
		}
		buckets[at] += c.n
	}
	return buckets
}

// answered are the latencies of all sides.
func (c *counts) answered() histogram {
	all := slices.Clone(c.Answered)
	for side := range c.AnsweredBy {
		all.merge(c.AnsweredBy[side])
	}
	return all
}
