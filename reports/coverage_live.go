package reports

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quackproxy/quack/compare"
)

// Asked counts the facets of a live request that a backend has answered with
// status. Its header and its body need only be what there is: bodied says that
// it has a body, of which q may have no copy. Never blocks on anything but
// memory; what it has seen before takes no allocation.
func (r *Reports) Asked(route string, status int, q compare.Request, bodied bool) {
	rc := r.coverage.of(route)
	s, query, body := shapesOf(q.Target, q.Header, q.Body, bodied)
	defer s.release()
	status = standsFor(status)
	if cell := rc.words.Load().cell(status, q.Method, query, body); cell != nil {
		cell.Add(1)
		return
	}
	r.coverage.count(rc, status, q.Method, query, body, true)
}

// covers counts the facets of a request that was compared.
func (r *Reports) covers(c *Comparison) {
	if c.Verdict == Error {
		return // nothing was compared
	}
	live := &c.Legacy.Answer
	if c.Live == "new" {
		live = &c.New.Answer
	}
	q := &c.Request
	s, query, body := shapesOf(q.Target, q.Header, q.Body, q.BodySize > 0)
	defer s.release()
	r.coverage.count(r.coverage.of(c.Route), standsFor(live.Status), q.Method, query, body, false)
}

// plainFacet reports whether a facet has no secret in it: names may be card
// numbers or tokens.
func (r *Reports) plainFacet(route, value string) bool {
	by := r.redactorOf(route)
	for name := range strings.FieldsFuncSeq(value, func(c rune) bool { return strings.ContainsRune("{},[]", c) }) {
		if by.Text(name) != name {
			return false
		}
	}
	return true
}

// coverage counts facets of live requests and of those compared, by route.
type coverage struct {
	plain     func(route, value string) bool // reports whether a facet may be kept: there is no secret in it
	sightings *sightings
	all       atomic.Bool // the next batch takes all: it is the last

	mu     sync.RWMutex
	routes map[string]*routeCover
}

func newCoverage(plain func(route, value string) bool) *coverage {
	return &coverage{plain: plain, sightings: newSightings(), routes: map[string]*routeCover{}}
}

// of is the coverage of a route.
func (c *coverage) of(route string) *routeCover {
	c.mu.RLock()
	rc := c.routes[route]
	c.mu.RUnlock()
	if rc != nil {
		return rc
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if rc = c.routes[route]; rc == nil {
		rc = newRouteCover(route, newCover(time.Now()))
		c.routes[route] = rc
	}
	return rc
}

// routeCover is the coverage of one route.
type routeCover struct {
	route string
	words atomic.Pointer[words] // what the live path knows; swapped under mu

	mu      sync.Mutex
	sum     *cover    // all, but for what is in cells
	delta   *cover    // of that, what the store does not have; nil when it has all
	since   time.Time // when the first of that was counted
	retired []retired
	changes int // of words since the last batch
}

// retired are cells of a facet that gave way. A request that has found one
// before may still count in it.
type retired struct {
	cell    *atomic.Int64
	of      combination
	batches int // since
}

func newRouteCover(route string, sum *cover) *routeCover {
	rc := &routeCover{route: route, sum: sum}
	rc.words.Store(wordsOf(sum))
	return rc
}

// cellKey is a combination by the numbers that words give its facets.
type cellKey [facetKinds]uint8

// words are the facets that the live path knows by number, and its counters of
// their combinations. It is not changed once it is in use, but for the counts.
type words struct {
	status [600]uint8 // numbers by status, 0 is not known
	number [facetKinds]map[string]uint8
	value  [facetKinds][]string // by number; the first is facetOther
	cells  map[cellKey]*atomic.Int64
}

// wordsOf numbers the facets of c.
func wordsOf(c *cover) *words {
	w := &words{cells: map[cellKey]*atomic.Int64{}}
	for kind := range w.number {
		w.number[kind] = map[string]uint8{facetOther: 0}
		w.value[kind] = []string{facetOther}
	}
	for k := range c.facets {
		if k.value != facetOther && len(w.value[k.kind]) < facetSlots[k.kind] {
			w.put(k.kind, uint8(len(w.value[k.kind])), k.value)
		}
	}
	return w
}

// put gives a value a number, of w before it is in use.
func (w *words) put(kind facetKind, number uint8, value string) {
	if int(number) == len(w.value[kind]) {
		w.value[kind] = append(w.value[kind], "")
	}
	w.value[kind][number] = value
	w.number[kind][value] = number
	if code, ok := statusCode(value); ok && kind == facetStatus {
		w.status[code] = number
	}
}

// cell counts the requests with these facets; nil when one of them, or their
// combination, is new.
func (w *words) cell(status int, method string, query, body []byte) *atomic.Int64 {
	var key cellKey
	if status < 0 || status >= len(w.status) {
		return nil
	}
	if key[facetStatus] = w.status[status]; key[facetStatus] == 0 {
		return nil
	}
	var known bool
	if key[facetMethod], known = w.number[facetMethod][method]; !known {
		return nil
	}
	if key[facetQuery], known = w.number[facetQuery][string(query)]; !known {
		return nil
	}
	if key[facetBody], known = w.number[facetBody][string(body)]; !known {
		return nil
	}
	return w.cells[key]
}

// of are the facets of a cell.
func (w *words) of(key cellKey) combination {
	var of combination
	for kind, number := range key {
		of[kind] = w.value[kind][number]
	}
	return of
}

// add counts requests. The caller holds mu.
func (rc *routeCover) add(of combination, live, compared int64, now time.Time) {
	rc.sum.add(of, live, compared, now)
	if rc.delta == nil {
		rc.delta, rc.since = newCover(now), now
	}
	rc.delta.add(of, live, compared, now)
}

// settle takes what the live path has counted over. The caller holds mu.
func (rc *routeCover) settle(now time.Time) {
	w := rc.words.Load()
	for key, cell := range w.cells {
		if n := cell.Swap(0); n > 0 {
			rc.add(w.of(key), n, 0, now)
		}
	}
	for _, r := range rc.retired {
		if n := r.cell.Swap(0); n > 0 {
			rc.add(r.of, n, 0, now)
		}
	}
}
