package reports

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/wording"
)

// The bounds of trying a rule.
const (
	tryMax     = 5000             // stored comparisons that are looked at, the newest
	tryFor     = 20 * time.Second // after which no further ones are looked at
	tryPage    = 50               // that are in memory at once
	tryPlaces  = 200              // places that are listed
	trySamples = 5                // examples of a place
)

// Tried is what the stored comparisons would have been under a rule.
type Tried struct {
	Looked int  `json:"looked"` // stored comparisons looked at, the newest
	More   bool `json:"more"`   // there are older ones that were not looked at
	// Verdicts are what becomes of the comparisons, by the verdict that they have.
	Verdicts []TriedVerdict `json:"verdicts"`
	// Forgiven counts the differences that the rule would forgive, Added those
	// that are there only under it.
	Forgiven int `json:"forgiven"`
	Added    int `json:"added"`
	// Places are the places of both, the most forgiven first.
	Places []TriedPlace `json:"places"`
	// CanNotSay counts the comparisons of which the evidence does not tell, by why.
	CanNotSay map[string]int `json:"can_not_say"`
	// settled are the places that were recorded as differing, and do not differ
	// any more, wherever the evidence tells, under the rules in force.
	settled map[triedKey]bool
}

// SettledAt reports whether the rules in force settle all that the evidence has
// of a place: there is nothing left there for another rule.
func (t *Tried) SettledAt(route, path string, kind compare.Kind) bool {
	return t.settled[triedKey{route, path, kind}]
}

// TriedVerdict is what becomes of the comparisons of one verdict. Stored is the
// sum of the others.
type TriedVerdict struct {
	Verdict   Verdict `json:"verdict"`
	Stored    int     `json:"stored"`
	Match     int     `json:"match"`       // would be a match
	Change    int     `json:"change"`      // would still differ, in other places
	Stay      int     `json:"stay"`        // would be as they are
	Worse     int     `json:"worse"`       // match without the rule, and would differ under it
	Already   int     `json:"already"`     // match under the rules in force, which have changed since
	CanNotSay int     `json:"can_not_say"` // see Tried.CanNotSay
}

// TriedPlace is what a rule does to the differences of one path and kind.
type TriedPlace struct {
	Route       string       `json:"route"`
	Path        string       `json:"path"`
	Kind        compare.Kind `json:"kind"`
	Comparisons int          `json:"comparisons"` // in which the rule changes something here
	Forgiven    int          `json:"forgiven"`    // differences that vanish
	Added       int          `json:"added"`       // differences that are there only under the rule
	Left        int          `json:"left"`        // differences that stay; 0 says that the place vanishes
	Samples     []Sample     `json:"samples"`     // of what vanishes or is added
}

// Try compares the stored comparisons again, with the rules in force (by route)
// and with those of each trial (likewise), and says what the trials change.
// Routes without rules in force are nil there; those that are not there are
// left out.
//
// Evidence is redacted, so that each comparison is first made again with the
// rules in force: where what differed does not come out again, it tells
// nothing. A difference that was found and is forgiven by the rules in force
// counts as come out.
//
// Trials wait for each other, so that they take one processor at most, and end
// with ctx.
func (r *Reports) Try(ctx context.Context, route string, inForce map[string]*compare.Rules, trials []map[string]*compare.Rules) ([]Tried, error) {
	select {
	case r.trials <- struct{}{}:
		defer func() { <-r.trials }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for other trials: %w", ctx.Err())
	}
	until := time.Now().Add(tryFor)
	tryings := make([]*trying, len(trials))
	for i := range tryings {
		tryings[i] = newTrying()
	}
	f, looked := Filter{Route: route, Limit: tryPage}, 0
	for {
		list, next, err := r.Comparisons(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range list {
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("try rules: %w", err)
			}
			if time.Now().After(until) {
				return finished(tryings, true), nil
			}
			r.tryOne(&list[i], inForce, trials, tryings)
		}
		looked += len(list)
		if next == "" || looked >= tryMax {
			return finished(tryings, next != ""), nil
		}
		f.After = next
	}
}

func (r *Reports) tryOne(c *Comparison, inForce map[string]*compare.Rules, trials []map[string]*compare.Rules, tryings []*trying) {
	rules, known := inForce[c.Route]
	if !known {
		return
	}
	legacy, new, why := again(c)
	var before compare.Result
	if why == "" {
		before = compare.Exchanges(&legacy, &new, rules)
		why = comesOut(c, before)
	}
	for i, t := range tryings {
		with, tried := trials[i][c.Route]
		switch {
		case !tried:
		case why != "":
			t.canNotSay(c, why)
		default:
			t.judge(c, before, compare.Exchanges(&legacy, &new, with))
		}
	}
}

// trying adds up what one trial changes.
type trying struct {
	Tried
	verdicts map[Verdict]*TriedVerdict
	places   map[triedKey]*TriedPlace
}

type triedKey struct {
	route, path string
	kind        compare.Kind
}

func newTrying() *trying {
	return &trying{
		Tried:    Tried{CanNotSay: map[string]int{}, settled: map[triedKey]bool{}},
		verdicts: map[Verdict]*TriedVerdict{},
		places:   map[triedKey]*TriedPlace{},
	}
}

// of is the line of a comparison's verdict, with the comparison counted.
func (t *trying) of(c *Comparison) *TriedVerdict {
	v := t.verdicts[c.Verdict]
	if v == nil {
		v = &TriedVerdict{Verdict: c.Verdict}
		t.verdicts[c.Verdict] = v
	}
	t.Looked++
	v.Stored++
	return v
}

