package reports

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quackproxy/quack/compare"
)

const (
	// matchesMax is how many comparisons without a difference are kept of a
	// route, the newest.
	matchesMax = 20

	// groupsMax is how many groups of differences a route may have; further
	// ones are counted together under compare.OtherPlaces.
	groupsMax = 1000

	// queueBytes bounds the bodies that wait to be written.
	queueBytes = 64 << 20
)

// ringKey is whose newest comparisons are kept: matches and errors, which are
// in no group.
type ringKey struct {
	route   string
	verdict Verdict
}

// waiting is a comparison that is to be written for as long as some group or
// ring wants it.
type waiting struct {
	c     *Comparison
	size  int64
	wants int
	// How many places differ: that count, and with those that were forgiven.
	places, allPlaces int64
}

// occurrence is a difference of a waiting comparison: in its list of
// differences or of forgiven ones.
type occurrence struct {
	in       *waiting
	forgiven bool
	index    int
}

// gathered are the samples that have come of one group or ring since the last
// batch.
type gathered struct {
	oldest []occurrence
	newest []occurrence // a ring that next points into
	next   int
	room   room
}

// room is how many occurrences of a group a batch takes at most.
type room struct{ oldest, newest int }

// tally is what Record has seen since the last batch, but for the counters of
// routes.
type tally struct {
	samplesMax int
	queueMax   int

	mu          sync.Mutex
	counts      map[groupKey]*groupCount
	groups      map[groupKey]*gathered
	rings       map[ringKey]*gathered
	queue       []*waiting // in order of arrival; those that nobody wants any more included
	queued      int        // of them, those that are wanted
	bytes       int64      // of the bodies of those
	lost        int64      // comparisons turned away since the start
	takenGroups map[groupKey]stock
	takenRings  map[ringKey]stock
	perRoute    map[string]int    // groups known of a route
	seen        map[groupKey]bool // of the comparison that is being added
	refused     bool              // likewise: there was no place for it in the queue
}

// stock is what batches took of a group or ring since the start.
type stock struct {
	n  int       // samples, up to samplesMax: while there are few, more are welcome
	at time.Time // the last
}

func newTally(samplesMax, queueMax int) *tally {
	return &tally{
		samplesMax: samplesMax, queueMax: queueMax,
		counts: map[groupKey]*groupCount{}, groups: map[groupKey]*gathered{}, rings: map[ringKey]*gathered{},
		takenGroups: map[groupKey]stock{}, takenRings: map[ringKey]stock{}, perRoute: map[string]int{}, seen: map[groupKey]bool{},
	}
}

// know notes a group that the store has.
func (t *tally) know(k groupKey) {
	if _, known := t.takenGroups[k]; !known {
		t.takenGroups[k] = stock{}
		t.perRoute[k.route]++
	}
}

// admission says what the queue has room for.
type admission int

const (
	open   admission = iota
	full             // a comparison only gets in for another of its group
	closed           // none gets in
)

func (t *tally) admission(size int64) admission {
	switch {
	case t.bytes+size > 2*queueBytes:
		return closed
	case t.queued >= t.queueMax || t.bytes > queueBytes:
		return full
	}
	return open
}

// add counts the differences of a comparison and queues it where a group or a
// ring wants it. The caller has mu.
func (t *tally) add(c *Comparison) {
	w := &waiting{c: c, size: int64(len(c.Request.Body) + len(c.Legacy.Answer.Body) + len(c.New.Answer.Body))}
	w.places = int64(len(c.Differences))
	w.allPlaces = w.places + forgivenPlaces(c)
	admission := t.admission(w.size)
	t.refused = false
	if c.Verdict == Match || c.Verdict == Error {
		t.offer(t.ring(ringKey{c.Route, c.Verdict}), occurrence{in: w}, admission)
	}
	clear(t.seen)
	for i := range c.Differences {
		d := &c.Differences[i]
		t.occurs(groupKey{c.Route, d.Path, string(d.Kind), string(d.Verdict), ""}, occurrence{w, false, i}, admission)
	}
	for i := range c.Forgiven {
		f := &c.Forgiven[i]
		n := t.occurs(groupKey{c.Route, f.Path, string(f.Kind), VerdictForgiven, f.Reason}, occurrence{w, true, i}, admission)
		n.drift.Merge(f.Drift)
	}
	switch {
	case w.wants > 0:
		t.queue = append(t.queue, w)
		t.queued++
		t.bytes += w.size
		t.compact()
	case t.refused:
		t.lost++
	}
}

// compact forgets those that left, when they are many.
func (t *tally) compact() {
	if len(t.queue) > 64 && len(t.queue) > 4*t.queued {
		t.queue = slices.DeleteFunc(t.queue, func(w *waiting) bool { return w.wants == 0 })
	}
}

