package routes

import (
	"fmt"
	"slices"
	"strings"
)

// nearest is the candidate that word was most likely meant to be, "" when none
// is near: at most a third of the word may differ, and at least one letter may.
func nearest(word string, candidates []string) string {
	best, at := "", max(1, len(word)/3)+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < at {
			best, at = c, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}

// choice is the remedy for a word that is not one of the allowed: what it was
// most likely meant to be, and what is allowed.
func choice(word string, allowed []string) string {
	list := "use " + oneOf(allowed)
	switch n := nearest(word, allowed); {
	case n == "":
		return list
	case len(allowed) == 1 || len(allowed) > 10: // a list that says nothing more, or too much
		return fmt.Sprintf("did you mean %q?", n)
	default:
		return fmt.Sprintf("did you mean %q? %s", n, list)
	}
}

// oneOf is "a, b or c".
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// quoted is a word of the file as it may stand in a message: quoted, and cut
// when it is long.
func quoted(word string) string {
	word = withoutCredentials(word) // before the cut, which may take their end
	if r := []rune(word); len(r) > 60 {
		word = string(r[:60]) + "…"
	}
	return fmt.Sprintf("%q", word)
}

// sortedKeys is the keys of m in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
