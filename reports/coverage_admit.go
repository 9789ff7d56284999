package reports

import (
	"hash/maphash"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// admitAfter is how often a facet is to be seen before it takes one of the
	// places that are not free for all, and is told apart.
	admitAfter = 3

	// wordChanges bounds how often the words of a route change between two
	// batches: each time they are copied.
	wordChanges = 100

	// facetTexts bounds the texts of the facets of a route in bytes; what comes
	// beyond has to take another's place.
	facetTexts = 16 << 10
)

// count counts a request with facets that words do not have, or one that was
// compared.
func (c *coverage) count(rc *routeCover, status int, method string, query, body []byte, live bool) {
	now := time.Now()
	rc.mu.Lock()
	defer rc.mu.Unlock()
	var key cellKey
	key[facetStatus] = c.number(rc, facetStatus, statusFacet(status), live, now)
	key[facetMethod] = c.number(rc, facetMethod, []byte(methodOf(method)), live, now)
	key[facetQuery] = c.number(rc, facetQuery, query, live, now)
	key[facetBody] = c.number(rc, facetBody, body, live, now)
	w := rc.words.Load()
	switch cell := w.cells[key]; {
	case !live:
		rc.add(w.of(key), 0, 1, now)
	case cell != nil:
		cell.Add(1)
	default:
		rc.add(w.of(key), 1, 0, now)
		if len(w.cells) < combinationsMax && rc.changes < wordChanges {
			rc.changes++
			w = w.clone()
			w.cells[key] = &atomic.Int64{}
			rc.words.Store(w)
		}
	}
}

// number is the number of a facet, 0 when it is not told apart. The caller holds mu.
func (c *coverage) number(rc *routeCover, kind facetKind, value []byte, live bool, now time.Time) uint8 {
	w := rc.words.Load()
	if n, known := w.number[kind][string(value)]; known {
		return n
	}
	if rc.changes >= wordChanges {
		return 0
	}
	next, most := len(w.value[kind]), facetSlots[kind]
	full := next >= most || w.size()+len(value) > facetTexts
	free := kind == facetStatus || kind == facetMethod || next <= most/2 || rc.sum.facets[facetKey{kind, string(value)}] != nil
	var seen int64
	if full || !free {
		if seen = c.sightings.of(rc.route, kind, value, live); seen < admitAfter {
			return 0
		}
	}
	rc.changes++
	if !c.plain(rc.route, string(value)) {
		return 0
	}
	if full {
		var gone bool
		if next, gone = rc.giveWay(kind, seen, now); !gone {
			return 0
		}
	}
	w = rc.words.Load().clone()
	w.put(kind, uint8(next), string(value))
	rc.words.Store(w)
	return uint8(next)
}

// giveWay makes room for a facet that was seen so often, if another was seen
// less, and returns its number. What was counted of that one is facetOther's now.
func (rc *routeCover) giveWay(kind facetKind, seen int64, now time.Time) (number int, gone bool) {
	rc.settle(now)
	w := rc.words.Load()
	least := seen
	for n, value := range w.value[kind] {
		live := int64(0)
		if f := rc.sum.facets[facetKey{kind, value}]; f != nil {
			live = f.live()
		}
		if n > 0 && live < least {
			number, least = n, live
		}
	}
	if number == 0 {
		return 0, false
	}
	value := w.value[kind][number]
	w = w.clone()
	for key, cell := range w.cells {
		if int(key[kind]) == number {
			delete(w.cells, key)
			of := w.of(key)
			of[kind] = facetOther
			rc.retired = append(rc.retired, retired{cell: cell, of: of})
		}
	}
	delete(w.number[kind], value)
	if code, ok := statusCode(value); ok && kind == facetStatus {
		w.status[code] = 0
	}
	rc.words.Store(w)
	rc.sum.fold(facetKey{kind, value})
	if rc.delta != nil {
		rc.delta.fold(facetKey{kind, value})
	}
	return number, true
}

// clone is a copy that shares nothing but the counters.
func (w *words) clone() *words {
	c := &words{status: w.status, cells: maps.Clone(w.cells)}
	for kind := range w.number {
		c.number[kind], c.value[kind] = maps.Clone(w.number[kind]), slices.Clone(w.value[kind])
	}
	return c
}

// size is the bytes of all values.
func (w *words) size() int {
	size := 0
	for _, values := range w.value {
		for _, v := range values {
			size += len(v)
		}
	}
	return size
}

// statusCode is a status as a number, if it is one that words have room for.
func statusCode(value string) (code int, ok bool) {
	code, err := strconv.Atoi(value)
	return code, err == nil && code > 0 && code < len(words{}.status)
}

func statusFacet(status int) []byte {
	if _, ok := statusCode(strconv.Itoa(status)); !ok {
		return []byte(facetOther)
	}
	return strconv.AppendInt(nil, int64(status), 10)
}

// sightings remembers how often facets were seen that are not told apart, in a
// table of a fixed size. Where four others stand already, one that is seen takes a
// sighting from each (Misra and Gries 1982): those that come only once wear each
// other out, and what is more than a fifth of what comes to its place stays.
type sightings struct {
	seed maphash.Seed

	mu   sync.Mutex
	sets [1024][4]sighting
}

type sighting struct {
	hash uint64
	n    uint8
}

func newSightings() *sightings { return &sightings{seed: maphash.MakeSeed()} }

// of is how often a facet was seen, up to 255; with again once more than before.
func (s *sightings) of(route string, kind facetKind, value []byte, again bool) int64 {
	hash := s.place(route, kind, value)
	s.mu.Lock()
	defer s.mu.Unlock()
	set := &s.sets[hash%uint64(len(s.sets))]
	var free *sighting
	for i := range set {
		if e := &set[i]; e.n == 0 {
			free = e
		} else if e.hash == hash {
			if again && e.n < 255 {
				e.n++
			}
			return int64(e.n)
		}
	}
	switch {
	case !again:
		return 0
	case free != nil:
		*free = sighting{hash, 1}
		return 1
	}
	for i := range set {
		set[i].n--
	}
	return 0
}

func (s *sightings) place(route string, kind facetKind, value []byte) uint64 {
	return maphash.Bytes(s.seed, value)*31 + maphash.String(s.seed, route)*7 + uint64(kind)
}
