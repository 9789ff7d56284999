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

// gathered is what has come of one group or ring since the last batch.
type gathered struct {
	count       int64
	places      int64 // that differed in those comparisons
	first, last time.Time
	drift       compare.Drift
	oldest      []occurrence
	newest      []occurrence // a ring that next points into
	next        int
	room        room
}

// room is how many occurrences of a group a batch takes at most.
type room struct{ oldest, newest int }

// tally is what Record has seen since the last batch, but for the counters.
type tally struct {
	samplesMax int
	queueMax   int

	mu     sync.Mutex
	groups map[groupKey]*gathered
	rings  map[ringKey]*gathered
	queue  []*waiting // in order of arrival; those that nobody wants any more included
	queued int        // of them, those that are wanted
	bytes  int64      // of the bodies of those
	lost   int64      // comparisons turned away since the start
	// taken counts what batches took of a group or ring since the start, up to
	// samplesMax: while there are few samples, more are welcome.
	takenGroups map[groupKey]int
	takenRings  map[ringKey]int
	perRoute    map[string]int    // groups known of a route
	seen        map[groupKey]bool // of the comparison that is being added
}

func newTally(samplesMax, queueMax int) *tally {
	return &tally{
		samplesMax: samplesMax, queueMax: queueMax,
		groups: map[groupKey]*gathered{}, rings: map[ringKey]*gathered{},
		takenGroups: map[groupKey]int{}, takenRings: map[ringKey]int{}, perRoute: map[string]int{}, seen: map[groupKey]bool{},
	}
}

// know notes a group that the store has.
func (t *tally) know(k groupKey) {
	if _, known := t.takenGroups[k]; !known {
		t.takenGroups[k] = 0
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
// ring wants it.
func (t *tally) add(c *Comparison) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := &waiting{c: c, size: int64(len(c.Request.Body) + len(c.Legacy.Answer.Body) + len(c.New.Answer.Body))}
	w.places = int64(len(c.Differences))
	w.allPlaces = w.places + forgivenPlaces(c)
	admission := t.admission(w.size)
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
		g := t.occurs(groupKey{c.Route, f.Path, string(f.Kind), VerdictForgiven, f.Reason}, occurrence{w, true, i}, admission)
		g.drift.Merge(f.Drift)
	}
	switch {
	case w.wants > 0:
		t.queue = append(t.queue, w)
		t.queued++
		t.bytes += w.size
		t.compact()
	case admission != open:
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
func (t *tally) occurs(k groupKey, o occurrence, a admission) *gathered {
	if _, known := t.takenGroups[k]; !known {
		if t.perRoute[k.route] >= groupsMax {
			k.path = compare.OtherPlaces
			if !strings.HasPrefix(k.reason, "rule ") {
				k.reason = "" // rules are few, and to be told apart
			}
		}
		t.know(k)
	}
	g := t.groups[k]
	if t.seen[k] {
		return g // which it has made, or an earlier one
	}
	t.seen[k] = true
	if g == nil {
		g = &gathered{room: t.room(t.takenGroups[k], t.samplesMax, k.verdict != VerdictForgiven, true)}
		t.groups[k] = g
	}
	g.count++
	g.places += o.places()
	if at := o.in.c.At; g.count == 1 {
		g.first, g.last = at, at
	} else if at.Before(g.first) {
		g.first = at
	} else if at.After(g.last) {
		g.last = at
	}
	t.offer(g, o, a)
	return g
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

// room is little once there are enough samples: redacting and packing
// comparisons that soon make way for others is work for nothing.
func (t *tally) room(taken, most int, differs, oldest bool) room {
	switch {
	case taken >= most && differs:
		return room{newest: min(4, most)}
	case taken >= most:
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
	groups map[groupKey]*gathered
	rings  map[ringKey]*gathered
	queue  []*waiting
}

func (t *tally) take() batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := batch{groups: t.groups, rings: t.rings}
	for _, w := range t.queue {
		if w.wants > 0 {
			b.queue = append(b.queue, w)
		}
	}
	for k, g := range t.groups {
		t.takenGroups[k] = min(t.takenGroups[k]+len(g.oldest)+len(g.newest), t.samplesMax)
	}
	for k, g := range t.rings {
		t.takenRings[k] = min(t.takenRings[k]+len(g.newest), max(t.samplesMax, matchesMax))
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
