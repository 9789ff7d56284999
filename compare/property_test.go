package compare_test

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare"
)

// tree is a JSON value that can be changed and written in several ways.
type tree struct {
	scalar  string // as written; "" for containers
	array   bool
	names   []string // of an object
	content []*tree
}

func drawTree(t *rapid.T, depth int) *tree {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	if depth == 0 {
		kind %= 4
	}
	switch kind {
	case 0:
		return &tree{scalar: rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "literal")}
	case 1:
		return &tree{scalar: rapid.StringMatching(`-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "number")}
	case 2, 3:
		return &tree{scalar: quote(rapid.StringOfN(rapid.RuneFrom([]rune("abé \"\\\n\u2028😀")), 0, 6, -1).Draw(t, "string"))}
	}
	n := rapid.IntRange(0, 5).Draw(t, "size")
	tr := &tree{array: kind == 4}
	for range n {
		tr.content = append(tr.content, drawTree(t, depth-1))
	}
	if !tr.array {
		tr.names = rapid.SliceOfNDistinct(rapid.StringOfN(rapid.RuneFrom([]rune("abcdeXYZ_- é'\"9")), 0, 4, -1), n, n, rapid.ID).Draw(t, "names")
	}
	return tr
}

func quote(s string) string { return strconv.QuoteToASCII(strings.ToValidUTF8(s, "")) }

// jsonQuote writes a string as JSON, some characters escaped by choice.
func jsonQuote(s string, escape func() bool) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r < ' ' || r == '"' || r == '\\' || r < 0x10000 && escape():
			fmt.Fprintf(&b, `\u%04x`, r)
		case r >= 0x10000 && escape():
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04X`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

// write writes the tree as JSON. A choice of 0 always gives the plain form.
func (tr *tree) write(choose func(n int) int) string {
	blank := func() string { return []string{"", " ", "\n\t"}[choose(3)] }
	escape := func() bool { return choose(4) == 1 }
	if tr.scalar != "" {
		if s, err := strconv.Unquote(tr.scalar); err == nil && tr.scalar[0] == '"' {
			return jsonQuote(s, escape)
		}
		return tr.scalar
	}
	order := make([]int, len(tr.content))
	for i := range order {
		order[i] = i
	}
	if !tr.array {
		for i := range order {
			j := i + choose(len(order)-i)
			order[i], order[j] = order[j], order[i]
		}
	}
	var parts []string
	for _, i := range order {
		s := blank() + tr.content[i].write(choose) + blank()
		if !tr.array {
			s = blank() + jsonQuote(tr.names[i], escape) + blank() + ":" + s
		}
		parts = append(parts, s)
	}
	open, end := "{", "}"
	if tr.array {
		open, end = "[", "]"
	}
	return open + blank() + strings.Join(parts, ",") + end
}

func plain(int) int { return 0 }

func choice(t *rapid.T) func(int) int {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }
}

func (tr *tree) clone() *tree {
	c := *tr
	c.names = slices.Clone(tr.names)
	c.content = make([]*tree, len(tr.content))
	for i := range tr.content {
		c.content[i] = tr.content[i].clone()
	}
	return &c
}

// step is the exact path of a child.
func (tr *tree) step(i int) string {
	if tr.array {
		return fmt.Sprintf("[%d]", i)
	}
	name := tr.names[i]
	if name != "" && !strings.ContainsAny(name, "- '\"") && (name[0] < '0' || name[0] > '9') {
		return "." + name
	}
	return "['" + strings.ReplaceAll(name, "'", `\'`) + "']"
}

// plant changes one place and says which and how.
func plant(t *rapid.T, tr *tree, at string) (string, compare.Kind) {
	if n := len(tr.content); n > 0 && rapid.IntRange(0, 3).Draw(t, "down") > 0 {
		i := rapid.IntRange(0, n-1).Draw(t, "child")
		return plant(t, tr.content[i], at+tr.step(i))
	}
	const marker = `"planted"`
	switch n := len(tr.content); {
	case tr.scalar != "" && tr.scalar[0] == '"':
		tr.scalar = marker
		return at, compare.KindValue
	case tr.scalar != "":
		tr.scalar = marker
		return at, compare.KindType
	case tr.array && n > 0 && rapid.Bool().Draw(t, "remove"):
		i := rapid.IntRange(0, n-1).Draw(t, "removed")
		tr.content = slices.Delete(tr.content, i, i+1)
		return at, compare.KindLength
	case tr.array:
		i := rapid.IntRange(0, n).Draw(t, "inserted")
		tr.content = slices.Insert(tr.content, i, &tree{scalar: marker})
		return at, compare.KindLength
	case n > 0 && rapid.Bool().Draw(t, "remove"):
		i := rapid.IntRange(0, n-1).Draw(t, "removed")
		at += tr.step(i)
		tr.content, tr.names = slices.Delete(tr.content, i, i+1), slices.Delete(tr.names, i, i+1)
		return at, compare.KindMissing
	default:
		tr.content, tr.names = append(tr.content, &tree{scalar: marker}), append(tr.names, "planted")
		return at + ".planted", compare.KindAdded
	}
}

func TestSpellingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := drawTree(t, 4)
		a, b := tr.write(plain), tr.write(choice(t))
		if r := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), nil); !r.Match() || len(r.Forgiven) > 0 {
			t.Fatalf("%s\n%s\n%q", a, b, lines(r))
		}
	})
}

func TestOneChangeIsOneDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		legacy := drawTree(t, 4)
		new := legacy.clone()
		at, kind := plant(t, new, "$")
		a, b := legacy.write(plain), new.write(choice(t))
		r := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), nil)
		if len(r.Differences) != 1 || r.Differences[0].At != at || r.Differences[0].Kind != kind {
			t.Fatalf("%s at %s\n%s\n%s\n%q", kind, at, a, b, lines(r))
		}
	})
}

// TestIgnoringThePlaceForgivesIt also holds that the rule forgives nothing else.
func TestIgnoringThePlaceForgivesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		legacy := drawTree(t, 4)
		new := legacy.clone()
		at, kind := plant(t, new, "$")
		if at == "$" {
			return
		}
		rules := mustCompile(t, compare.Rule{Path: at, Ignore: true})
		a, b := legacy.write(plain), new.write(choice(t))
		r := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), rules)
		// Ignored arrays are not aligned: elements behind the change may differ too.
		if !r.Match() || len(r.Forgiven) == 0 || r.Forgiven[0].At != at || r.Forgiven[0].Kind != kind {
			t.Fatalf("%s at %s\n%s\n%s\n%q", kind, at, a, b, lines(r))
		}
		other := mustCompile(t, compare.Rule{Path: at + ".below", Ignore: true}, compare.Rule{Path: "$.beside", Ignore: true})
		if r := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), other); len(r.Differences) != 1 {
			t.Fatalf("another rule forgave %s\n%s\n%s", at, a, b)
		}
	})
}

// drawPair draws two answers that have something in common.
func drawPair(t *rapid.T) (legacy, new *compare.Exchange) {
	tr := drawTree(t, 3)
	other := tr.clone()
	for range rapid.IntRange(0, 4).Draw(t, "changes") {
		plant(t, other, "$")
	}
	legacy, new = jsonAnswer(tr.write(plain)), jsonAnswer(other.write(choice(t)))
	for _, e := range []*compare.Exchange{legacy, new} {
		e.Status = rapid.SampledFrom([]int{200, 404}).Draw(t, "status")
		for _, name := range []string{"X-A", "Date", "Set-Cookie", "Vary"} {
			for range rapid.IntRange(0, 2).Draw(t, name) {
				e.Header.Add(name, rapid.SampledFrom([]string{"a=1", "a=2; Path=/", "b"}).Draw(t, "value"))
			}
		}
	}
	return legacy, new
}

func TestSwappingTheSidesSwapsTheResult(t *testing.T) {
	mirrored := map[compare.Kind]compare.Kind{compare.KindMissing: compare.KindAdded, compare.KindAdded: compare.KindMissing}
	rapid.Check(t, func(t *rapid.T) {
		legacy, new := drawPair(t)
		there, back := compare.Exchanges(legacy, new, nil), compare.Exchanges(new, legacy, nil)
		var a, b []string
		for _, d := range there.Differences {
			a = append(a, fmt.Sprint(d.Path, d.Kind, d.Legacy, "|", d.New, d.Weight))
		}
		for _, d := range back.Differences {
			if m, ok := mirrored[d.Kind]; ok {
				d.Kind = m
			}
			b = append(b, fmt.Sprint(d.Path, d.Kind, d.New, "|", d.Legacy, d.Weight))
		}
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Fatalf("%s\n%s\n%q\n%q", legacy.Body, new.Body, a, b)
		}
	})
}

func TestSameResultEveryTime(t *testing.T) {
	rules := mustCompile(t, compare.Rule{Path: "$..a", Same: "x"}, compare.Rule{Path: "$..b", Unordered: true}, compare.Rule{Path: "$..c", Ignore: true})
	rapid.Check(t, func(t *rapid.T) {
		legacy, new := drawPair(t)
		first := compare.Exchanges(legacy, new, rules)
		for range 3 {
			if again := compare.Exchanges(legacy, new, rules); !reflect.DeepEqual(first, again) {
				t.Fatalf("%+v\n%+v", first, again)
			}
		}
		for _, d := range first.Differences {
			if !(d.Weight > 0 && d.Weight <= 1) {
				t.Fatalf("%s weighs %v", d.At, d.Weight)
			}
		}
	})
}

// TestUnorderedIsTheMultiset compares arrays of a few values as a rule says
// with counting them.
func TestUnorderedIsTheMultiset(t *testing.T) {
	rules := mustCompile(t, compare.Rule{Path: "$", Unordered: true})
	values := rapid.SliceOfN(rapid.SampledFrom([]string{"1", "2", `"1"`, "null", `{"a":1}`, "[1]"}), 0, 6)
	rapid.Check(t, func(t *rapid.T) {
		a, b := values.Draw(t, "legacy"), values.Draw(t, "new")
		r := compare.Exchanges(jsonAnswer("["+strings.Join(a, ",")+"]"), jsonAnswer("[ "+strings.Join(b, ",")+"]"), rules)
		slices.Sort(a)
		slices.Sort(b)
		if r.Match() != slices.Equal(a, b) {
			t.Fatalf("%q and %q: %q", a, b, lines(r))
		}
	})
}
