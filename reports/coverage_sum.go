package reports

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// facetOther is the value of facets that are too many to be told apart.
const facetOther = "other"

// facetSlots are how many facets of each kind a route has at most, facetOther
// included: 200 of all kinds. What a client makes up takes none of those of the
// statuses and methods.
var facetSlots = [facetKinds]int{facetStatus: 48, facetMethod: 12, facetQuery: 70, facetBody: 70}

const (
	// combinationsMax bounds the combinations of facets of a route; further ones
	// are counted as one of facetOther alone.
	combinationsMax = 256

	// coverageAge is how long a generation of coverage lasts. The last two are
	// kept, so that it speaks of the last 30 to 60 days.
	coverageAge = 30 * 24 * time.Hour
)

// facetKey is a facet of a route.
type facetKey struct {
	kind  facetKind
	value string
}

// combination are the facets of one request, by kind.
type combination [facetKinds]string

// beyond counts the requests whose combination is not told apart.
var beyond = combination{facetOther, facetOther, facetOther, facetOther}

// isOther reports whether some facet of the combination stands for many.
func (c combination) isOther() bool { return slices.Contains(c[:], facetOther) }

// facetCount counts the requests that have a facet, or a combination, by
// generation: this one, and the one before.
type facetCount struct {
	Live     [2]int64
	Compared [2]int64
	// First and Last are when the facet was seen, in Unix seconds; of a
	// combination they are not kept.
	First, Last int64
}

func (f *facetCount) live() int64     { return f.Live[0] + f.Live[1] }
func (f *facetCount) compared() int64 { return f.Compared[0] + f.Compared[1] }
func (f *facetCount) none() bool      { return f.live() == 0 && f.compared() == 0 }

func (f *facetCount) merge(g *facetCount) {
	for i := range f.Live {
		f.Live[i] += g.Live[i]
		f.Compared[i] += g.Compared[i]
	}
	if f.First == 0 || g.First != 0 && g.First < f.First {
		f.First = g.First
	}
	f.Last = max(f.Last, g.Last)
}

// age moves the counts on by so many generations.
func (f *facetCount) age(by int64) {
	for _, n := range []*[2]int64{&f.Live, &f.Compared} {
		*n = [2]int64{0, n[0]}
		if by > 1 {
			*n = [2]int64{}
		}
	}
}

// cover is what is known of the coverage of one route.
type cover struct {
	generation int64 // the latest: coverageAge since 1970
	facets     map[facetKey]*facetCount
	combos     map[combination]*facetCount
}

func newCover(now time.Time) *cover {
	return &cover{generation: generationOf(now), facets: map[facetKey]*facetCount{}, combos: map[combination]*facetCount{}}
}

func generationOf(t time.Time) int64 { return t.Unix() / int64(coverageAge/time.Second) }

// turn lets what is too old go.
func (c *cover) turn(generation int64) {
	by := generation - c.generation
	if by <= 0 {
		return
	}
	c.generation = generation
	for k, f := range c.facets {
		if f.age(by); f.none() {
			delete(c.facets, k)
		}
	}
	for k, f := range c.combos {
		if f.age(by); f.none() {
			delete(c.combos, k)
		}
	}
}

// add counts requests with these facets, in the latest generation.
func (c *cover) add(of combination, live, compared int64, now time.Time) {
	c.turn(generationOf(now))
	seen := now.Unix()
	one := facetCount{Live: [2]int64{live}, Compared: [2]int64{compared}, First: seen, Last: seen}
	for kind, value := range of {
		c.facet(facetKey{facetKind(kind), value}).merge(&one)
	}
	one.First, one.Last = 0, 0
	c.combo(of).merge(&one)
}

func (c *cover) facet(k facetKey) *facetCount {
	f := c.facets[k]
	if f == nil {
		f = &facetCount{}
		c.facets[k] = f
	}
	return f
}

// combo is the count of a combination, or of those beyond the bound.
func (c *cover) combo(of combination) *facetCount {
	f := c.combos[of]
	if f == nil && len(c.combos) >= combinationsMax {
		of = beyond
		f = c.combos[of]
	}
	if f == nil {
		f = &facetCount{}
		c.combos[of] = f
	}
	return f
}

// merge adds d, which it may change.
func (c *cover) merge(d *cover) {
	c.turn(d.generation)
	d.turn(c.generation)
	for k, f := range d.facets {
		c.facet(k).merge(f)
	}
	for k, f := range d.combos {
		c.combo(k).merge(f)
	}
	c.bound()
}

