package reports

import "time"

// sparkMinutes is how many minutes a Spark has.
const sparkMinutes = 60

// Spark is what was compared on a route in the last 60 minutes, by the minute,
// the oldest first; the last is the minute that runs.
type Spark struct {
	Compared   [sparkMinutes]int64 `json:"compared"`
	Mismatched [sparkMinutes]int64 `json:"mismatched"` // of compared
}

// Sparks are those of the routes that have compared something in the last 60
// minutes, by name. It only reads memory.
func (r *Reports) Sparks() map[string]Spark { return r.sparksAt(time.Now()) }

func (r *Reports) sparksAt(now time.Time) map[string]Spark {
	minute := now.Unix() / 60
	list := map[string]Spark{}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle(r.shards.grab(), now)
	for route, c := range r.totals {
		if s := c.Recent.upTo(minute); s != (Spark{}) {
			list[route] = s
		}
	}
	return list
}

// sparkRing is a Spark whose places are the minutes, since 1970, modulo 60. It
// stands in the counters of all time, so that a restart has not to look for it
// in an hour of every route's minutes. nil is one of nothing.
type sparkRing struct {
	Spark
	Newest int64 `json:"newest"` // the minute that was counted last
}

func (s *sparkRing) add(minute, compared, mismatched int64) {
	if minute <= s.Newest-sparkMinutes {
		return
	}
	if minute > s.Newest {
		for m := max(s.Newest+1, minute-sparkMinutes+1); m <= minute; m++ {
			s.Compared[m%sparkMinutes], s.Mismatched[m%sparkMinutes] = 0, 0
		}
		s.Newest = minute
	}
	s.Compared[minute%sparkMinutes] += compared
	s.Mismatched[minute%sparkMinutes] += mismatched
}

// upTo is the Spark whose last minute is the given one.
func (s *sparkRing) upTo(minute int64) (list Spark) {
	if s == nil {
		return list
	}
	oldest := minute - sparkMinutes + 1
	for m := max(oldest, s.Newest-sparkMinutes+1, 0); m <= min(minute, s.Newest); m++ {
		list.Compared[m-oldest], list.Mismatched[m-oldest] = s.Compared[m%sparkMinutes], s.Mismatched[m%sparkMinutes]
	}
	return list
}

// recently adds what a batch has counted to its minute.
func (c *counts) recently(now time.Time) {
	if n := c.total(); n > 0 {
		c.Recent = &sparkRing{}
		c.Recent.add(now.Unix()/60, n, c.Mismatched)
	}
}

func (c *counts) mergeRecent(d *sparkRing) {
	if d == nil {
		return
	}
	if c.Recent == nil {
		clone := *d
		c.Recent = &clone
		return
	}
	for m := max(d.Newest-sparkMinutes+1, 0); m <= d.Newest; m++ {
		if n := d.Compared[m%sparkMinutes]; n > 0 {
			c.Recent.add(m, n, d.Mismatched[m%sparkMinutes])
		}
	}
}
