package reports

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// growth is by how much one latency class is wider than the one before. A
// quantile is told as the geometric middle of its class, at most
// sqrt(growth)-1 = 4.9 % off.
const growth = 1.1

var logGrowth = math.Log(growth)

// Latencies below 1 µs are class 0; classMax begins at an hour.
const classMax = 232

// classOf is the class of a latency: 1 + the whole logarithm of its
// microseconds to the base growth.
func classOf(d time.Duration) uint16 {
	if d < time.Microsecond {
		return 0
	}
	class := 1 + int(math.Log(float64(d)/float64(time.Microsecond))/logGrowth)
	return uint16(min(class, classMax))
}

// millis is the middle of a class in milliseconds.
func millis(class uint16) float64 {
	if class == 0 {
		return 0
	}
	return math.Pow(growth, float64(class)-0.5) / 1000
}

// histogram counts latencies by class; sorted, only classes that occur. A
// route's latencies fill a few dozen of them.
type histogram []classCount

type classCount struct {
	class uint16
	n     int64
}

func (h *histogram) add(class uint16, n int64) {
	if l := len(*h); l == 0 || (*h)[l-1].class < class {
		*h = append(*h, classCount{class, n})
		return
	}
	i, found := slices.BinarySearchFunc(*h, class, func(c classCount, class uint16) int { return cmp.Compare(c.class, class) })
	if found {
		(*h)[i].n += n
		return
	}
	*h = slices.Insert(*h, i, classCount{class, n})
}

func (h *histogram) merge(other histogram) {
	if len(*h) == 0 {
		*h = append(*h, other...)
		return
	}
	for _, c := range other {
		h.add(c.class, c.n)
	}
}

// class is the class of the nearest-rank quantile q, false when nothing was
// counted.
func (h histogram) class(q float64) (uint16, bool) {
	var total int64
	for _, c := range h {
		total += c.n
	}
	rank := max(1, int64(math.Ceil(q*float64(total))))
	for _, c := range h {
		if rank -= c.n; rank <= 0 {
			return c.class, true
		}
	}
	return 0, false
}

// quantile is the nearest-rank quantile q in milliseconds, 0 when nothing was
// counted.
func (h histogram) quantile(q float64) float64 {
	class, _ := h.class(q) // class 0 is 0 ms
	return millis(class)
}

func (h histogram) latency() Latency {
	return Latency{P50: h.quantile(0.5), P99: h.quantile(0.99)}
}

// MarshalJSON writes [[class, count], …].
func (h histogram) MarshalJSON() ([]byte, error) {
	var pair [2]int64
	return encodeTuples(len(h), func(i int) []int64 {
		pair = [2]int64{int64(h[i].class), h[i].n}
		return pair[:]
	}), nil
}

func (h *histogram) UnmarshalJSON(b []byte) error {
	return decodeTuples(b, 2, func(pair []int64) { h.add(uint16(min(max(pair[0], 0), classMax)), pair[1]) })
}
