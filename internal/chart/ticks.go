package chart

import (
	"math"
	"strconv"
	"time"
)

// tick is a line of the grid: where, in pixels from the top, and what it says.
type tick struct {
	y    float64
	text string
}

// linear is the scale of counts: from 0 to top, which is at least high.
type linear struct{ top float64 }

// steps are the distances between lines of the grid, times a power of ten.
var steps = []float64{1, 2, 5, 10}

// linearTo is the scale for counts up to high, with two to four lines.
func linearTo(high int64) (linear, []tick) {
	if high <= 0 {
		return linear{1}, nil
	}
	step := stepFor(float64(high) / 3)
	if step < 1 {
		step = 1
	}
	s := linear{step * math.Ceil(float64(high)/step)}
	var grid []tick
	for v := step; v <= s.top; v += step {
		grid = append(grid, tick{s.y(v), short(v)})
	}
	return s, grid
}

// stepFor is the round number next above v.
func stepFor(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, s := range steps {
		if s*power >= v {
			return s * power
		}
	}
	return 10 * power
}

func (s linear) y(v float64) float64 { return plotBottom - v/s.top*plotHeight }

// short writes 12000 as 12k.
func short(v float64) string {
	for _, unit := range []struct {
		of   float64
		sign string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= unit.of {
			return strconv.FormatFloat(v/unit.of, 'f', -1, 64) + unit.sign
		}
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// logarithmic is the scale of latencies, in powers of ten: a ratio is the same
// distance wherever it is.
type logarithmic struct{ low, high float64 } // logarithms

// logarithmicOver is the scale for values from low to high, in milliseconds, both
// above 0.
func logarithmicOver(low, high float64) (logarithmic, []tick) {
	rounds := roundsOf(low, high)
	s := logarithmic{math.Log10(rounds[0]), math.Log10(rounds[len(rounds)-1])}
	if len(rounds) > 4 { // powers of ten are enough
		var powers []float64
		for _, v := range rounds {
			if log := math.Log10(v); math.Abs(log-math.Round(log)) < 1e-9 {
				powers = append(powers, v)
			}
		}
		rounds = powers
	}
	var grid []tick
	for _, v := range rounds {
		if v > math.Pow(10, s.low)*1.001 { // the base line is drawn anyhow
			grid = append(grid, tick{s.y(v), duration(v)})
		}
	}
	return s, grid
}

// roundsOf are the numbers 1, 2 and 5 times powers of ten, from the last one
// below low to the first one above high.
func roundsOf(low, high float64) []float64 {
	var rounds []float64
	for power := math.Floor(math.Log10(low)); ; power++ {
		for _, s := range steps[:3] {
			v := s * math.Pow(10, power)
			if v <= low {
				rounds = []float64{v}
				continue
			}
			rounds = append(rounds, v)
			if v >= high {
				return rounds
			}
		}
	}
}

func (s logarithmic) y(v float64) float64 {
	return plotBottom - (math.Log10(v)-s.low)/(s.high-s.low)*plotHeight
}

// duration writes milliseconds.
func duration(ms float64) string {
	if ms >= 1000 {
		return strconv.FormatFloat(ms/1000, 'g', 3, 64) + " s"
	}
	return strconv.FormatFloat(ms, 'g', 3, 64) + " ms"
}

// roundSteps are the distances between times under a plot.
var roundSteps = []time.Duration{
	time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 2 * 24 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour, 28 * 24 * time.Hour, 84 * 24 * time.Hour,
}

// roundTimes are at most six round times within a length of time.
func roundTimes(start time.Time, length time.Duration) []time.Time {
	step := roundSteps[len(roundSteps)-1]
	for _, s := range roundSteps {
		if length/s < 6 {
			step = s
			break
		}
	}
	var times []time.Time
	at := start.UTC().Truncate(step)
	for ; !at.After(start.Add(length)); at = at.Add(step) {
		if !at.Before(start) && len(times) < 6 {
			times = append(times, at)
		}
	}
	return times
}
