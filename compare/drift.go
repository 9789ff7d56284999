package compare

import (
	"cmp"
	"encoding/json"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Drift is how far timestamps that were forgiven are apart, new minus legacy,
// over many of them. The zero Drift is of none.
//
// Its JSON form is
// {"count":3,"p50_ms":3.1,"p99_ms":12,"least_ms":-1,"most_ms":40,"classes":[[17,2],[43,1]]};
// reading takes all but the quantiles.
type Drift struct {
	Count       int64
	Least, Most time.Duration
	Classes     []DriftClass // sorted by class
}

// DriftClass counts drifts of about one size: class 0 is below a microsecond,
// n and -n are new later and earlier, with eight classes to each power of two
// of microseconds.
type DriftClass struct {
	Class int16
	N     int64
}

// classBits is the logarithm of the classes to each power of two. The middle
// of a class is at most 6 % off.
const classBits = 3

func driftClass(d time.Duration) int16 {
	us := uint64(d.Abs() / time.Microsecond)
	class := int16(us)
	if us >= 1<<classBits {
		power := bits.Len64(us) - 1 - classBits
		class = int16(power<<classBits) + int16(us>>power)
	}
	if d < 0 {
		return -class
	}
	return class
}

// middle is the drift that stands for all of a class.
func (c DriftClass) middle() time.Duration {
	class := int64(c.Class)
	sign := time.Duration(1)
	if class < 0 {
		class, sign = -class, -1
	}
	if class < 1<<classBits {
		return sign * time.Duration(class) * time.Microsecond
	}
	power := min(class>>classBits-1, 50)
	low := (class - power<<classBits) << power
	return sign * time.Duration(low+(1<<power)/2) * time.Microsecond
}

// Add counts one drift.
func (d *Drift) Add(apart time.Duration) {
	d.merge(apart, apart, 1)
	d.addClass(driftClass(apart), 1)
}

func (d *Drift) merge(least, most time.Duration, n int64) {
	if d.Count == 0 {
		d.Least, d.Most = least, most
	}
	d.Least, d.Most = min(d.Least, least), max(d.Most, most)
	d.Count += n
}

func (d *Drift) addClass(class int16, n int64) {
	i, found := slices.BinarySearchFunc(d.Classes, class, func(c DriftClass, class int16) int { return cmp.Compare(c.Class, class) })
	if found {
		d.Classes[i].N += n
		return
	}
	d.Classes = slices.Insert(d.Classes, i, DriftClass{class, n})
}

// Merge adds another distribution, which it leaves as it is.
func (d *Drift) Merge(other Drift) {
	if other.Count == 0 {
		return
	}
	d.merge(other.Least, other.Most, other.Count)
	for _, c := range other.Classes {
		d.addClass(c.Class, c.N)
	}
}

// Quantile is the nearest-rank quantile q, at most 6 % off; the first and the
// last, and one of drifts that are all the same, are exact.
func (d Drift) Quantile(q float64) time.Duration {
	rank := max(1, int64(math.Ceil(q*float64(d.Count))))
	switch rank {
	case 1:
		return d.Least
	case d.Count:
		return d.Most
	}
	for _, c := range d.Classes {
		if rank -= c.N; rank <= 0 {
			return max(d.Least, min(d.Most, c.middle()))
		}
	}
	return d.Most
}

// String is "p50 +3 ms, p99 +12 ms, least -1 ms, most +40 ms"; "" of none.
func (d Drift) String() string {
	if d.Count == 0 {
		return ""
	}
	least, most := signed(d.Least), signed(d.Most)
	if least == most {
		return "always " + most
	}
	return "p50 " + signed(d.Quantile(0.5)) + ", p99 " + signed(d.Quantile(0.99)) + ", least " + least + ", most " + most
}

// signed writes a drift with its sign, in the unit that suits it and with two
// digits that count, or whole: "+3 ms", "-1.2 s", "+30 s", "+1 h".
func signed(d time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}, {"µs", time.Microsecond}}
	for _, u := range units {
		if d.Abs() < u.size {
			continue
		}
		n := float64(d) / float64(u.size)
		digits := 0
		if math.Abs(n) < 9.95 {
			digits = 1
		}
		s := strconv.FormatFloat(n, 'f', digits, 64)
		s = strings.TrimSuffix(s, ".0")
		if d > 0 {
			s = "+" + s
		}
		return s + " " + u.name
	}
	return "0"
}

// driftJSON is the JSON form of a Drift.
type driftJSON struct {
	Count   int64      `json:"count"`
	P50     float64    `json:"p50_ms"`
	P99     float64    `json:"p99_ms"`
	Least   float64    `json:"least_ms"`
	Most    float64    `json:"most_ms"`
	Classes [][2]int64 `json:"classes"`
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// MarshalJSON writes the JSON form.
func (d Drift) MarshalJSON() ([]byte, error) {
	w := driftJSON{d.Count, millis(d.Quantile(0.5)), millis(d.Quantile(0.99)), millis(d.Least), millis(d.Most), [][2]int64{}}
	for _, c := range d.Classes {
		w.Classes = append(w.Classes, [2]int64{int64(c.Class), c.N})
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (d *Drift) UnmarshalJSON(b []byte) error {
	var w driftJSON
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*d = Drift{Count: w.Count, Least: duration(w.Least), Most: duration(w.Most)}
	for _, c := range w.Classes {
		d.addClass(int16(max(-1<<15, min(1<<15-1, c[0]))), c[1])
	}
	return nil
}

// duration is milliseconds as a Duration, the longest where they are too many.
func duration(ms float64) time.Duration {
	ns := math.Round(ms * float64(time.Millisecond))
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	if ns <= math.MinInt64 {
		return math.MinInt64
	}
	return time.Duration(ns)
}
