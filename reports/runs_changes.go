package reports

import (
	"cmp"
	"context"
	"slices"
)

// found is a group that was seen in one of two runs, with as much of it as it
// takes to say what has become of it: there may be 100,000.
type found struct {
	id                int64
	route, path, kind string
	rank              int // of its verdict
	before, after     Seen
	p                 float64
	rose              bool
	there             *placeCounts
}

func (f *found) samePlace(g *found) bool {
	return f.route == g.route && f.path == g.path && f.kind == g.kind
}

// placeCounts are how often something was seen at a place, whatever its verdict,
// in both runs, by the rank of the verdict.
type placeCounts [4][2]int64

// sorting sorts the groups of two runs into what has become of them.
type sorting struct {
	before, after *counted
	open          []*found    // those that count against their routes
	lists         [5][]*found // in the order of RunChanges.lists
}

// Where the lists of RunChanges stand among all.
const (
	regressed = iota
	stillOpen
	notSeen
	fixed
	forgivenNow
)

func (r *Reports) changes(ctx context.Context, route string, before, after *counted) (RunChanges, error) {
	s := sorting{before: before, after: after}
	if err := s.read(ctx, r, route); err != nil {
		return RunChanges{}, err
	}
	s.rises()
	for _, f := range s.open {
		n, _ := s.list(f)
		s.lists[n] = append(s.lists[n], f)
	}
	changes := RunChanges{Before: before.run, After: after.run, Routes: routeRuns(before, after)}
	changes.Totals = RunTotals{
		len(s.lists[regressed]), len(s.lists[stillOpen]), len(s.lists[notSeen]), len(s.lists[fixed]), len(s.lists[forgivenNow]),
	}
	for i := range s.lists {
		slices.SortFunc(s.lists[i], worstFirst)
		s.lists[i] = s.lists[i][:min(len(s.lists[i]), changesMax)]
	}
	return changes, s.tell(ctx, r, &changes)
}

// read reads the groups of a route, or of all, in the order of the index that has
// all of them that is read: those of a place follow each other.
func (s *sorting) read(ctx context.Context, r *Reports, route string) error {
	query, args := `SELECT id, route, path, kind, verdict FROM reports_groups`, []any(nil)
	if route != "" {
		query, args = query+` WHERE route = ?`, []any{route}
	}
	rows, err := r.db.QueryContext(ctx, query+` ORDER BY route, path, kind, verdict, reason`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	last := &found{there: &placeCounts{}}
	for rows.Next() {
		f := &found{}
		var verdict string
		if err := rows.Scan(&f.id, &f.route, &f.path, &f.kind, &verdict); err != nil {
			return err
		}
		n := [2]int64{s.before.group(f.id), s.after.group(f.id)}
		if n == [2]int64{} {
			continue
		}
		if f.there = last.there; !f.samePlace(last) {
			f.there = &placeCounts{}
		}
		f.rank, last = verdictRanks[verdict], f
		f.there[f.rank][0] += n[0] // forgiven ones differ by reason
		f.there[f.rank][1] += n[1]
		if (Group{Verdict: verdict}).CountsAgainst() {
			f.before, f.after = s.before.seen(f.route, n[0]), s.after.seen(f.route, n[1])
			f.p = riseChance(f.before.Count, f.before.Compared, f.after.Count, f.after.Compared)
			s.open = append(s.open, f)
		}
	}
	return rows.Err()
}

// rises sets rose where the share has risen beyond chance.
func (s *sorting) rises() {
	var asked []*found
	var chances []float64
	for _, f := range s.open {
		if f.before.Count > 0 && f.after.Count > 0 {
			asked, chances = append(asked, f), append(chances, f.p)
		}
	}
	for i, beyond := range beyondChance(chances) {
		asked[i].rose = beyond
	}
}

// list is where a group belongs, and the verdict that its place has otherwise.
func (s *sorting) list(f *found) (list int, otherwise string) {
	other := Noise
	if f.rank == verdictRanks[string(Noise)] {
		other = Mismatch
	}
	others, forgiven := f.there[verdictRanks[string(other)]], f.there[verdictRanks[VerdictForgiven]]
	switch {
	case f.rose:
		return regressed, ""
	case f.before.Count > 0 && f.after.Count > 0:
		return stillOpen, ""
	case f.after.Count > 0 && others[0] == 0: // not seen before
		return regressed, ""
	case f.after.Count > 0 && other == Mismatch:
		// Where new was at fault, it is no worse that legacy differs as well.
		return stillOpen, string(other)
	case f.after.Count > 0:
		return regressed, string(other)
	case others[1] > 0:
		return stillOpen, string(other)
	case forgiven[1] > 0 && forgiven[0] == 0:
		return forgivenNow, VerdictForgiven
	case isEnough(f.before.Count, f.before.Compared, f.after.Compared):
		return fixed, ""
	}
	return notSeen, ""
}

func worstFirst(a, b *found) int {
	return cmp.Or(
		cmp.Compare(a.rank, b.rank), cmp.Compare(a.p, b.p), cmp.Compare(b.count().Count, a.count().Count),
		cmp.Compare(a.route, b.route), cmp.Compare(a.path, b.path), cmp.Compare(a.kind, b.kind),
	)
}

// count is how often a group was seen after, where it was not as it was before.
func (f *found) count() Seen {
	if f.after.Count == 0 {
		return f.before
	}
	return f.after
}
