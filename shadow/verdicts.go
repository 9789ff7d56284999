package shadow

import (
	"net/http"
	"slices"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// try is one time that both sides were asked again and answered.
type try struct {
	ownLegacy compare.Result // legacy's answer compared with its first one
	ownNew    compare.Result // new's with its first one
	second    compare.Result // the two with each other
	failed    bool           // legacy failed, as it did not the first time
	write     bool           // of a write that was rolled back
}

// sight is what the tries say of one place that differed the first time.
type sight struct {
	again    bool // the same difference was found again
	moved    bool // legacy differed from its own first answer there
	asked    bool // legacy agreed with its first answer there in some try
	unsteady bool // there new did not agree with its own, or the difference had gone
	gone     bool // in all those tries the difference had gone
}

// look goes through the tries for each of the first differences. Of more than
// one try, legacy's differing from itself in one is enough to know that it does;
// only where it is the list around a place that changed does having found the
// same difference again weigh more.
func look(first []compare.Difference, tries []try) []sight {
	sights := make([]sight, len(first))
	around := make([]bool, len(first))
	for i := range sights {
		sights[i].gone = true
	}
	for _, t := range tries {
		same, alike := recurring(first, t.second.Differences)
		for i, x := range first {
			if t.failed && x.At != "status" {
				continue
			}
			s := &sights[i]
			byIndex := strength(x.Kind) == presence || x.Kind == compare.KindLength
			switch {
			case same[i], alike[i] && byIndex:
				s.again = true
			case t.excuses(x):
				s.moved = true
			case alike[i]:
				s.again = true
			case t.write && movedAt(t.ownLegacy, x):
				// It excuses nothing, and says nothing of new either.
			case !t.write && movedAround(t.ownLegacy, x):
				around[i] = true
			default:
				s.see(&t, x)
			}
		}
	}
	for i := range sights {
		sights[i].moved = sights[i].moved || around[i] && !sights[i].again
	}
	return sights
}

// see looks at a try in which legacy agreed with its first answer at the place
// of x and the same difference was not found.
func (s *sight) see(t *try, x compare.Difference) {
	s.asked = true
	there := present(t.second, x, shifted(t.ownLegacy, x))
	if !there || t.ownNew.Err != nil || movedAt(t.ownNew, x) || movedAround(t.ownNew, x) {
		s.unsteady = true
	}
	if there || t.second.Err != nil {
		s.gone = false
	}
}

// suspect reports whether a write between the first two calls would look the
// same: new, asked before legacy, gave what legacy no longer gives, and each
// time afterwards the two agreed.
func (s sight) suspect(first routes.Side) bool {
	return first == routes.New && !s.again && !s.moved && s.asked && s.gone
}

// settled reports whether a further try would change nothing: legacy is known
// to differ from itself at each place.
func settled(sights []sight) bool {
	for _, s := range sights {
		if !s.moved {
			return false
		}
	}
	return true
}

// classify gives each place that differed the first time its verdict: legacy
// differs from its own first answer there, then the world has moved
// (transient), or keeps moving (noise); else it is a mismatch, unsteady when
// it is new that differs from itself, and transient as long as it is suspect
// only. The comparison's is the worst of them.
func (d *Dispatcher) classify(r *recheck) reports.Comparison {
	p, first, tries := &r.pairing, r.first, r.tries
	sights := look(first.Differences, tries)
	stored, idSights, open := d.judgeIDs(r)
	for _, f := range stored {
		first = counted(first, f)
	}
	sights = append(sights, idSights...)
	marks := d.remember(p, first.Differences, sights)
	c := reports.Comparison{Verdict: reports.Match, Rechecked: len(tries), Forgiven: first.Forgiven, Unlisted: first.Truncated, ByPosition: first.ByPosition}
	for i, x := range first.Differences {
		s, m := sights[i], marks[placeOf(p, x)]
		verdict := reports.Mismatch
		switch {
		case s.moved && m.noisy:
			verdict = reports.Noise
		case s.moved:
			verdict = reports.Transient
		case s.suspect(p.first) && !m.repeated:
			verdict = reports.Transient
			c.Suspect = true
		case !s.again && s.unsteady:
			c.Unsteady = true
		}
		c.Differences = append(c.Differences, reports.Found{Difference: x, Verdict: verdict})
		c.Verdict = worse(c.Verdict, verdict)
	}
	if first.Truncated > 0 && !slices.ContainsFunc(tries, func(t try) bool { return 2*total(t.ownLegacy) >= total(first) }) {
		// Of what is not listed for its number, too much can not be legacy's own.
		c.Verdict = reports.Mismatch
	}
	c.Unverified = open && c.Verdict == reports.Match
	return c
}

// total is how many differences were found, listed or not.
func total(r compare.Result) int { return len(r.Differences) + r.Truncated }

// mark is what the memory says of a place.
type mark struct{ noisy, repeated bool }

// remember notes the re-check once for each generalised place, however often
// it is in the answer: legacy moved there when that excuses all of them.
func (d *Dispatcher) remember(p *pairing, first []compare.Difference, sights []sight) map[noiseKey]mark {
	type seen struct{ moved, suspect bool }
	places := map[noiseKey]seen{}
	var order []noiseKey
	for i, x := range first {
		k := placeOf(p, x)
		s, known := places[k]
		if !known {
			order = append(order, k)
			s.moved = true
		}
		s.moved = s.moved && sights[i].moved
		s.suspect = s.suspect || sights[i].suspect(p.first)
		places[k] = s
	}
	marks := make(map[noiseKey]mark, len(order))
	for _, k := range order {
		noisy, repeated := d.noise.note(k, places[k].moved, places[k].suspect)
		marks[k] = mark{noisy, repeated}
	}
	return marks
}

func placeOf(p *pairing, x compare.Difference) noiseKey {
	return noiseKey{p.req.Route.Name, x.Path, string(x.Kind)}
}

// overloaded reports whether a status says that the side could not, or would
// not, answer now.
func overloaded(status int) bool {
	return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests
}

// rank orders the verdicts of places, from best to worst.
var rank = map[reports.Verdict]int{reports.Match: 0, reports.Transient: 1, reports.Noise: 2, reports.Mismatch: 3}

func worse(a, b reports.Verdict) reports.Verdict {
	if rank[b] > rank[a] {
		return b
	}
	return a
}
