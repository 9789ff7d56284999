package compare

import (
	"slices"
	"strconv"
)

// Effects count what a request did, or would have done, besides writing to its
// database, sorted by name.
type Effects []Effect

// Effect counts one kind of work.
type Effect struct {
	Name  string `json:"name"` // a kind, or a kind and what it was: "mail:OrderMailer.placed"
	Count int64  `json:"count"`
}

// compareEffects lists the effects that the two sides had other numbers of, by
// name.
func (p *pair) compareEffects() []finding {
	legacy, new := byName(p.legacy.Effects), byName(p.new.Effects)
	names := namesOf(legacy, new)
	var found []finding
	for _, name := range names {
		if l, n := legacy[name], new[name]; l != n {
			found = append(found, p.written("effect:"+name, timesDone(l), timesDone(n)))
		}
	}
	weigh(found, len(names))
	return found
}

func byName(e Effects) map[string]int64 {
	sums := make(map[string]int64, len(e))
	for _, x := range e {
		sums[x.Name] += x.Count
	}
	return sums
}

// namesOf are the keys of both, sorted.
func namesOf[V any](legacy, new map[string]V) []string {
	names := make([]string, 0, len(legacy))
	for name := range legacy {
		names = append(names, name)
	}
	for name := range new {
		if _, ok := legacy[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func timesDone(n int64) string {
	if n == 1 {
		return "once"
	}
	return strconv.FormatInt(n, 10) + " times"
}
