package shadow

import (
	"slices"
	"sync"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/routes"
)

// A place whose ids are forgiven as generated is trusted when legacy has been
// seen to give another id there idTimes, and one request in a thousand is still
// looked at afterwards. Until then comparisons that match are re-checked for
// it, idsAtOnce for one place and idsUnderWay for all. idPlaces are remembered.
const (
	idTimes     = 2
	idShare     = 0.001
	idsAtOnce   = 2
	idsUnderWay = 16
	idPlaces    = 4096
)

// ids remembers which places hold ids that are generated for each answer, and
// which hold stored ones, that is data. It is of this process alone, and bounded.
type ids struct {
	mu       sync.Mutex
	places   map[idPlace]idState
	underWay int // re-checks of matches
	waiting  map[idPlace]int
}

// idPlace is a generalised place of a route.
type idPlace struct{ route, path string }

type idState struct {
	generated int  // times that legacy has given another id when asked again
	stored    bool // legacy gives the same one
}

// generatedIn are the entries of a result that forgive generated ids.
func generatedIn(r compare.Result) []compare.Forgiven {
	var list []compare.Forgiven
	for _, f := range r.Forgiven {
		if f.Reason == compare.ReasonGenerated && f.Path != compare.OtherPlaces {
			list = append(list, f)
		}
	}
	return list
}

// apply gives the result in which the ids of places that are known to be stored
// count as differences.
func (s *ids) apply(route string, r compare.Result) compare.Result {
	for _, f := range generatedIn(r) {
		s.mu.Lock()
		stored := s.places[idPlace{route, f.Path}].stored
		s.mu.Unlock()
		if stored {
			r = counted(r, f)
		}
	}
	return r
}

// counted is r with an entry that was forgiven as a difference.
func counted(r compare.Result, f compare.Forgiven) compare.Result {
	r.Forgiven = slices.DeleteFunc(slices.Clone(r.Forgiven), func(o compare.Forgiven) bool { return o.Path == f.Path && o.Kind == f.Kind && o.Reason == f.Reason })
	r.Differences = append(slices.Clone(r.Differences), differenceOf(f))
	return r
}

// differenceOf is what was forgiven, as a difference. How many places around
// it differ is not known.
func differenceOf(f compare.Forgiven) compare.Difference {
	return compare.Difference{Path: f.Path, At: f.At, Kind: f.Kind, Legacy: f.Legacy, New: f.New, Weight: 1}
}

// begin says for which places of a match a re-check is to be made, and counts
// it as under way until end; none when there is no need or no room for it. open
// says that one of the places is not trusted yet.
func (s *ids) begin(route *routes.Route, id string, r compare.Result) (look []idPlace, open bool) {
	list := generatedIn(r)
	if len(list) == 0 {
		return nil, false
	}
	sampled := route.InShare("generated ids", id, idShare)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range list {
		at := idPlace{route.Name, f.Path}
		trusted := s.places[at].generated >= idTimes
		open = open || !trusted
		if sampled || !trusted && s.waiting[at] < idsAtOnce {
			look = append(look, at)
		}
	}
	if len(look) == 0 || s.underWay >= idsUnderWay {
		return nil, open
	}
	if s.waiting == nil {
		s.waiting = make(map[idPlace]int)
	}
	s.underWay++
	for _, at := range look {
		s.waiting[at]++
	}
	return look, open
}

// end says that the re-check for these places has ended.
func (s *ids) end(look []idPlace) {
	if len(look) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay--
	for _, at := range look {
		if s.waiting[at]--; s.waiting[at] == 0 {
			delete(s.waiting, at)
		}
	}
}

// learn notes what a re-check has shown of a place.
func (s *ids) learn(at idPlace, stored bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places == nil {
		s.places = make(map[idPlace]idState)
	}
	state, known := s.places[at]
	if !known {
		makeRoom(s.places, idPlaces)
	}
	if state.stored = stored; stored {
		state.generated = 0
	} else {
		state.generated++
	}
	s.places[at] = state
}

// origin is where the ids of a place come from.
type origin int

const (
	originUnknown origin = iota
	originGenerated
	originStored
)

// originOf is what the tries say of the ids at a place that were forgiven the
// first time. That legacy has given another id in one of the tries is enough to
// know that it generates them. s says what new did where it does not.
func originOf(f compare.Forgiven, tries []try) (from origin, s sight) {
	s.gone = true
	for _, t := range tries {
		own, known := idsAt(t.ownLegacy, f)
		if !known || t.failed {
			continue
		}
		now, _ := idsAt(t.second, f)
		switch {
		case own > 0 && own >= min(f.Count, max(now, 1)):
			return originGenerated, s
		case t.second.Err != nil:
			continue
		case now > 0:
			s.again, s.gone = true, false
		default:
			s.asked, s.unsteady = true, true
		}
		from = originStored
	}
	return from, s
}

// idsAt is how many ids at a place were forgiven as generated. It is not known
// where something else differs there, or around it, or not all is listed.
func idsAt(r compare.Result, f compare.Forgiven) (n int, known bool) {
	for _, o := range r.Forgiven {
		switch {
		case o.Reason == compare.ReasonGenerated && o.Path == f.Path:
			n += o.Count
		case o.Path == compare.OtherPlaces:
			return 0, false
		}
	}
	if r.Err != nil || r.Truncated > 0 {
		return 0, false
	}
	return n, !slices.ContainsFunc(r.Differences, func(o compare.Difference) bool {
		return o.Path == f.Path || contains(o.At, f.At) || contains(o.Path, f.Path)
	})
}

// judgeIDs finds out where the ids come from that were forgiven as generated the
// first time, and remembers it. Those that are stored are differences after
// all; what the tries said of them stands beside them. open says that of a
// place which is not trusted yet nothing was learnt.
func (d *Dispatcher) judgeIDs(r *recheck) (stored []compare.Forgiven, sights []sight, open bool) {
	for _, f := range generatedIn(r.first) {
		at := idPlace{r.req.Route.Name, f.Path}
		from, s := originOf(f, r.tries)
		switch {
		case from == originGenerated:
			d.ids.learn(at, false)
		case from == originStored:
			if !s.suspect(r.pairing.first) {
				d.ids.learn(at, true)
			}
			stored, sights = append(stored, f), append(sights, s)
		case d.ids.knows(at, true):
			s.again = true
			stored, sights = append(stored, f), append(sights, s)
		default:
			open = open || !d.ids.knows(at, false)
		}
	}
	return stored, sights, open
}

// knows reports whether the ids of a place are known to be stored, or are
// trusted to be generated.
func (s *ids) knows(at idPlace, stored bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored {
		return s.places[at].stored
	}
	return s.places[at].generated >= idTimes
}
