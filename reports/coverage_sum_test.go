package reports

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var sometime = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func plainRequest(query string) combination { return combination{"200", "GET", query, ""} }

// TestCoverageForgets: after one generation all is still known, after two it is gone.
func TestCoverageForgets(t *testing.T) {
	c := newCover(sometime)
	c.add(plainRequest("a"), 3, 1, sometime)
	later := sometime.Add(coverageAge)
	c.add(plainRequest("b"), 1, 0, later)
	covered, live := c.covered()
	if a := c.facets[facetKey{facetQuery, "a"}]; a == nil || a.live() != 3 || a.compared() != 1 || covered != 3 || live != 4 {
		t.Errorf("after a generation: %+v, %d of %d covered", a, covered, live)
	}
	c.turn(generationOf(later.Add(coverageAge)))
	covered, live = c.covered()
	if _, known := c.facets[facetKey{facetQuery, "a"}]; known || covered != 0 || live != 1 || len(c.combos) != 1 {
		t.Errorf("after two: %d of %d covered, a is known: %v", covered, live, known)
	}
	c.turn(generationOf(later.Add(5 * coverageAge)))
	if _, live = c.covered(); live != 0 || len(c.facets) != 0 {
		t.Errorf("in the end: %d live, %d facets", live, len(c.facets))
	}
}

// TestCoverageOfTwoGenerationsMerges: what two processes have counted is added by
// its generation, whichever of them is ahead.
func TestCoverageOfTwoGenerationsMerges(t *testing.T) {
	later := sometime.Add(coverageAge)
	old, young := newCover(sometime), newCover(later)
	old.add(plainRequest("a"), 2, 0, sometime)
	young.add(plainRequest("a"), 3, 1, later)
	again := func(c *cover) *cover {
		d, err := decodeCover("show", c.encode())
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for what, pair := range map[string][2]*cover{"young into old": {again(old), again(young)}, "old into young": {again(young), again(old)}} {
		pair[0].merge(pair[1])
		f := pair[0].facets[facetKey{facetQuery, "a"}]
		if f.Live != [2]int64{3, 2} || f.Compared != [2]int64{1, 0} || f.First != sometime.Unix() || f.Last != later.Unix() {
			t.Errorf("%s: %+v", what, f)
		}
		if n := pair[0].combos[plainRequest("a")]; n.Live != [2]int64{3, 2} {
			t.Errorf("%s: combination %+v", what, n)
		}
	}
}

// TestCoverageIsBounded: whatever is added and merged, a route has at most 200
// facets and 257 combinations, and no request is lost or counted twice.
func TestCoverageIsBounded(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	sum, total := newCover(sometime), int64(0)
	for range 30 {
		part := newCover(sometime)
		for range 200 {
			of := combination{fmt.Sprint(100 + random.IntN(80)), "GET", fmt.Sprint("q", random.IntN(150)), fmt.Sprint("text/b", random.IntN(150))}
			n := int64(random.IntN(5))
			part.add(of, n, n/2, sometime)
			total += n
		}
		sum.merge(part)
	}
	var held [facetKinds]int
	var live [facetKinds]int64
	for k, f := range sum.facets {
		held[k.kind]++
		live[k.kind] += f.live()
	}
	for kind, n := range held {
		if n > facetSlots[kind] || live[kind] != total {
			t.Errorf("%s: %d facets, %d requests; want at most %d, and %d", facetNames[kind], n, live[kind], facetSlots[kind], total)
		}
	}
	covered, all := sum.covered()
	if len(sum.combos) > combinationsMax+1 || all != total || covered > all {
		t.Errorf("%d combinations, %d requests, %d covered; want at most %d, and %d", len(sum.combos), all, covered, combinationsMax+1, total)
	}
	if size := len(sum.encode()); size > 64<<10 {
		t.Errorf("%d bytes in the store", size)
	}
	slots := 0
	for _, n := range facetSlots {
		slots += n
	}
	if slots != 200 {
		t.Errorf("%d facets in all", slots)
	}
}

func TestDamagedCoverage(t *testing.T) {
	for data, says := range map[string]string{
		`{`:                                    `coverage of route "show": unexpected end`,
		`{"facets":[{"kind":9,"live":[1,0]}]}`: "no kind of facet 9",
		`{"facets":[],"combinations":[{"of":[1]}]}`: "no facet 1",
	} {
		if _, err := decodeCover("show", []byte(data)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", data, err, says)
		}
	}
}
