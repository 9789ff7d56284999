package compare_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare"
)

// record is an element of the arrays in these properties.
type record struct{ id, v, w int }

func (r record) write() string {
	return fmt.Sprintf(`{"id":%d,"v":%d,"w":"%d"}`, r.id, r.v, r.w)
}

func writeAll(list []record) string {
	parts := make([]string, len(list))
	for i, r := range list {
		parts[i] = r.write()
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// drawRecords draws records; of distinct ones no id comes twice.
func drawRecords(t *rapid.T, label string, distinct bool) []record {
	most := 8
	if distinct {
		most = 60
	}
	ids := rapid.SliceOfN(rapid.IntRange(1, most), 0, 12).Draw(t, label)
	var list []record
	for i, id := range ids {
		if !distinct || !slices.Contains(ids[:i], id) {
			list = append(list, record{id, rapid.IntRange(0, 3).Draw(t, "v"), rapid.IntRange(0, 3).Draw(t, "w")})
		}
	}
	return list
}

// TestInsertedElementsAreTheLengthAlone inserts elements into an array of
// distinct objects.
func TestInsertedElementsAreTheLengthAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		legacy := drawRecords(t, "legacy", true)
		new := slices.Clone(legacy)
		for k := range rapid.IntRange(1, 5).Draw(t, "inserted") {
			new = slices.Insert(new, rapid.IntRange(0, len(new)).Draw(t, "at"), record{id: 100 + k, v: rapid.IntRange(0, 3).Draw(t, "v")})
		}
		r := compare.Exchanges(jsonAnswer(writeAll(legacy)), jsonAnswer(writeAll(new)), nil)
		if len(r.Differences) != 1 || r.Differences[0].Kind != compare.KindLength || len(r.Forgiven) > 0 {
			t.Fatalf("%s\n%s\n%q", writeAll(legacy), writeAll(new), lines(r))
		}
	})
}

// TestInsertedAmongChangedElements also changes one field of every element:
// then there is a difference for each, and still one length.
func TestInsertedAmongChangedElements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		legacy := drawRecords(t, "legacy", true)
		for len(legacy) < 3 {
			legacy = append(legacy, record{id: 70 + len(legacy), v: len(legacy)})
		}
		var new []record
		var want []string
		for i, r := range legacy {
			new = append(new, record{r.id, r.v + 10, r.w})
			want = append(want, fmt.Sprintf("value $[*].v at $[%d].v: %d | %d", i, r.v, r.v+10))
		}
		at := rapid.IntRange(0, len(new)).Draw(t, "at")
		added := record{100, 50, 50}
		new = slices.Insert(new, at, added)
		want = append([]string{fmt.Sprintf("length $ at $: %d elements | %d elements, only here: [%d] %s", len(legacy), len(new), at, added.write())}, want...)
		if got := lines(compare.Exchanges(jsonAnswer(writeAll(legacy)), jsonAnswer(writeAll(new)), nil)); !slices.Equal(got, want) {
			t.Fatalf("%s\n%s\n%q\nwant\n%q", writeAll(legacy), writeAll(new), got, want)
		}
	})
}

// byKeyModel is what comparing two arrays by id finds, the plain way.
func byKeyModel(legacy, new []record, unordered bool) (want []string) {
	free := map[int][]int{}
	for j, r := range new {
		free[r.id] = append(free[r.id], j)
	}
	taken := make([]bool, len(new))
	uneven := len(legacy) != len(new)
	last, moved := -1, false
	for i, r := range legacy {
		js := free[r.id]
		if len(js) == 0 {
			if !uneven {
				want = append(want, fmt.Sprintf("missing $[%d]", i))
			}
			continue
		}
		j := js[0]
		free[r.id], taken[j] = js[1:], true
		moved = moved || j < last
		last = j
		if r.v != new[j].v {
			want = append(want, fmt.Sprintf("value $[%d].v", i))
		}
		if r.w != new[j].w {
			want = append(want, fmt.Sprintf("value $[%d].w", i))
		}
	}
	for j := range new {
		if !taken[j] && !uneven {
			want = append(want, fmt.Sprintf("added $[%d]", j))
		}
	}
	if uneven {
		want = append(want, "length $")
	}
	if moved && !unordered {
		want = append(want, "order $")
	}
	slices.Sort(want)
	return want
}

