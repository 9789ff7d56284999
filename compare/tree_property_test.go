package compare_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare"
)

// leaf is an element of a generated document.
type leaf struct {
	name  string
	attrs []string // name='value'
	text  string
	kids  []*leaf
}

func genLeaf(t *rapid.T, depth int) *leaf {
	e := &leaf{name: rapid.SampledFrom([]string{"a", "b", "item", "id"}).Draw(t, "name")}
	for _, name := range []string{"k", "id"} {
		if rapid.Bool().Draw(t, "attribute") {
			e.attrs = append(e.attrs, fmt.Sprintf("%s='%d'", name, rapid.IntRange(0, 3).Draw(t, "value")))
		}
	}
	if depth > 0 && rapid.Bool().Draw(t, "inner") {
		for range rapid.IntRange(1, 5).Draw(t, "kids") {
			e.kids = append(e.kids, genLeaf(t, depth-1))
		}
		return e
	}
	e.text = rapid.SampledFrom([]string{"", "x", "y z", "2026-03-04T05:06:07Z"}).Draw(t, "text")
	return e
}

// write writes a document, laid out anew when t is not nil.
func (e *leaf) write(t *rapid.T, b *strings.Builder) {
	attrs := slices.Clone(e.attrs)
	space := ""
	if t != nil {
		space = rapid.SampledFrom([]string{"", "\n  ", "<!-- c -->"}).Draw(t, "space")
		slices.Reverse(attrs)
	}
	b.WriteString("<" + e.name)
	for _, a := range attrs {
		b.WriteString(" " + a)
	}
	b.WriteString(">" + e.text)
	for _, k := range e.kids {
		b.WriteString(space)
		k.write(t, b)
	}
	if len(e.kids) > 0 {
		b.WriteString(space)
	}
	b.WriteString("</" + e.name + ">")
}

func (e *leaf) all() []*leaf {
	list := []*leaf{e}
	for _, k := range e.kids {
		list = append(list, k.all()...)
	}
	return list
}

func written(t *rapid.T, e *leaf) *compare.Exchange {
	var b strings.Builder
	e.write(t, &b)
	return answer("text/xml", b.String())
}

// TestTreesProperty holds that a document laid out anew matches, and that one
// planted change is found, and it alone.
func TestTreesProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := &leaf{name: "r", kids: []*leaf{genLeaf(t, 3), genLeaf(t, 3)}}
		legacy := written(nil, doc)
		if r := compare.Exchanges(legacy, written(t, doc), nil); !r.Match() || len(r.Forgiven) > 0 {
			t.Fatalf("laid out anew: %+v", r)
		}
		places := doc.all()
		at := places[rapid.IntRange(0, len(places)-1).Draw(t, "at")]
		want := compare.KindValue
		switch change := rapid.IntRange(0, 2).Draw(t, "change"); {
		case change == 0 && len(at.kids) == 0:
			at.text = "changed"
		case change == 1 || at.text != "": // an element within a text is two changes
			at.attrs, want = append(at.attrs, "new='1'"), compare.KindAdded
		default:
			at.kids, want = append(at.kids, &leaf{name: "planted"}), compare.KindAdded
		}
		r := compare.Exchanges(legacy, written(t, doc), nil)
		if len(r.Differences) == 0 || !slices.ContainsFunc(r.Differences, func(d compare.Difference) bool { return d.Kind == want }) {
			t.Fatalf("the change is not found: %+v", r)
		}
		if len(r.Differences) > 1 {
			t.Fatalf("one change is %d differences: %+v", len(r.Differences), r.Differences)
		}
		if back := compare.Exchanges(written(nil, doc), legacy, nil); len(back.Differences) != len(r.Differences) {
			t.Fatalf("with the sides swapped %d differences, not %d: %+v and %+v", len(back.Differences), len(r.Differences), back.Differences, r.Differences)
		}
	})
}