// occurs counts a group once per comparison.
func (t *tally) occurs(k groupKey, o occurrence, a admission) *groupCount {
	if _, known := t.takenGroups[k]; !known {
		if t.perRoute[k.route] >= groupsMax {
			k.path = compare.OtherPlaces
			if !strings.HasPrefix(k.reason, "rule ") {
				k.reason = "" // rules are few, and to be told apart
			}
		}
		t.know(k)
	}
	n := t.counts[k]
	if t.seen[k] {
		return n // which it has made, or an earlier one
	}
	t.seen[k] = true
	at := o.in.c.At
	if n == nil {
		n = &groupCount{first: at, last: at}
		t.counts[k] = n
	}
	n.add(&groupCount{count: 1, places: o.places(), first: at, last: at})
	g := t.groups[k]
	if g == nil {
		g = &gathered{room: t.room(t.takenGroups[k], t.samplesMax, k.verdict != VerdictForgiven, true)}
		t.groups[k] = g
	}
	t.offer(g, o, a)
	return n
}

func (t *tally) ring(k ringKey) *gathered {
	g := t.rings[k]
	if g == nil {
		most := matchesMax
		if k.verdict == Error {
			most = t.samplesMax
		}
		g = &gathered{room: t.room(t.takenRings[k], most, k.verdict == Error, false)}
		t.rings[k] = g
	}
	return g
}

// While busy comparisons wait or more, no sample is taken of what has enough and
// does not differ, or is forgiven, unless the newest is older than restful.
const (
	busy    = 64
	restful = 10 * time.Second
)

// room is little once there are enough samples: redacting and packing
// comparisons that soon make way for others is work for nothing.
func (t *tally) room(of stock, most int, differs, oldest bool) room {
	switch {
	case of.n >= most && differs:
		return room{newest: min(4, most)}
	case of.n >= most && t.queued >= busy && time.Since(of.at) < restful:
		return room{}
	case of.n >= most:
		return room{newest: 1}
	case oldest:
		return room{oldest: most / 2, newest: most - most/2}
	}
	return room{newest: most}
}

// offer gives an occurrence to a group, which may let another go for it.
func (t *tally) offer(g *gathered, o occurrence, a admission) {
	switch {
	case a == closed:
		t.refused = t.refused || g.room != room{}
		return
	case len(g.oldest) < g.room.oldest && a == open:
		g.oldest = append(g.oldest, o)
	case len(g.newest) < g.room.newest && a == open:
		g.newest = append(g.newest, o)
	case len(g.newest) > 0:
		t.leave(g.newest[g.next].in)
		g.newest[g.next] = o
		g.next = (g.next + 1) % len(g.newest)
	default:
		t.refused = t.refused || g.room != room{}
		return
	}
	o.in.wants++
}

// leave lets a comparison go that a group no longer wants.
func (t *tally) leave(w *waiting) {
	if w.wants--; w.wants == 0 {
		w.c = nil
		t.queued--
		t.bytes -= w.size
	}
}

// batch is what a flush takes.
type batch struct {
	counts map[groupKey]*groupCount
	groups map[groupKey]*gathered
	rings  map[ringKey]*gathered
	queue  []*waiting
}

// takeCounts takes what was counted and leaves the samples. The caller has mu.
func (t *tally) takeCounts() map[groupKey]*groupCount {
	for k, n := range t.counts {
		if g := t.groups[k]; g != nil {
			n.example = g.example()
		}
	}
	taken := t.counts
	t.counts = map[groupKey]*groupCount{}
	return taken
}

// example is the first that waits, none when none does.
func (g *gathered) example() example {
	for _, list := range [][]occurrence{g.oldest, g.newest} {
		if len(list) > 0 {
			return example{list[0].in.c, list[0]}
		}
	}
	return example{}
}

// take takes everything. The caller has mu.
func (t *tally) take() batch {
	b := batch{counts: t.takeCounts(), groups: t.groups, rings: t.rings}
	for _, w := range t.queue {
		if w.wants > 0 {
			b.queue = append(b.queue, w)
		}
	}
	now := time.Now()
	for k, g := range t.groups {
		if n := len(g.oldest) + len(g.newest); n > 0 {
			t.takenGroups[k] = stock{min(t.takenGroups[k].n+n, t.samplesMax), now}
		}
	}
	for k, g := range t.rings {
		if n := len(g.newest); n > 0 {
			t.takenRings[k] = stock{min(t.takenRings[k].n+n, max(t.samplesMax, matchesMax)), now}
		}
	}
	t.groups, t.rings = map[groupKey]*gathered{}, map[ringKey]*gathered{}
	t.queue, t.queued, t.bytes = nil, 0, 0
	return b
}

// state is what waits, and what was turned away.
func (t *tally) state() (queued int, bytes, lost int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.queued, t.bytes, t.lost
}
