package reports

import (
	"maps"
	"math/rand/v2"
	"sync"
	"time"
)

// counts are the counters of one route over some time. The JSON form is how
// they are kept in the store.
type counts struct {
	Stage       string           `json:"stage,omitempty"`    // the last one seen
	StageAt     int64            `json:"stage_at,omitempty"` // when it was first, in Unix nanoseconds
	Served      [3][6]int64      `json:"served"`             // by side (legacy, new, neither) and class of status
	Matched     int64            `json:"matched,omitempty"`
	Mismatched  int64            `json:"mismatched,omitempty"`
	Transient   int64            `json:"transient,omitempty"`
	Noise       int64            `json:"noise,omitempty"`
	Forgiven    int64            `json:"forgiven,omitempty"`
	Errors      int64            `json:"errors,omitempty"`
	Dropped     int64            `json:"dropped,omitempty"`
	Unchecked   int64            `json:"unchecked,omitempty"`
	Suspect     int64            `json:"suspect,omitempty"`
	Unverified  int64            `json:"unverified,omitempty"`
	Unmarked    int64            `json:"unmarked,omitempty"`
	Skipped     map[string]int64 `json:"skipped,omitempty"`
	Unsupported map[string]int64 `json:"unsupported,omitempty"` // of those, by word
	Fallbacks   map[string]int64 `json:"fallbacks,omitempty"`   // by why
	Legacy      histogram        `json:"legacy,omitempty"`      // of compared requests
	New         histogram        `json:"new,omitempty"`
	Answered    histogram        `json:"answered,omitempty"` // of answers to clients that were counted before AnsweredBy was
	AnsweredBy  [3]histogram     `json:"answered_by,omitzero"`
	AnsweredNS  [3]int64         `json:"answered_ns,omitzero"` // sums

	// Of compared requests.
	Statuses       statuses         `json:"statuses,omitempty"`
	First          [2]int64         `json:"first,omitzero"` // by the side that ran first: legacy, new
	Ratio          histogram        `json:"ratio,omitempty"`
	WritesCompared map[string]int64 `json:"writes_compared,omitempty"` // by level
	// TimedOut are errors that are timeouts; skips have a reason.
	TimedOut int64 `json:"timed_out,omitempty"`

	Stages stages `json:"stages,omitempty"`

	Recent *sparkRing `json:"recent,omitempty"` // in the counters of all time
}

func (c *counts) merge(d *counts) {
	if d.StageAt > c.StageAt {
		c.Stage, c.StageAt = d.Stage, d.StageAt
	}
	for side := range d.Served {
		for class, n := range d.Served[side] {
			c.Served[side][class] += n
		}
	}
	c.Matched += d.Matched
	c.Mismatched += d.Mismatched
	c.Transient += d.Transient
	c.Noise += d.Noise
	c.Forgiven += d.Forgiven
	c.Errors += d.Errors
	c.Dropped += d.Dropped
	c.Unchecked += d.Unchecked
	c.Suspect += d.Suspect
	c.Unverified += d.Unverified
	c.Unmarked += d.Unmarked
	for reason, n := range d.Skipped {
		c.skip(reason, n)
	}
	for word, n := range d.Unsupported {
		addReason(&c.Unsupported, word, n)
	}
	for why, n := range d.Fallbacks {
		c.fellBack(why, n)
	}
	c.Legacy.merge(d.Legacy)
	c.New.merge(d.New)
	c.Answered.merge(d.Answered)
	for side := range d.AnsweredBy {
		c.AnsweredBy[side].merge(d.AnsweredBy[side])
		c.AnsweredNS[side] += d.AnsweredNS[side]
	}
	c.mergeMeasures(d)
	c.mergeRecent(d.Recent)
}

// maxReasons bounds the reasons of one route; those beyond are counted as
// "other".
const maxReasons = 50

func (c *counts) skip(reason string, n int64) { addReason(&c.Skipped, reason, n) }

func (c *counts) fellBack(why string, n int64) { addReason(&c.Fallbacks, why, n) }

func addReason(to *map[string]int64, reason string, n int64) {
	if *to == nil {
		*to = map[string]int64{}
	}
	if _, known := (*to)[reason]; !known && len(*to) >= maxReasons {
		reason = "other"
	}
	(*to)[reason] += n
}

func (c *counts) stands(stage string) {
	if c.Stage != stage {
		c.Stage, c.StageAt = stage, time.Now().UnixNano()
	}
}

func (c *counts) compared(v Verdict) {
	switch v {
	case Match:
		c.Matched++
	case Mismatch:
		c.Mismatched++
	case Transient:
		c.Transient++
	case Noise:
		c.Noise++
	default:
		c.Errors++
	}
}

