package compare_test

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare"
)

// spot is a place in a tree: the tree that stands there, and the way to it.
type spot struct {
	tree *tree
	way  []string // exact segments: .name, ['na me'], [3]
}

func (s spot) path() string { return "$" + strings.Join(s.way, "") }

// above reports whether s is other or a container of it.
func (s spot) above(other spot) bool {
	return len(s.way) <= len(other.way) && slices.Equal(s.way, other.way[:len(s.way)])
}

// spots lists all places, containers before what is in them.
func spots(tr *tree, way []string) []spot {
	all := []spot{{tr, way}}
	for i, c := range tr.content {
		all = append(all, spots(c, append(slices.Clip(way), tr.step(i)))...)
	}
	return all
}

// drawDocument draws an object of several members, or an array of as many.
func drawDocument(t *rapid.T) *tree {
	root := &tree{array: rapid.Bool().Draw(t, "array")}
	for k := range rapid.IntRange(2, 5).Draw(t, "size") {
		root.content = append(root.content, drawTree(t, 3))
		if !root.array {
			root.names = append(root.names, string(rune('a'+k)))
		}
	}
	return root
}

// serial is the member that numberObjects adds.
const serial = "serial"

// numberObjects gives each object a member that no other has, so that taking a
// member away makes no element of an array equal to another one.
func numberObjects(tr *tree) {
	n := 0
	for _, s := range spots(tr, nil) {
		if s.tree.scalar == "" && !s.tree.array {
			n++
			s.tree.names = append(s.tree.names, serial)
			s.tree.content = append(s.tree.content, &tree{scalar: fmt.Sprintf(`"#%d"`, n)})
		}
	}
}

// planting is one change.
type planting struct {
	spot // of what differs
	kind compare.Kind
}

func (p planting) String() string { return fmt.Sprintf("%s %s", p.kind, p.path()) }

// plantSome changes up to most places of a copy of a tree, none of them in
// another, each with a value that nothing else has. It says which and how.
// Then pairing elements by index takes the fewest edits, and no other pairing
// takes as few.
func plantSome(t *rapid.T, legacy *tree, most int) (*tree, []planting) {
	changed := legacy.clone()
	var done []planting
	for k := range rapid.IntRange(1, most).Draw(t, "plantings") {
		var free []spot
		for _, s := range spots(changed, nil) {
			taken := slices.ContainsFunc(done, func(p planting) bool { return p.above(s) || s.above(p.spot) })
			if !taken && (len(s.way) == 0 || s.way[len(s.way)-1] != "."+serial) {
				free = append(free, s)
			}
		}
		if len(free) == 0 {
			break
		}
		s := rapid.SampledFrom(free).Draw(t, "place")
		done = append(done, plantAt(t, s, k))
	}
	return changed, done
}

// plantAt changes one place, as the k-th.
func plantAt(t *rapid.T, s spot, k int) planting {
	marker := &tree{scalar: fmt.Sprintf(`"planted %d"`, k)}
	tr := s.tree
	inside := func(name string) spot { return spot{marker, append(slices.Clip(s.way), name)} }
	how := rapid.IntRange(0, 2).Draw(t, "how")
	switch {
	case tr.scalar != "" || how == 0:
		kind := compare.KindType
		if tr.scalar != "" && tr.scalar[0] == '"' {
			kind = compare.KindValue
		}
		*tr = *marker
		return planting{s, kind}
	case tr.array:
		i := rapid.IntRange(0, len(tr.content)).Draw(t, "inserted")
		tr.content = slices.Insert(tr.content, i, marker)
		return planting{s, compare.KindLength}
	case how == 1 && len(tr.names) > 1:
		i := rapid.IntRange(0, len(tr.names)-2).Draw(t, "removed") // serial is the last
		at := inside(tr.step(i))
		tr.names, tr.content = slices.Delete(tr.names, i, i+1), slices.Delete(tr.content, i, i+1)
		return planting{at, compare.KindMissing}
	default:
		name := fmt.Sprintf("planted%d", k)
		i := len(tr.names) - 1
		tr.names, tr.content = slices.Insert(tr.names, i, name), slices.Insert(tr.content, i, marker)
		return planting{inside("." + name), compare.KindAdded}
	}
}

// respelled is a copy with other spellings of the same numbers.
func respelled(t *rapid.T, tr *tree) *tree {
	c := tr.clone()
	for _, s := range spots(c, nil) {
		if n := s.tree.scalar; n != "" && (n[0] == '-' || n[0] >= '0' && n[0] <= '9') {
			s.tree.scalar = respellNumber(t, n)
		}
	}
	return c
}

