// Package wording writes figures, and text that comes from elsewhere, for people:
// on pages, in reports and on terminals, the same in each.
package wording

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Number writes thousands apart: 12,345.
func Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Count writes a number of things: "1 route", "2,000 routes". What is a noun whose
// plural has an s.
func Count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return Number(n) + " " + what + "s"
}

// Percent writes a share, from 0 to 1, with three digits that count: "0.04 %",
// "12.5 %". "0 %" and "100 %" are what is exactly that.
func Percent(share float64) string {
	p := share * 100
	switch {
	case p == 0 || p == 100:
		return fmt.Sprintf("%.0f %%", p)
	case p < 1e-4:
		return "<0.0001 %"
	case p >= 99.95:
		return ">99.9 %"
	}
	return fmt.Sprintf("%.3g %%", p)
}

// PercentDown writes a share with two decimals, never more than it is.
func PercentDown(share float64) string { return percentage(math.Floor(share*1e4+1e-9) / 1e2) }

// PercentUp writes a share with three digits that count, never less than it is.
func PercentUp(share float64) string {
	if share <= 0 || share >= 1 {
		return percentage(100 * share)
	}
	unit := math.Pow(10, math.Floor(math.Log10(100*share))-2)
	return percentage(math.Ceil(100*share/unit-1e-9) * unit)
}

func percentage(p float64) string { return fmt.Sprintf("%.6g %%", p) }

// Millis writes milliseconds, without the unit, with three digits that count at
// most; "–" for none.
func Millis(ms float64) string {
	switch {
	case ms == 0:
		return "–"
	case ms >= 100:
		return fmt.Sprintf("%.0f", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.2f", ms)
}

// Times writes a ratio with two digits that count, and whole from ten on: "0.82 ×",
// "1.2 ×", "156 ×".
func Times(ratio float64) string {
	if ratio >= 10 {
		return Number(int64(math.Round(ratio))) + " ×"
	}
	return fmt.Sprintf("%.2g ×", ratio)
}

// Tally is the sum of counts by name, and each of them, the highest first:
// "12 (budget 9, unsupported 3)"; "0" for none.
func Tally(counts map[string]int64) string {
	var sum int64
	for _, n := range counts {
		sum += n
	}
	if sum == 0 {
		return "0"
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	for i, name := range names {
		names[i] = name + " " + Number(counts[name])
	}
	return Number(sum) + " (" + strings.Join(names, ", ") + ")"
}