func (t *trying) canNotSay(c *Comparison, why string) {
	t.of(c).CanNotSay++
	t.CanNotSay[why]++
}

func (t *trying) judge(c *Comparison, before, with compare.Result) {
	v := t.of(c)
	t.settle(c, before)
	changed := t.change(c, before, with)
	wrote := attempts(c) // of these no rule has a say
	switch was, is := before.Match() && !wrote, with.Match() && !wrote; {
	case is && !was:
		v.Match++
	case was && !is:
		v.Worse++
	case was && c.Verdict != Match:
		v.Already++
	case changed:
		v.Change++
	default:
		v.Stay++
	}
}

// settle notes which of the places that were recorded differ no more.
func (t *trying) settle(c *Comparison, before compare.Result) {
	now := byPlace(before.Differences)
	for _, d := range c.Differences {
		k := triedKey{c.Route, d.Path, d.Kind}
		_, differs := now[foundAt{d.Path, d.Kind}]
		all, noted := t.settled[k]
		t.settled[k] = !differs && (all || !noted)
	}
}

// attempts reports whether a side attempted a write in a safe request, which
// compare does not find; what it finds of writes stands in the rows of both sides.
func attempts(c *Comparison) bool {
	if c.Legacy.Answer.Writes != nil && c.New.Answer.Writes != nil {
		return false
	}
	return slices.ContainsFunc(c.Differences, func(d Found) bool { return d.Kind == compare.KindWrites })
}

// change counts the differences that go and come, place by place.
func (t *trying) change(c *Comparison, before, with compare.Result) bool {
	there, then := byPlace(before.Differences), byPlace(with.Differences)
	changed := false
	for place := range there {
		if _, left := then[place]; !left {
			then[place] = nil
		}
	}
	for place, left := range then {
		k := triedKey{c.Route, place.path, place.kind}
		gone, come := without(there[place], left), without(left, there[place])
		p := t.places[k]
		if p == nil {
			p = &TriedPlace{Route: k.route, Path: k.path, Kind: k.kind}
			t.places[k] = p
		}
		p.Left += len(left) - len(come)
		if len(gone)+len(come) == 0 {
			continue
		}
		changed = true
		p.Comparisons++
		p.Forgiven += len(gone)
		p.Added += len(come)
		for _, d := range append(gone, come...) {
			if len(p.Samples) < trySamples {
				p.Samples = append(p.Samples, Sample{ID: c.ID, At: c.At, Place: d.At, Legacy: d.Legacy, New: d.New})
			}
		}
	}
	return changed
}

// foundAt is what differences are counted by.
type foundAt struct {
	path string
	kind compare.Kind
}

func byPlace(list []compare.Difference) map[foundAt][]*compare.Difference {
	m := map[foundAt][]*compare.Difference{}
	for i := range list {
		k := foundAt{list[i].Path, list[i].Kind}
		m[k] = append(m[k], &list[i])
	}
	return m
}

// without are the differences of list at whose exact place none of others is.
func without(list, others []*compare.Difference) []*compare.Difference {
	at := make(map[string]int, len(others))
	for _, d := range others {
		at[d.At]++
	}
	var left []*compare.Difference
	for _, d := range list {
		if at[d.At] > 0 {
			at[d.At]--
			continue
		}
		left = append(left, d)
	}
	return left
}

func finished(tryings []*trying, more bool) []Tried {
	list := make([]Tried, len(tryings))
	for i, t := range tryings {
		t.More = more
		t.Verdicts = []TriedVerdict{}
		for _, v := range []Verdict{Mismatch, Noise, Transient, Match, Error} {
			if t.verdicts[v] != nil {
				t.Verdicts = append(t.Verdicts, *t.verdicts[v])
			}
		}
		t.Places = []TriedPlace{}
		for _, p := range t.places {
			t.Forgiven += p.Forgiven
			t.Added += p.Added
			if p.Comparisons > 0 {
				t.Places = append(t.Places, *p)
			}
		}
		slices.SortFunc(t.Places, func(a, b TriedPlace) int {
			return cmp.Or(cmp.Compare(b.Forgiven+b.Added, a.Forgiven+a.Added), cmp.Compare(a.Route, b.Route), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind))
		})
		t.Places = t.Places[:min(len(t.Places), tryPlaces)]
		list[i] = t.Tried
	}
	return list
}

// Settled is how many comparisons that do not match now would under the rule.
func (t *Tried) Settled() int {
	n := 0
	for _, v := range t.Verdicts {
		n += v.Match
	}
	return n
}

// Worse is how many comparisons match now and would differ under the rule.
func (t *Tried) Worse() int {
	n := 0
	for _, v := range t.Verdicts {
		n += v.Worse
	}
	return n
}

// Effect is what the rule does to the stored evidence, in a sentence.
func (t *Tried) Effect() string {
	if t.Looked == 0 {
		return "there is no stored evidence to try it on"
	}
	of := wording.Count(int64(t.Looked), "stored comparison")
	if t.More {
		of = "the newest " + of
	}
	says := fmt.Sprintf("of %s it would make %s a match, and forgive %s", of, wording.Number(int64(t.Settled())), wording.Count(int64(t.Forgiven), "difference"))
	if t.Forgiven == 0 {
		says = "it forgives nothing in " + of
	}
	if t.Added > 0 {
		says += fmt.Sprintf("; IT ADDS %s, and %s would not match any more", wording.Count(int64(t.Added), "difference"), wording.Count(int64(t.Worse()), "comparison"))
	}
	return says
}