func found(r compare.Result) (got []string) {
	for _, d := range r.Differences {
		got = append(got, fmt.Sprintf("%s %s", d.Kind, d.At))
	}
	slices.Sort(got)
	return got
}

func TestByKeyIsTheMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unordered := rapid.Bool().Draw(t, "unordered")
		rules := mustCompile(t, compare.Rule{Path: "$", By: "$.id", Unordered: unordered})
		distinct := rapid.Bool().Draw(t, "distinct")
		legacy, new := drawRecords(t, "legacy", distinct), drawRecords(t, "new", distinct)
		a, b := writeAll(legacy), writeAll(new)
		got, want := found(compare.Exchanges(jsonAnswer(a), jsonAnswer(b), rules)), byKeyModel(legacy, new, unordered)
		if !slices.Equal(got, want) {
			t.Fatalf("%s\n%s\n%q\nwant\n%q", a, b, got, want)
		}
	})
}

// TestUnorderedRecordsAreTheMultiset holds that looking for keys among what
// remains makes nothing equal, and nothing differ.
func TestUnorderedRecordsAreTheMultiset(t *testing.T) {
	rules := mustCompile(t, compare.Rule{Path: "$", Unordered: true})
	rapid.Check(t, func(t *rapid.T) {
		legacy := drawRecords(t, "legacy", rapid.Bool().Draw(t, "distinct"))
		new := rapid.Permutation(legacy).Draw(t, "new")
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			if len(new) > 0 {
				new[rapid.IntRange(0, len(new)-1).Draw(t, "changed")].v = rapid.IntRange(0, 3).Draw(t, "v")
			}
		}
		sorted := func(list []record) []string {
			s := strings.Split(strings.Trim(writeAll(list), "[]"), "},")
			for i := range s {
				s[i] = strings.TrimSuffix(s[i], "}")
			}
			slices.Sort(s)
			return s
		}
		r := compare.Exchanges(jsonAnswer(writeAll(legacy)), jsonAnswer(writeAll(new)), rules)
		if r.Match() != slices.Equal(sorted(legacy), sorted(new)) {
			t.Fatalf("%s\n%s\n%q", writeAll(legacy), writeAll(new), lines(r))
		}
	})
}

// TestPairingIsSymmetricAndDeterministic draws arrays in which much may stand
// for much else.
func TestPairingIsSymmetricAndDeterministic(t *testing.T) {
	rules := []*compare.Rules{
		nil, mustCompile(t, compare.Rule{Path: "$", Unordered: true}), mustCompile(t, compare.Rule{Path: "$", By: "$.id"}),
		mustCompile(t, compare.Rule{Path: "$", By: "$.v", Unordered: true}), mustCompile(t, compare.Rule{Path: "$[*].id", Same: "id"}),
	}
	mirrored := map[compare.Kind]compare.Kind{compare.KindMissing: compare.KindAdded, compare.KindAdded: compare.KindMissing}
	rapid.Check(t, func(t *rapid.T) {
		legacy, new := drawRecords(t, "legacy", true), drawRecords(t, "new", rapid.Bool().Draw(t, "distinct"))
		a, b := writeAll(legacy), writeAll(new)
		use := rules[rapid.IntRange(0, len(rules)-1).Draw(t, "rules")]
		there, back := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), use), compare.Exchanges(jsonAnswer(b), jsonAnswer(a), use)
		if again := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), use); !reflect.DeepEqual(there, again) {
			t.Fatalf("%+v\n%+v", there, again)
		}
		var l, n []string
		for _, d := range there.Differences {
			l = append(l, fmt.Sprint(d.Path, d.Kind, d.Legacy, "|", d.New, d.Weight))
		}
		for _, d := range back.Differences {
			if m, ok := mirrored[d.Kind]; ok {
				d.Kind = m
			}
			n = append(n, fmt.Sprint(d.Path, d.Kind, d.New, "|", d.Legacy, d.Weight))
		}
		slices.Sort(l)
		slices.Sort(n)
		if !slices.Equal(l, n) {
			t.Fatalf("%s\n%s\n%q\n%q", a, b, l, n)
		}
	})
}