// bound folds the rarest facets of a kind that has too many.
func (c *cover) bound() {
	var held [facetKinds]int
	for k := range c.facets {
		held[k.kind]++
	}
	for kind := range held {
		for ; held[kind] > facetSlots[kind]; held[kind]-- {
			k, _ := c.rarest(facetKind(kind))
			c.fold(k)
		}
	}
}

// rarest is the facet of a kind that the fewest requests have, facetOther aside.
func (c *cover) rarest(kind facetKind) (rarest facetKey, live int64) {
	found := false
	for k, f := range c.facets {
		if k.kind != kind || k.value == facetOther {
			continue
		}
		if n := f.live(); !found || n < live || n == live && k.value < rarest.value {
			rarest, live, found = k, n, true
		}
	}
	return rarest, live
}

// fold counts a facet as facetOther from now on.
func (c *cover) fold(k facetKey) {
	f := c.facets[k]
	if f == nil || k.value == facetOther {
		return
	}
	delete(c.facets, k)
	c.facet(facetKey{k.kind, facetOther}).merge(f)
	for of, n := range c.combos {
		if of[k.kind] == k.value {
			delete(c.combos, of)
			of[k.kind] = facetOther
			c.combo(of).merge(n)
		}
	}
}

// covered are the live requests, and those of them whose facets were all
// compared. What is not told apart counts as covered only as far as it was
// compared itself.
func (c *cover) covered() (covered, live int64) {
	compared := c.compared()
	for of, n := range c.combos {
		live += n.live()
		all := !of.isOther()
		for kind, value := range of {
			all = all && compared[facetKey{facetKind(kind), value}] > 0
		}
		if all {
			covered += n.live()
			continue
		}
		covered += min(n.live(), n.compared())
	}
	return covered, live
}

// compared is how many requests with a facet were compared. For a media type
// alone those with any body of that type count: of bodies that are not copied no
// more is known.
func (c *cover) compared() map[facetKey]int64 {
	compared := make(map[facetKey]int64, len(c.facets))
	for k, f := range c.facets {
		compared[k] += f.compared()
		if media := (facetKey{facetBody, mediaOf(k.value)}); k.kind == facetBody && media != k {
			if _, known := c.facets[media]; known {
				compared[media] += f.compared()
			}
		}
	}
	return compared
}

// storedCover is a cover as JSON: combinations name facets by their place in the list.
type storedCover struct {
	Generation int64         `json:"generation"`
	Facets     []storedFacet `json:"facets"`
	Combos     []storedCombo `json:"combinations"`
}

type storedFacet struct {
	Kind     facetKind `json:"kind"`
	Value    string    `json:"value"`
	Live     [2]int64  `json:"live"`
	Compared [2]int64  `json:"compared"`
	First    int64     `json:"first"`
	Last     int64     `json:"last"`
}

type storedCombo struct {
	Of       [facetKinds]int `json:"of"`
	Live     [2]int64        `json:"live"`
	Compared [2]int64        `json:"compared"`
}

func (c *cover) encode() []byte {
	s := storedCover{Generation: c.generation}
	at := map[facetKey]int{}
	place := func(k facetKey) int {
		i, known := at[k]
		if !known {
			i = len(s.Facets)
			at[k] = i
			f := c.facets[k]
			if f == nil {
				f = &facetCount{}
			}
			s.Facets = append(s.Facets, storedFacet{k.kind, k.value, f.Live, f.Compared, f.First, f.Last})
		}
		return i
	}
	for k := range c.facets {
		place(k)
	}
	for of, n := range c.combos {
		combo := storedCombo{Live: n.Live, Compared: n.Compared}
		for kind, value := range of {
			combo.Of[kind] = place(facetKey{facetKind(kind), value})
		}
		s.Combos = append(s.Combos, combo)
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // numbers and strings always encode
	}
	return b
}

func decodeCover(route string, data []byte) (*cover, error) {
	var s storedCover
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("coverage of route %q: %w", route, err)
	}
	c := &cover{generation: s.Generation, facets: map[facetKey]*facetCount{}, combos: map[combination]*facetCount{}}
	for _, f := range s.Facets {
		if f.Kind >= facetKinds {
			return nil, fmt.Errorf("coverage of route %q: there is no kind of facet %d", route, f.Kind)
		}
		count := facetCount{f.Live, f.Compared, f.First, f.Last}
		if !count.none() {
			c.facets[facetKey{f.Kind, f.Value}] = &count
		}
	}
	for _, n := range s.Combos {
		var of combination
		for kind, i := range n.Of {
			if i < 0 || i >= len(s.Facets) {
				return nil, fmt.Errorf("coverage of route %q: there is no facet %d", route, i)
			}
			of[kind] = s.Facets[i].Value
		}
		c.combos[of] = &facetCount{Live: n.Live, Compared: n.Compared}
	}
	return c, nil
}
