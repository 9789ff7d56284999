package reports

import (
	"time"

	"github.com/quackproxy/quack/compare"
)

// Filter narrows what is read.
type Filter struct {
	Route string // "" = all

	// Since leaves out what was counted before; zero = all. Counters are kept
	// by the minute for three hours, by the hour for eight days and by the day
	// for 400 days: the minute, hour or day that Since is in counts whole.
	Since time.Time

	// SinceMark counts from the mark of this name on, exactly; not with Since. The
	// New of a Group is by this mark, and by the newest one without.
	SinceMark string

	Path    string  // differences, and comparisons that have one, only
	Kind    string  // differences, and comparisons that have one, only
	Group   string  // the ID of a Group: differences, and comparisons that have it, only
	Verdict Verdict // comparisons only
	Limit   int     // default 100; below 0 is no limit
	After   string  // differences and comparisons: the cursor that the page before came with
	Order   Order   // differences only
}

func (f Filter) limit() int {
	if f.Limit == 0 {
		return 100
	}
	return f.Limit // SQLite takes a negative LIMIT for none
}

// RouteReport is the report of one route.
type RouteReport struct {
	Name       string           `json:"name"`
	Stage      string           `json:"stage"`   // where it stood when it was last counted; admin fills in today's
	Percent    float64          `json:"percent"` // filled in by admin
	Served     int64            `json:"served"`
	Compared   int64            `json:"compared"` // matched + mismatched + transient + noise
	Matched    int64            `json:"matched"`
	Mismatched int64            `json:"mismatched"`
	Transient  int64            `json:"transient"`
	Noise      int64            `json:"noise"`
	Forgiven   int64            `json:"forgiven"` // differences, not comparisons
	Errors     int64            `json:"errors"`   // not among compared
	Skipped    map[string]int64 `json:"skipped"`
	Dropped    int64            `json:"dropped"`
	// Unsupported are those skipped as unsupported for which the adapter has said
	// why, by its word: "too-many-statements". At most 50 words, others are
	// "other".
	Unsupported map[string]int64 `json:"skipped_unsupported,omitempty"`
	// Unchecked are mismatches that no re-check has confirmed: of writes, of what
	// is not in the share that is re-checked, and where a side could not be asked.
	Unchecked int64 `json:"unchecked,omitempty"`
	// Suspect are comparisons that may be an intermittent fault of new or a write
	// between the two calls. Most are transient.
	Suspect int64 `json:"suspect,omitempty"`
	// Unverified are matches with ids that were forgiven as generated where legacy
	// has not been seen to generate them.
	Unverified int64 `json:"unverified,omitempty"`
	// Unmarked are requests at ramp without what their client is known by (sticky);
	// they went to legacy.
	Unmarked int64 `json:"unmarked,omitempty"`
	// Fallbacks are requests that legacy answered in place of new, which was away,
	// by why: unreachable, lost, breaker or no-instance.
	Fallbacks     map[string]int64 `json:"fallbacks,omitempty"`
	MismatchUpper float64          `json:"mismatch_upper95"` // exact binomial (Clopper–Pearson, one-sided), 0 to 1; 1 when nothing was compared
	Legacy        Latency          `json:"legacy"`
	New           Latency          `json:"new"`
	Answered      Latency          `json:"answered"`           // of all answers to clients
	Leak          string           `json:"leak,omitempty"`     // filled in by admin when latched
	Readiness     Readiness        `json:"readiness,omitzero"` // filled in by admin

	// Statuses are compared requests by the statuses of both sides, the most
	// frequent first; at most 64 pairs.
	Statuses []StatusPair `json:"statuses,omitempty"`
	// First are compared requests by the side that ran first: "legacy", "new".
	First map[string]int64 `json:"first,omitempty"`
	// Ratio is new's latency divided by legacy's of the same compared request:
	// below 1 new is faster.
	Ratio Quantiles `json:"ratio,omitzero"`
	// WritesCompared are compared requests whose writes were compared, by level:
	// WritesCounted, WritesDecoded.
	WritesCompared map[string]int64 `json:"writes_compared,omitempty"`
	// TimedOut are those skipped or errors where time ran out: of Skipped those
	// with the reasons timeout, budget and stale, and of Errors those that a
	// timeout caused.
	TimedOut int64 `json:"timed_out,omitempty"`
	// ByStage is what was counted in each stage that the route has been in, in the
	// order of a migration.
	ByStage []StageCount `json:"by_stage,omitempty"`
}

// Latency are quantiles in milliseconds, at most 5 % off; of compared
// requests, from request fully sent to end of answer, unless stated.
type Latency struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// VerdictForgiven is the verdict of a Group of differences that did not count.
const VerdictForgiven = "forgiven"

// Group is a difference grouped by (route, path, kind, verdict) and, where it
// was forgiven, by the reason.
type Group struct {
	ID        string    `json:"id"` // the same in every store: 16 letters and digits
	Route     string    `json:"route"`
	Path      string    `json:"path"` // compare.OtherPlaces for those beyond 1,000 groups of a route
	Kind      string    `json:"kind"`
	Verdict   string    `json:"verdict"` // mismatch, transient, noise, forgiven
	Reason    string    `json:"reason,omitempty"`
	Count     int64     `json:"count"` // comparisons that have it, in however many places
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	New       bool      `json:"new"` // not seen before the mark of Filter.SinceMark, else the newest; false without a mark
	// Drift is how far forgiven timestamps are apart, new minus legacy, one for
	// each place and comparison; of all time, whatever Filter.Since says.
	Drift compare.Drift `json:"drift,omitzero"`
	// Recent are the comparisons that had it in the last 24 hours, by the hour, the
	// oldest first; the last is the hour that runs. Whatever Filter.Since says.
	Recent [24]int64 `json:"recent"`
	// Share is Count of what the route has compared in the same time, 0 to 1.
	Share float64 `json:"share"`
	// Weight is how many places differ on average in the comparisons that have it:
	// 1 is this field alone, much more another answer altogether. At most 500 are
	// counted of one comparison; what was forgiven is counted only where the group
	// is of what was forgiven. Of all time; 0 when only older versions have seen it.
	Weight  float64  `json:"weight"`
	Known   *Known   `json:"known,omitempty"` // somebody knows of it
	Samples []Sample `json:"samples"`         // oldest first; the oldest and the newest are kept longest
}

// CountsAgainst reports whether a group speaks against its route until somebody
// knows of it.
func (g Group) CountsAgainst() bool {
	return g.Verdict == string(Mismatch) || g.Verdict == string(Noise)
}

// Sample is one occurrence.
type Sample struct {
	ID     string    `json:"id"` // of the comparison
	At     time.Time `json:"at"`
	Place  string    `json:"place"`
	Legacy string    `json:"legacy"`
	New    string    `json:"new"`
}
