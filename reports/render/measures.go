package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// differingStatuses are the pairs of statuses that differ, most frequent first:
// "200 → 404 12, 200 → 500 1"; "" for none.
func differingStatuses(r reports.RouteReport) string {
	var parts []string
	for _, p := range r.Statuses {
		if p.Legacy != p.New {
			parts = append(parts, p.Text()+" "+wording.Number(p.Count))
		}
	}
	return strings.Join(parts, ", ")
}

// ratio is how long new takes, in terms of legacy: "0.80 × at p50, 1.2 × at p99";
// "" when nothing was counted.
func ratioText(r reports.RouteReport) string {
	if r.Ratio == (reports.Quantiles{}) {
		return ""
	}
	return wording.Times(r.Ratio.P50) + " at p50, " + wording.Times(r.Ratio.P99) + " at p99"
}

// countsText is "legacy 6,000, new 6,345", by name; "" when there are none.
func countsText(counts map[string]int64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, name+" "+wording.Number(counts[name]))
	}
	return strings.Join(parts, ", ")
}

// writesText is "7 at level 4".
func writesText(r reports.RouteReport) string {
	var parts []string
	for _, level := range slices.Sorted(maps.Keys(r.WritesCompared)) {
		parts = append(parts, wording.Number(r.WritesCompared[level])+" at "+level)
	}
	return strings.Join(parts, ", ")
}

// trendSteps are the heights of trend, from the least to the most.
const trendSteps = "▁▂▃▄▅▆▇█"

// trend draws the last 24 hours of a group in 24 characters: a dot for none; ""
// when there was none at all.
func trendText(g reports.Group) string {
	high := slices.Max(g.Recent[:])
	if high == 0 {
		return ""
	}
	steps := []rune(trendSteps)
	var b strings.Builder
	for _, n := range g.Recent {
		if n == 0 {
			b.WriteRune('·')
			continue
		}
		b.WriteRune(steps[int(n*int64(len(steps)-1)/high)])
	}
	return b.String()
}

// anotherAnswer is from how many places on that differ together it is another
// answer altogether rather than a field that is wrong.
const anotherAnswer = 10

// weighs says how much else differs where a group does, "" when that is not known.
func weighsText(g reports.Group) string {
	switch {
	case g.Weight == 0:
		return ""
	case g.Weight < 1.05:
		return "this place alone"
	case g.Weight >= anotherAnswer:
		return fmt.Sprintf("with %.3g places: another answer altogether", g.Weight)
	}
	return fmt.Sprintf("with %.2g places on average", g.Weight)
}

// facts are what else is known of a group, each in a few words.
func factsOf(g reports.Group) []string {
	var facts []string
	if g.ID != "" && g.CountsAgainst() { // those that `quack know` takes
		facts = append(facts, "difference "+g.ID)
	}
	if g.New {
		facts = append(facts, "new")
	}
	if g.Known != nil {
		facts = append(facts, "known to "+wording.Visible(g.Known.By)+": "+wording.Visible(g.Known.Why))
	}
	if text := weighsText(g); text != "" {
		facts = append(facts, text)
	}
	if text := trendText(g); text != "" {
		facts = append(facts, "24 h "+text)
	}
	return facts
}
