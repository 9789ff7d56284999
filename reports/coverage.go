package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/quackproxy/quack/internal/wording"
)

// Facet is a respect in which requests of a route differ, and how often it was
// seen in live requests and in compared ones of the last 30 to 60 days.
type Facet struct {
	// Kind is "status" (of the live answer; a 304 counts as the 200 that it stands
	// for), "method", "query" or "body".
	Kind string `json:"kind"`
	// Value is the status or the method; of a query the sorted names of its
	// parameters ("page,sort", "" for none); of a body its media type with the
	// names of its members two levels deep, "" for none:
	// "application/json{id,items[]{price},tags[]}". The media type alone stands for
	// bodies that were not copied. Names that look like data are "*". "other" are
	// those beyond 200 facets of a route, and those that were seen once or twice
	// when many are known.
	Value     string    `json:"value"`
	Live      int64     `json:"live"`     // requests that a backend has answered
	Compared  int64     `json:"compared"` // of any verdict but error
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
}

// String is "query:page,sort".
func (f Facet) String() string { return f.Kind + ":" + f.Value }

// RouteCoverage says which of the live requests of a route comparisons speak for.
type RouteCoverage struct {
	Route  string  `json:"route"`
	Facets []Facet `json:"facets"` // by kind, the most frequent first
	// Live are the live requests that facets were counted of; Covered is the share
	// of them, 0 to 1, all of whose facets were compared at least once, 0 without
	// any.
	Live    int64   `json:"live"`
	Covered float64 `json:"covered"`
	// NeverHit: no client has ever asked for the route.
	NeverHit bool `json:"never_hit"`
	// WritesNeverCompared: the route writes, and what it writes was never compared.
	// Filled in by admin, which knows what writes.
	WritesNeverCompared bool `json:"writes_never_compared"`
}

// Unseen are the facets of live requests that no comparison has seen.
func (c RouteCoverage) Unseen() []Facet {
	return slices.DeleteFunc(slices.Clone(c.Facets), func(f Facet) bool { return f.Live == 0 || f.Compared > 0 })
}

// CoveredText is Covered in percent, never more than it is.
func (c RouteCoverage) CoveredText() string { return wording.PercentDown(c.Covered) }

// Coverage is that of a route, or of all that something was counted of, sorted
// by name. It only reads memory.
func (r *Reports) Coverage(route string) []RouteCoverage {
	now := time.Now()
	served := r.everServed()
	var list []RouteCoverage
	for _, rc := range r.coverage.list(route) {
		c := rc.report(now)
		c.NeverHit = !served[c.Route]
		r.rereadFacets(&c)
		list = append(list, c)
	}
	counted := list
	for name := range served {
		_, known := slices.BinarySearchFunc(counted, name, func(c RouteCoverage, name string) int { return strings.Compare(c.Route, name) })
		if !known && (route == "" || route == name) {
			list = append(list, RouteCoverage{Route: name, Facets: []Facet{}})
		}
	}
	slices.SortFunc(list, func(a, b RouteCoverage) int { return strings.Compare(a.Route, b.Route) })
	return list
}

// everServed are the routes that clients have had answers of.
func (r *Reports) everServed() map[string]bool {
	served := map[string]bool{}
	note := func(routes map[string]*counts) {
		for route, c := range routes {
			if c.Served != [3][6]int64{} {
				served[route] = true
			}
		}
	}
	r.mu.Lock() // settle moves from the shards to the totals under it
	defer r.mu.Unlock()
	note(r.totals)
	for i := range r.shards {
		shard := &r.shards[i]
		shard.mu.Lock()
		note(shard.routes)
		shard.mu.Unlock()
	}
	return served
}

// report is what is told of a route.
func (rc *routeCover) report(now time.Time) RouteCoverage {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.settle(now)
	rc.sum.turn(generationOf(now))
	c := RouteCoverage{Route: rc.route, Facets: []Facet{}}
	compared := rc.sum.compared()
	for k, f := range rc.sum.facets {
		c.Facets = append(c.Facets, Facet{
			Kind: facetNames[k.kind], Value: k.value, Live: f.live(), Compared: compared[k],
			FirstSeen: time.Unix(f.First, 0).UTC(), LastSeen: time.Unix(f.Last, 0).UTC(),
		})
	}
	slices.SortFunc(c.Facets, func(a, b Facet) int {
		return cmp.Or(cmp.Compare(kindRank(a.Kind), kindRank(b.Kind)), cmp.Compare(b.Live, a.Live), cmp.Compare(a.Value, b.Value))
	})
	covered, live := rc.sum.covered()
	if c.Live = live; live > 0 {
		c.Covered = float64(covered) / float64(live)
	}
	return c
}

func kindRank(kind string) int { return slices.Index(facetNames[:], kind) }

// mediaOf is the media type of a body's facet.
func mediaOf(body string) string {
	if i := strings.IndexAny(body, "{["); i >= 0 {
		return body[:i]
	}
	return strings.TrimSuffix(body, shapeCut)
}