// respellNumber writes a number of at most three digits in its exponent in
// another way.
func respellNumber(t *rapid.T, n string) string {
	digits, power, exponent := strings.Cut(strings.ToLower(n), "e")
	e := 0
	if exponent {
		e, _ = strconv.Atoi(power)
	}
	switch rapid.IntRange(0, 4).Draw(t, "spelling") {
	case 0:
		return n
	case 1: // zeros behind
		if !strings.Contains(digits, ".") {
			digits += "."
		}
		digits += "00"
	case 2: // the point moved to the right by three
		whole, fraction, _ := strings.Cut(digits, ".")
		sign := ""
		if whole[0] == '-' {
			sign, whole = "-", whole[1:]
		}
		fraction += "000"
		whole = strings.TrimLeft(whole+fraction[:3], "0")
		if whole == "" {
			whole = "0"
		}
		digits = sign + whole + "." + fraction[3:] + "0"
		e -= 3
	case 3: // an exponent where there was none
		return digits + fmt.Sprintf("E%+04d", e)
	}
	return fmt.Sprintf("%se%d", digits, e)
}

func TestAllSpellingsAtOnceChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := drawDocument(t)
		a, b := tr.write(plain), respelled(t, tr).write(choice(t))
		if r := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), nil); !r.Match() || len(r.Forgiven) > 0 {
			t.Fatalf("%s\n%s\n%q", a, b, lines(r))
		}
	})
}

// TestWhatIsPlantedIsFound holds that each of several changes is found, at its
// place and as what it is, and nothing else.
func TestWhatIsPlantedIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		legacy := drawDocument(t)
		numberObjects(legacy)
		changed, planted := plantSome(t, legacy, 6)
		a, b := legacy.write(plain), respelled(t, changed).write(choice(t))
		r := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), nil)
		var got, want []string
		for _, d := range r.Differences {
			got = append(got, fmt.Sprintf("%s %s", d.Kind, d.At))
		}
		for _, p := range planted {
			want = append(want, p.String())
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || len(r.Forgiven) > 0 || r.Err != nil || r.Truncated > 0 {
			t.Fatalf("planted %q\n%s\n%s\n%q", want, a, b, lines(r))
		}
	})
}

// canonical writes a tree so that two trees of one value are written alike.
func canonical(tr *tree) string {
	switch {
	case tr.scalar == "":
		var parts []string
		for i, c := range tr.content {
			s := canonical(c)
			if !tr.array {
				s = strconv.Quote(tr.names[i]) + ":" + s
			}
			parts = append(parts, s)
		}
		if tr.array {
			return "[" + strings.Join(parts, ",") + "]"
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ",") + "}"
	case tr.scalar[0] == '-' || tr.scalar[0] >= '0' && tr.scalar[0] <= '9':
		n, ok := new(big.Rat).SetString(tr.scalar)
		if !ok {
			panic(tr.scalar)
		}
		return n.String()
	}
	return tr.scalar
}

// TestUnorderedIsTheMultisetOfAnything compares arrays of whole trees, in which
// some elements stand more than once, as a rule says with counting them.
func TestUnorderedIsTheMultisetOfAnything(t *testing.T) {
	rules := mustCompile(t, compare.Rule{Path: "$.l", Unordered: true})
	rapid.Check(t, func(t *rapid.T) {
		var pool []*tree
		for range rapid.IntRange(1, 4).Draw(t, "pool") {
			pool = append(pool, drawTree(t, 2))
		}
		some := rapid.SliceOfN(rapid.SampledFrom(pool), 0, 6)
		legacy := &tree{array: true, content: some.Draw(t, "legacy")}
		new := &tree{array: true, content: rapid.Permutation(legacy.content).Draw(t, "new")}
		if rapid.Bool().Draw(t, "others") {
			new.content = some.Draw(t, "other elements")
		}
		in := func(tr *tree) *tree { return &tree{names: []string{"l"}, content: []*tree{tr}} }
		a, b := in(legacy).write(plain), in(respelled(t, new)).write(choice(t))
		r := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), rules)
		if want := multiset(legacy) == multiset(new); r.Match() != want {
			t.Fatalf("match is %v, want %v\n%s\n%s\n%q", r.Match(), want, a, b, lines(r))
		}
		if lengths := slices.ContainsFunc(r.Differences, func(d compare.Difference) bool { return d.Path == "$.l" && d.Kind == compare.KindLength }); lengths != (len(legacy.content) != len(new.content)) {
			t.Fatalf("a difference in length is %v\n%s\n%s\n%q", lengths, a, b, lines(r))
		}
	})
}

func multiset(array *tree) string {
	var all []string
	for _, c := range array.content {
		all = append(all, canonical(c))
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}
