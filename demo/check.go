package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// evidence is all that the self-check looks at.
type evidence struct {
	routes      []routeReport
	differences []group
	wrong       []string // answers to clients that are not as they should be
	want, have  stock    // what live requests alone have left, and what is there
}

// found is a plant and how often it was seen.
type found struct {
	plant
	Count int64
}

// check compares what was found with what was planted. faults says, in plain
// words, what is missing and what should not be there.
func check(e evidence) (planted []found, faults []string) {
	for _, p := range plants {
		n := countOf(e.differences, p)
		if n == 0 {
			faults = append(faults, fmt.Sprintf("not found: %s %s %s (%s)", p.Route, p.Path, p.Kind, p.What))
		}
		planted = append(planted, found{p, n})
	}
	for _, g := range e.differences {
		if unplanted(g) {
			faults = append(faults, fmt.Sprintf("not planted: %s %s %s, %s, %d times%s", g.Route, g.Path, g.Kind, g.Verdict, g.Count, example(g)))
		}
	}
	for _, r := range e.routes {
		faults = append(faults, routeFaults(r)...)
	}
	faults = append(faults, rowFaults(e.differences)...)
	if !slices.ContainsFunc(e.routes, func(r routeReport) bool { return r.Name == slower }) {
		faults = append(faults, "not in the report: "+slower)
	}
	faults = append(faults, wrongAnswers(e.wrong)...)
	if e.want != e.have {
		faults = append(faults, fmt.Sprintf("a shadow has left something in the database:\n    live requests left %+v\n    there is           %+v", e.want, e.have))
	}
	return planted, faults
}

// wrongAnswers says each once, with how often it was given.
func wrongAnswers(all []string) (faults []string) {
	times := map[string]int{}
	for _, w := range all {
		times[w]++
	}
	for _, w := range slices.Sorted(maps.Keys(times)) {
		faults = append(faults, fmt.Sprintf("a client was answered wrongly, %d times: %s", times[w], w))
	}
	return faults
}

func countOf(all []group, p plant) (n int64) {
	for _, g := range all {
		if (plant{g.Route, g.Path, g.Kind, g.Verdict, p.What}) == p {
			n += g.Count
		}
	}
	return n
}

// unplanted reports whether a group should not be there. Fields of the head
// that differ by nature are forgiven anywhere.
func unplanted(g group) bool {
	if g.Verdict == "forgiven" && g.Reason != "timestamp" && !strings.HasPrefix(g.Reason, "rule") {
		return false
	}
	return !slices.ContainsFunc(plants, func(p plant) bool {
		// On a machine that is too busy the rows of some requests are not read in time,
		// and their numbers are compared.
		counted := p.Kind == "writes" && g.Kind == "footprint"
		return p.Route == g.Route && p.Path == g.Path && (p.Kind == g.Kind || counted) && p.Verdict == g.Verdict
	})
}

func example(g group) string {
	if len(g.Samples) == 0 {
		return ""
	}
	return fmt.Sprintf(" (legacy %s, new %s)", g.Samples[0].Legacy, g.Samples[0].New)
}

// rowFaults says where a row that one side alone wrote is reported and not shown.
func rowFaults(all []group) (faults []string) {
	for _, g := range all {
		if g.Kind != "writes" || g.Verdict != "mismatch" {
			continue
		}
		shown := slices.ContainsFunc(g.Samples, func(s sample) bool {
			return strings.HasPrefix(s.Legacy, "insert {") && strings.Contains(s.Legacy, forgottenRow) && s.New == ""
		})
		if !shown {
			faults = append(faults, fmt.Sprintf("%s %s: the row that the new service forgets is not shown%s", g.Route, g.Path, example(g)))
		}
	}
	return faults
}

func routeFaults(r routeReport) (faults []string) {
	if r.Leak != "" {
		faults = append(faults, fmt.Sprintf("%s: a leak is suspected: %s", r.Name, r.Leak))
	}
	if r.Errors > 0 {
		faults = append(faults, fmt.Sprintf("%s: %d comparisons ended in an error", r.Name, r.Errors))
	}
	if r.Name == slower && r.New.P50 <= r.Legacy.P50 {
		faults = append(faults, fmt.Sprintf("%s: new is not slower: median %.1f ms, legacy's %.1f ms", r.Name, r.New.P50, r.Legacy.P50))
	}
	return faults
}