// total are the comparisons.
func (c *counts) total() int64 { return c.Matched + c.Mismatched + c.Transient + c.Noise }

// served are the answers to clients.
func (c *counts) served() (n int64) {
	for _, classes := range c.Served {
		for _, of := range classes {
			n += of
		}
	}
	return n
}

func (c *counts) report(name string) RouteReport {
	r := RouteReport{
		Name: name, Stage: c.Stage, Served: c.served(),
		Matched: c.Matched, Mismatched: c.Mismatched, Transient: c.Transient, Noise: c.Noise,
		Compared: c.total(),
		Forgiven: c.Forgiven, Errors: c.Errors, Dropped: c.Dropped, Unmarked: c.Unmarked,
		Unchecked: c.Unchecked, Suspect: c.Suspect, Unverified: c.Unverified,
		Skipped: map[string]int64{},
		Legacy:  c.Legacy.latency(), New: c.New.latency(), Answered: c.answered().latency(),
	}
	maps.Copy(r.Skipped, c.Skipped)
	r.Unsupported = maps.Clone(c.Unsupported)
	r.Fallbacks = maps.Clone(c.Fallbacks)
	c.reportMeasures(&r)
	// Transient and noise say nothing for the new side and nothing against it.
	r.MismatchUpper = upperBound(r.Mismatched, r.Matched+r.Mismatched)
	return r
}

// shards are what was counted since the last batch. Each call takes one of a
// few locks at random, so that requests on many processors seldom meet.
type shards [8]struct {
	mu     sync.Mutex
	routes map[string]*counts
	_      [40]byte // a cache line for each lock
}

// count calls f with the counters of a route, which only f may touch.
func (s *shards) count(route string, f func(*counts)) {
	shard := &s[rand.Uint32()%uint32(len(s))]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	c := shard.routes[route]
	if c == nil {
		if shard.routes == nil {
			shard.routes = map[string]*counts{}
		}
		c = &counts{}
		shard.routes[route] = c
	}
	f(c)
}

// grab empties the shards, and keeps nobody waiting who counts.
func (s *shards) grab() []map[string]*counts {
	taken := make([]map[string]*counts, len(s))
	for i := range s {
		s[i].mu.Lock()
		taken[i], s[i].routes = s[i].routes, nil
		s[i].mu.Unlock()
	}
	return taken
}

// mergeInto adds each route's counters to those of sum, which shares nothing
// with them afterwards.
func mergeInto(sum, routes map[string]*counts) {
	for route, c := range routes {
		if sum[route] == nil {
			sum[route] = &counts{}
		}
		sum[route].merge(c)
	}
}

// adopt is mergeInto of counters that nobody else has.
func adopt(sum, routes map[string]*counts) {
	for route, c := range routes {
		if sum[route] == nil {
			sum[route] = c
		} else {
			sum[route].merge(c)
		}
	}
}

// Served counts an answer to a client: side is "legacy", "new" or "" for an
// answer of Quack's own.
func (r *Reports) Served(route, stage, side string, status int, latency time.Duration) {
	of := 2
	switch side {
	case "legacy":
		of = 0
	case "new":
		of = 1
	}
	class := min(max(status/100, 0), 5)
	answered := classOf(latency)
	r.shards.count(route, func(c *counts) {
		c.stands(stage)
		c.Stages.of(stage).served(of)
		c.Served[of][class]++
		c.AnsweredBy[of].add(answered, 1)
		c.AnsweredNS[of] += int64(latency)
	})
}

// Skip counts a request on a shadowed route that was not compared, for one of
// the reasons Skip…, or for [Unsupported] with a word.
func (r *Reports) Skip(route, reason string) {
	reason, word := splitSkip(reason)
	r.shards.count(route, func(c *counts) {
		c.skip(reason, 1)
		if word != "" {
			addReason(&c.Unsupported, word, 1)
		}
	})
}

// Unmarked counts a request at ramp that did not carry what its route knows
// clients by, and went to legacy for that.
func (r *Reports) Unmarked(route string) {
	r.shards.count(route, func(c *counts) { c.Unmarked++ })
}

// Fallback counts a request at ramp or verify that legacy answered in place of
// new, which was away.
func (r *Reports) Fallback(route, why string) {
	r.shards.count(route, func(c *counts) { c.fellBack(why, 1) })
}

// Drop counts a comparison that the full shadow queue turned away.
func (r *Reports) Drop(route string) {
	r.shards.count(route, func(c *counts) { c.Dropped++ })
}
