package main

import (
	"math/bits"
	"time"
)

// fine is how many buckets a power of two is divided into: a value read from a
// histogram is at most 1/fine above the one that was put in.
const fine = 128

// histogram counts durations in nanoseconds, in buckets whose width grows with
// the value (as HdrHistogram does).
type histogram struct {
	counts [64 * fine]int64
	total  int64
	most   time.Duration
}

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(uint64(d))]++
	h.total++
	h.most = max(h.most, d)
}

// bucket is the index for v: below fine one for each value, above it fine for
// each power of two.
func bucket(v uint64) int {
	if v < fine {
		return int(v)
	}
	shift := bits.Len64(v) - bits.Len64(fine)
	return shift*fine + int(v>>shift)
}

// upper is the largest value of bucket i.
func upper(i int) uint64 {
	if i < 2*fine {
		return uint64(i)
	}
	shift := i/fine - 1
	return (uint64(i-shift*fine)+1)<<shift - 1
}

// quantile is a value that a share q of all values does not exceed, at most
// 1/fine above the exact one; 0 of an empty histogram.
func (h *histogram) quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := max(int64(q*float64(h.total)+0.999999), 1)
	for i, n := range h.counts {
		if rank -= n; rank <= 0 {
			return min(time.Duration(upper(i)), h.most)
		}
	}
	return h.most
}
