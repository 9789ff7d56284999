package reports

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Span is the time between two marks; From "" is the start of time, To "" is
// now.
type Span struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Run is what was counted in a span.
type Run struct {
	Span
	Since    time.Time `json:"since,omitzero"` // when it began; zero for the start of time
	Until    time.Time `json:"until"`
	Compared int64     `json:"compared"`
	Differed int64     `json:"differed"` // of compared: mismatches and noise
}

// RouteRuns is a route in both runs.
type RouteRuns struct {
	Route  string `json:"route"`
	Before Seen   `json:"before"`
	After  Seen   `json:"after"`
}

// Seen is how often something was seen in a run: a difference, or, of a route, a
// mismatch or noise.
type Seen struct {
	Count    int64   `json:"count"`
	Compared int64   `json:"compared"` // of the route
	Share    float64 `json:"share"`    // count / compared, 0 to 1; 0 when nothing was compared
}

// RunChanges are the differences of two runs, those with the verdicts mismatch
// and noise, by what has become of them. Each list has the worst first, at most
// 1,000.
type RunChanges struct {
	Before Run         `json:"before"`
	After  Run         `json:"after"`
	Routes []RouteRuns `json:"routes"` // compared in one of them, by name

	// Regressions were not seen before, or their share has risen beyond chance
	// (Rose).
	Regressions []Change `json:"regressions"`
	// StillOpen are seen in both, or the place has another of both verdicts now.
	StillOpen []Change `json:"still_open"`
	// Unseen were not seen again, but too little was compared to say that they are
	// fixed: Needs says how much more it takes.
	Unseen []Change `json:"unseen"`
	// Fixed were not seen again in so many comparisons that they would have been,
	// with 95 % confidence, if their share were what it was (see enough).
	Fixed []Change `json:"fixed"`
	// Forgiven do not count any more: what was a mismatch or noise is now forgiven
	// there, and was not before.
	Forgiven []Change `json:"forgiven"`

	// Totals are how long the lists would be if they were not cut.
	Totals RunTotals `json:"totals"`
}

// RunTotals are how many groups of differences have become what.
type RunTotals struct {
	Regressions int `json:"regressions"`
	StillOpen   int `json:"still_open"`
	Unseen      int `json:"unseen"`
	Fixed       int `json:"fixed"`
	Forgiven    int `json:"forgiven"`
}

// changesMax is how long a list of RunChanges is at most. Whoever breaks more
// than that at once is not helped by a longer list.
const changesMax = 1000

// lists are all lists of changes.
func (c *RunChanges) lists() []*[]Change {
	return []*[]Change{&c.Regressions, &c.StillOpen, &c.Unseen, &c.Fixed, &c.Forgiven}
}

// Cut shortens each list to its worst.
func (c *RunChanges) Cut(limit int) {
	for _, list := range c.lists() {
		*list = (*list)[:min(limit, len(*list))]
	}
}

// Change is one group of differences in two runs.
type Change struct {
	// Group is as it is in After, where it was not seen there as in Before: Count
	// and Share are of that run. Samples are those since After began.
	Group  Group `json:"group"`
	Before Seen  `json:"before"`
	After  Seen  `json:"after"`
	// P is the probability to see so many or more after, if nothing has changed
	// (Fisher's exact test, one-sided); 1 where the share has not risen.
	P float64 `json:"p"`
	// Rose: seen before, and the share has risen beyond chance: with the rises of
	// all groups considered (Holm), a comparison of two runs that differ in nothing
	// says so of any group at most once in a hundred times.
	Rose bool `json:"rose,omitempty"`
	// Needs is how many more comparisons of the route without it show that it is
	// fixed.
	Needs int64 `json:"needs,omitempty"`
	// Otherwise is the verdict that the place has in the run in which the group was
	// not seen: "noise" after "mismatch", or the other way round, or "forgiven".
	Otherwise string `json:"otherwise,omitempty"`
}

// ErrSpans is returned for two spans that can not be compared.
var ErrSpans = errors.New("these runs can not be compared")

// Compare says what has become of the differences of one run in a later one.
// Where before.To is "", before ends where after begins. Errors: ErrNoMark, and
// ErrSpans when before does not end before after begins: what is in both would
// be held against itself.
func (r *Reports) Compare(ctx context.Context, before, after Span) (RunChanges, error) {
	return r.CompareRoute(ctx, "", before, after)
}

