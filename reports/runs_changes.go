package reports

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// place is where a difference is, whatever its verdict.
type place struct{ route, path, kind string }

func (g *Group) place() place { return place{g.Route, g.Path, g.Kind} }

// sorting sorts the groups of two runs into what has become of them.
type sorting struct {
	before, after *counted
	// verdicts has, for each place, the counts by verdict in both runs.
	verdicts map[place]map[string][2]int64
	changes  RunChanges
}

func (r *Reports) changes(ctx context.Context, route string, before, after *counted) (RunChanges, error) {
	groups, err := r.groups(ctx, Filter{Route: route})
	if err != nil {
		return RunChanges{}, err
	}
	s := sorting{before: before, after: after, verdicts: map[place]map[string][2]int64{}}
	s.changes = RunChanges{
		Before: before.run, After: after.run, Routes: routeRuns(before, after),
		Regressions: []Change{}, StillOpen: []Change{}, Unseen: []Change{}, Fixed: []Change{}, Forgiven: []Change{},
	}
	open := s.open(groups)
	list := make([]Change, len(open))
	for i := range open {
		list[i] = s.change(&open[i])
	}
	s.rises(list)
	for _, c := range list {
		to := s.list(&c)
		*to = append(*to, c)
	}
	for _, list := range s.changes.lists() {
		slices.SortFunc(*list, worstFirst)
	}
	s.changes.Totals = RunTotals{
		len(s.changes.Regressions), len(s.changes.StillOpen), len(s.changes.Unseen), len(s.changes.Fixed), len(s.changes.Forgiven),
	}
	s.changes.Cut(changesMax)
	return s.changes, r.illustrate(ctx, &s.changes, open, after.lastSeq)
}

// illustrate fills in the samples of what has changed, of comparisons stored
// behind a number, and when it was counted.
func (r *Reports) illustrate(ctx context.Context, changes *RunChanges, groups []storedGroup, behind int64) error {
	listed := map[string]*Group{}
	for _, list := range changes.lists() {
		for i := range *list {
			listed[(*list)[i].Group.ID] = &(*list)[i].Group
		}
	}
	groups = slices.DeleteFunc(groups, func(g storedGroup) bool { return listed[g.ID] == nil })
	samples, err := r.samples(ctx, groups, time.Time{}, behind)
	if err != nil {
		return err
	}
	recent, err := r.recent(ctx, groups, time.Now())
	if err != nil {
		return err
	}
	for _, g := range groups {
		to := listed[g.ID]
		to.Recent, to.Samples = recent[g.id], samples[g.id]
		if to.Samples == nil {
			to.Samples = []Sample{}
		}
		r.rereadGroup(to)
	}
	return nil
}

// open are the groups with an open verdict in one of the runs; it notes the
// verdicts of all places.
func (s *sorting) open(groups []storedGroup) []storedGroup {
	return slices.DeleteFunc(groups, func(g storedGroup) bool {
		n := [2]int64{s.before.groups[g.id], s.after.groups[g.id]}
		if n == [2]int64{} {
			return true
		}
		at := s.verdicts[g.place()]
		if at == nil {
			at = map[string][2]int64{}
			s.verdicts[g.place()] = at
		}
		at[g.Verdict] = [2]int64{at[g.Verdict][0] + n[0], at[g.Verdict][1] + n[1]} // forgiven ones differ by reason
		return !g.CountsAgainst()
	})
}

func (s *sorting) change(g *storedGroup) Change {
	c := Change{
		Group:  g.Group,
		Before: s.before.seen(g.Route, s.before.groups[g.id]),
		After:  s.after.seen(g.Route, s.after.groups[g.id]),
	}
	of := c.After
	if of.Count == 0 {
		of = c.Before
	}
	c.Group.Count, c.Group.Share = of.Count, min(1, of.Share)
	c.Group.New = c.Before.Count == 0
	c.P = riseChance(c.Before.Count, c.Before.Compared, c.After.Count, c.After.Compared)
	return c
}

// rises sets Rose where the share has risen beyond chance.
func (s *sorting) rises(list []Change) {
	var asked []int
	var chances []float64
	for i, c := range list {
		if c.Before.Count > 0 && c.After.Count > 0 {
			asked = append(asked, i)
			chances = append(chances, c.P)
		}
	}
	for i, beyond := range beyondChance(chances) {
		list[asked[i]].Rose = beyond
	}
}

// list is where a change belongs.
func (s *sorting) list(c *Change) *[]Change {
	at := s.verdicts[c.Group.place()]
	other := string(Noise)
	if c.Group.Verdict == other {
		other = string(Mismatch)
	}
	switch {
	case c.Rose:
		return &s.changes.Regressions
	case c.Before.Count > 0 && c.After.Count > 0:
		return &s.changes.StillOpen
	case c.After.Count > 0: // not seen before
		if at[other][0] > 0 {
			c.Otherwise = other
		}
		// Where new was at fault, it is no worse that legacy differs as well.
		if c.Otherwise == string(Mismatch) {
			return &s.changes.StillOpen
		}
		return &s.changes.Regressions
	case at[other][1] > 0:
		c.Otherwise = other
		return &s.changes.StillOpen
	case at[VerdictForgiven][1] > 0 && at[VerdictForgiven][0] == 0:
		c.Otherwise = VerdictForgiven
		return &s.changes.Forgiven
	}
	c.Needs = max(enough(c.Before.Count, c.Before.Compared)-c.After.Compared, 0)
	if c.Needs > 0 {
		return &s.changes.Unseen
	}
	return &s.changes.Fixed
}

func worstFirst(a, b Change) int {
	return cmp.Or(
		cmp.Compare(verdictRanks[a.Group.Verdict], verdictRanks[b.Group.Verdict]), cmp.Compare(a.P, b.P), cmp.Compare(b.Group.Count, a.Group.Count),
		cmp.Compare(a.Group.Route, b.Group.Route), cmp.Compare(a.Group.Path, b.Group.Path), cmp.Compare(a.Group.Kind, b.Group.Kind),
	)
}
