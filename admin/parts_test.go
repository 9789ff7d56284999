package admin

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// bracketed is a line with its changed parts in brackets, "" for one that has
// changed as a whole.
func bracketed(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		if p.Changed {
			b.WriteString("[" + p.Text + "]")
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

func TestChangedPartsOfLines(t *testing.T) {
	for _, c := range []struct{ reason, legacy, new, wantLegacy, wantNew string }{
		{"a number", `  "price": 9.90,`, `  "price": 9.09,`, `  "price": 9.[90],`, `  "price": 9.[09],`},
		{"two places of one line", "5 ducks by DHL on Monday", "6 ducks by UPS on Monday", "[5] ducks by [DHL] on Monday", "[6] ducks by [UPS] on Monday"},
		{"a word more", "sent today", "sent again today", "sent today", "sent [again ]today"},
		{"letters with marks stay whole", "für Ann", "fur Ann", "[für] Ann", "[fur] Ann"},
		{"nothing in common", "one", "two", "", ""},
		{"only what is between words in common", "a, b", "c, d", "", ""},
		{"bytes that are no text", "a \xff b", "a \xfe b", "a [\xff] b", "a [\xfe] b"},
	} {
		l, n := changedParts(c.legacy, c.new)
		if bracketed(l) != c.wantLegacy || bracketed(n) != c.wantNew {
			t.Errorf("%s: %q, %q", c.reason, bracketed(l), bracketed(n))
		}
	}
	if l, n := changedParts(strings.Repeat("a ", maxWords), "a"); l != nil || n != nil {
		t.Error("a line of too many words is lined up")
	}
}

// Whatever the lines are, their parts put together are the lines, and what is
// not marked is the same on both sides.
func TestChangedPartsAreTheLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "duck", " ", "é", "1.5", "\"", "\xff", "日本"}), 0, 12)
		legacy, new := strings.Join(words.Draw(t, "legacy"), ""), strings.Join(words.Draw(t, "new"), "")
		l, n := changedParts(legacy, new)
		if l == nil && n == nil {
			return
		}
		whole := func(parts []part, changed bool) string {
			var b strings.Builder
			for _, p := range parts {
				if changed || !p.Changed {
					b.WriteString(p.Text)
				}
			}
			return b.String()
		}
		if whole(l, true) != legacy || whole(n, true) != new || whole(l, false) != whole(n, false) {
			t.Fatalf("%q and %q are told apart as %q and %q", legacy, new, bracketed(l), bracketed(n))
		}
	})
}