// CompareRoute is Compare of one route, "" for all. One is made at a time: others
// wait for it, or until ctx ends.
func (r *Reports) CompareRoute(ctx context.Context, route string, before, after Span) (RunChanges, error) {
	if before.To == "" {
		before.To = after.From
	}
	r.flushed(ctx)
	if err := r.checkSpans(ctx, before, after); err != nil {
		return RunChanges{}, err
	}
	select {
	case r.comparing <- struct{}{}:
		defer func() { <-r.comparing }()
	case <-ctx.Done():
		return RunChanges{}, fmt.Errorf("wait for another comparison of runs: %w", ctx.Err())
	}
	changes, err := r.compare(ctx, route, before, after)
	if err != nil {
		return RunChanges{}, fmt.Errorf("compare runs: %w", err)
	}
	return changes, nil
}

func (r *Reports) compare(ctx context.Context, route string, before, after Span) (RunChanges, error) {
	ends := map[string]*noted{}
	for _, mark := range []string{before.From, before.To, after.From, after.To} {
		if ends[mark] != nil || mark == "" {
			continue
		}
		at, err := r.notedAt(ctx, mark)
		if err != nil {
			return RunChanges{}, err
		}
		ends[mark] = at
	}
	last := ends[after.To]
	if after.To == "" {
		var err error
		if last, err = r.notedNow(ctx); err != nil {
			return RunChanges{}, err
		}
	}
	return r.changes(ctx, route, spanCounts(route, before, ends[before.From], ends[before.To]), spanCounts(route, after, ends[after.From], last))
}

// checkSpans holds the order: before.From, before.To, after.From, after.To.
func (r *Reports) checkSpans(ctx context.Context, before, after Span) error {
	if after.From == "" {
		return fmt.Errorf("%w: the later one begins at the start of time, and nothing is before that\nname the mark at which it begins: quack marks lists them", ErrSpans)
	}
	var last storedMark
	for i, name := range []string{before.From, before.To, after.From, after.To} {
		if name == "" {
			continue // the start as the first, now as the last
		}
		m, err := r.markNamed(ctx, name)
		if err != nil {
			return err
		}
		if m.id < last.id || m.id == last.id && i != 2 { // a run may begin where the other ends
			return fmt.Errorf("%w: mark %q is not before mark %q\nname them from the oldest to the newest: quack marks lists them", ErrSpans, last.Name, m.Name)
		}
		last = m
	}
	return nil
}

// counted is what was counted in a span.
type counted struct {
	run     Run
	routes  map[string]verdictCounts
	begin   map[int64]int64 // counts of groups by number, at the beginning
	end     map[int64]int64
	lastSeq int64 // of the comparison that was stored last before it
}

// spanCounts is what was counted, of a route or of all, up to the end of a span, less
// what was counted up to its beginning; that is nil for the start of time.
func spanCounts(route string, s Span, begin, end *noted) *counted {
	if begin == nil {
		begin = &noted{}
	}
	got := &counted{
		run:    Run{Span: s, Since: begin.at, Until: end.at},
		routes: map[string]verdictCounts{}, begin: begin.groups, end: end.groups, lastSeq: begin.lastSeq,
	}
	for name, n := range end.routes {
		if route != "" && name != route {
			continue
		}
		n = n.less(begin.routes[name])
		got.routes[name] = n
		got.run.Compared += n.total()
		got.run.Differed += n.Mismatched + n.Noise
	}
	return got
}

// group is how often the group of a number was seen.
func (c *counted) group(id int64) int64 { return c.end[id] - c.begin[id] }

// seen is how often something was seen on a route.
func (c *counted) seen(route string, n int64) Seen {
	s := Seen{Count: n, Compared: c.routes[route].total()}
	if s.Compared > 0 {
		s.Share = float64(n) / float64(s.Compared)
	}
	return s
}

// routeRuns are the routes that were compared in one of the runs.
func routeRuns(before, after *counted) []RouteRuns {
	names := map[string]bool{}
	for _, run := range []*counted{before, after} {
		for name, n := range run.routes {
			if n.total() > 0 {
				names[name] = true
			}
		}
	}
	differed := func(run *counted, name string) Seen {
		return run.seen(name, run.routes[name].Mismatched+run.routes[name].Noise)
	}
	list := make([]RouteRuns, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		list = append(list, RouteRuns{name, differed(before, name), differed(after, name)})
	}
	return list
}
