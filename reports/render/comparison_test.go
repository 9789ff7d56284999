package render_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/internal/golden"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/internal/sample"
	"github.com/quackproxy/quack/reports/render"
)

// bodies is a comparison of two answers with these bodies.
func bodies(legacy, new string) *reports.Comparison {
	c := sample.Comparison(1)
	c.Legacy.Answer.Body, c.Legacy.Answer.Size = []byte(legacy), int64(len(legacy))
	c.New.Answer.Body, c.New.Answer.Size = []byte(new), int64(len(new))
	return &c
}

// bodyPart is what is written of the bodies.
func bodyPart(t testing.TB, c *reports.Comparison, on render.Screen) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.Comparison(&b, c, on); err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(b.String(), "Body of ")
	part, _, _ := strings.Cut(after, "\n\n")
	return "Body of " + part + "\n"
}

const (
	oldDuck = `{"id":7,"name":"Ünï 鴨鴨 duck","list":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15],"bio":"x","price":"10.00","big":12345678901234567890.10,"debug":{"a":1,"b":{}},` +
		`"text":"this is a rather long text that has to be broken somewhere in its middle, since it does not fit"}`
	newDuck = `{"id":7,"list":[1,2,3,4,5,6,7,8,10,11,12,13,14,15,16],"name":"Ünï 鴨鴨 Duck","price":"10.07","big":12345678901234567890.1,"extra":["<b>"],` +
		`"text":"this is a rather long text that has to be broken somewhere in its MIDDLE, since it does not fit"}`
)

// TestBodiesBesideEachOther holds the layout: members are beside their like
// whatever their order, what differs within a line is marked, equal stretches
// are folded, and no line is wider than the screen.
func TestBodiesBesideEachOther(t *testing.T) {
	var all strings.Builder
	for _, on := range []render.Screen{{Columns: 80}, {Columns: 120, All: true}, {Columns: 10, Color: true}} {
		all.WriteString(bodyPart(t, bodies(oldDuck, newDuck), on) + "\n")
	}
	all.WriteString(bodyPart(t, bodies("one\ntwo\nthree\n", "one\r\n2\r\nthree\r\nfour\r\n"), render.Screen{}) + "\n")
	all.WriteString(bodyPart(t, bodies(`{"a":1,"b":[2]}`, `{"b":[2],"a":1}`), render.Screen{}))
	golden.Check(t, "bodies.txt", []byte(all.String()))
}

// TestBodiesAreAllThere: whatever the texts are, the columns say all of each, in
// order, and call equal what is.
func TestBodiesAreAllThere(t *testing.T) {
	const half = 98 // of 200 columns, less the mark
	text := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d d", `"k": 1`, `"k": 2`, `"m": 1`}), 1, 12), func(lines []string) string { return strings.Join(lines, "\n") })
	rapid.Check(t, func(rt *rapid.T) {
		legacy, new := text.Draw(rt, "legacy"), text.Draw(rt, "new")
		if legacy == new {
			return
		}
		var l, n []string
		part := bodyPart(t, bodies(legacy, new), render.Screen{Columns: 200, All: true})
		for _, row := range strings.Split(strings.TrimSuffix(part, "\n"), "\n")[1:] {
			cells := []rune(row + strings.Repeat(" ", 200))
			left, mark, right := strings.TrimRight(string(cells[:half]), " "), string(cells[half+1]), strings.TrimRight(string(cells[half+3:]), " ")
			if mark != ">" {
				l = append(l, left)
			}
			if mark != "<" {
				n = append(n, right)
			}
			if (mark == " ") != (left == right) {
				rt.Fatalf("marked %q: %q and %q", mark, left, right)
			}
		}
		if !slices.Equal(l, strings.Split(legacy, "\n")) || !slices.Equal(n, strings.Split(new, "\n")) {
			rt.Fatalf("of\n%s\nand\n%s\nis written\n%s", legacy, new, part)
		}
	})
}

// TestLongBodiesAreCut: by default a screenful or so, with --all everything, and
// bodies far apart cost no table of their product.
func TestLongBodiesAreCut(t *testing.T) {
	legacy, new := strings.Repeat("old\n", 30_000), strings.Repeat("new\n", 30_000)
	part := bodyPart(t, bodies(legacy, new), render.Screen{})
	if n := strings.Count(part, "\n"); n > 250 || !strings.Contains(part, "… 29,800 lines more; --all shows them") {
		t.Errorf("%d lines, ending with %q", n, part[len(part)-60:])
	}
	if n := strings.Count(bodyPart(t, bodies(legacy, new), render.Screen{All: true}), "≠"); n != 30_000 {
		t.Errorf("%d lines with --all", n)
	}
}
