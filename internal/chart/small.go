package chart

import (
	"fmt"
	"strings"
)

// The space of a small chart. It is stretched to its place.
const (
	sparkWidth, sparkHeight   = 120, 24
	sharesWidth, sharesHeight = 100, 8
)

// Spark draws counts, oldest first, and those among them that are bad, as small
// bars. says is read in its place. It is "" when there is nothing to be seen.
func Spark(all, bad []int64, says string) string {
	var high int64
	for _, n := range all {
		high = max(high, n)
	}
	if high == 0 {
		return ""
	}
	return fmt.Sprintf(`<svg class="spark" role="img" viewBox="0 0 %d %d" preserveAspectRatio="none"><title>%s</title><path class="c-all" d="%s"/><path class="c-bad" d="%s"/></svg>`,
		sparkWidth, sparkHeight, escape(says), sparkBars(all, high, 1), sparkBars(bad, high, 4))
}

// sparkBars is the path of the bars, each at least so high.
func sparkBars(counts []int64, high int64, least float64) string {
	var b strings.Builder
	width := float64(sparkWidth) / float64(len(counts))
	for i, n := range counts {
		if n > 0 {
			height := max(float64(n)/float64(high)*sparkHeight, least)
			fmt.Fprintf(&b, "M%s %dv-%sh%sV%[2]dz", number(float64(i)*width), sparkHeight, number(height), number(0.8*width))
		}
	}
	return b.String()
}

// Part is a part of a whole.
type Part struct {
	Class string
	Count int64
}

// Shares draws a bar cut into parts, in their order. What is not 0 is to be seen.
// says is read in its place. It is "" when there is nothing.
func Shares(parts []Part, says string) string {
	var sum int64
	shown := 0
	for _, p := range parts {
		sum += p.Count
		if p.Count > 0 {
			shown++
		}
	}
	if sum == 0 {
		return ""
	}
	// Each part that is shown has a width of least, and what is left is shared.
	const least = 3.0
	left := sharesWidth - least*float64(shown)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="shares" role="img" viewBox="0 0 %d %d" preserveAspectRatio="none"><title>%s</title>`, sharesWidth, sharesHeight, escape(says))
	x := 0.0
	for _, p := range parts {
		if p.Count == 0 {
			continue
		}
		width := least + left*float64(p.Count)/float64(sum)
		fmt.Fprintf(&b, `<rect class="%s" x="%s" width="%s" height="%d"/>`, escape(p.Class), number(x), number(width), sharesHeight)
		x += width
	}
	b.WriteString(`</svg>`)
	return b.String()
}
