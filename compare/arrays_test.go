package compare_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

// listOf writes n elements by a format that takes the number of the element and v.
func listOf(from, to int, v string, format string) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		if i > from {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, format, i, v)
	}
	return b.String()
}

func TestArraysByDetectedKey(t *testing.T) {
	tests := []struct {
		reason      string
		legacy, new string
		want        []string
	}{
		{"each changed and one inserted in front", `[{"id":1,"v":1},{"id":2,"v":2},{"id":3,"v":3}]`, `[{"id":9,"v":9},{"id":1,"v":1.5},{"id":2,"v":2.5},{"id":3,"v":3.5}]`, []string{
			`length $ at $: 3 elements | 4 elements, only here: [0] {"id":9,"v":9}`,
			"value $[*].v at $[0].v: 1 | 1.5", "value $[*].v at $[1].v: 2 | 2.5", "value $[*].v at $[2].v: 3 | 3.5"}},
		{"each changed and one removed in the middle", `[{"sku":"a","v":1},{"sku":"b","v":2},{"sku":"c","v":3}]`, `[{"sku":"a","v":11},{"sku":"c","v":13}]`, []string{
			`length $ at $: 3 elements, only here: [1] {"sku":"b","v":2} | 2 elements`,
			"value $[*].v at $[0].v: 1 | 11", "value $[*].v at $[2].v: 3 | 13"}},
		{"swapped, each changed: one order", `[{"id":1,"v":1},{"id":2,"v":2}]`, `[{"id":2,"v":22},{"id":1,"v":11}]`, []string{
			`order $ at $: [{"id":1,"v":1},{"id":2,"v":2}] | [{"id":2,"v":22},{"id":1,"v":11}]`,
			"value $[*].v at $[0].v: 1 | 11", "value $[*].v at $[1].v: 2 | 22"}},
		{"moved and inserted", `[{"id":1},{"id":2},{"id":3}]`, `[{"id":3},{"id":1},{"id":2},{"id":4}]`, []string{
			`order $ at $: [{"id":1},{"id":2},{"id":3}] | [{"id":3},{"id":1},{"id":2},{"id":4}]`,
			`length $ at $: 3 elements | 4 elements, only here: [3] {"id":4}`}},
		{"an id that turns into a string is still the key", `[{"id":1,"v":1},{"id":2,"v":2}]`, `[{"id":"0","v":0},{"id":"1","v":1},{"id":"2","v":2}]`, []string{
			`length $ at $: 2 elements | 3 elements, only here: [0] {"id":"0","v":0}`,
			`type $[*].id at $[0].id: 1 | "1"`, `type $[*].id at $[1].id: 2 | "2"`}},
		{"ids that only number the elements are no key", `[{"id":1,"a":"x","b":"y","c":"z"},{"id":2,"a":"p","b":"q","c":"r"},{"id":3,"a":"k","b":"l","c":"m"}]`,
			`[{"id":2,"a":"x","b":"y","c":"z"},{"id":3,"a":"p","b":"q","c":"r"},{"id":4,"a":"k","b":"l","c":"m"}]`, []string{
				"value $[*].id at $[0].id: 1 | 2", "value $[*].id at $[1].id: 2 | 3", "value $[*].id at $[2].id: 3 | 4"}},
		{"two ids changed are two values", `[{"id":1,"a":"x","b":"y"},{"id":2,"a":"p","b":"q"},{"id":3,"a":"k","b":"l"}]`,
			`[{"id":8,"a":"x","b":"y"},{"id":2,"a":"p","b":"q"},{"id":9,"a":"k","b":"l"}]`, []string{
				"value $[*].id at $[0].id: 1 | 8", "value $[*].id at $[2].id: 3 | 9"}},
		{"no key: most in common", `[{"a":1,"b":2,"c":3},{"a":4,"b":5,"c":6}]`, `[{"a":7,"b":8,"c":9},{"a":1,"b":2,"c":0},{"a":4,"b":5,"c":0}]`, []string{
			`length $ at $: 2 elements | 3 elements, only here: [0] {"a":7,"b":8,"c":9}`,
			"value $[*].c at $[0].c: 3 | 0", "value $[*].c at $[1].c: 6 | 0"}},
		{"no key, arrays in arrays: most in common", `[[1,2,3],[4,5,6]]`, `[[7,8,9],[1,2,0],[4,5,0]]`, []string{
			`length $ at $: 2 elements | 3 elements, only here: [0] [7,8,9]`,
			"value $[*][*] at $[0][2]: 3 | 0", "value $[*][*] at $[1][2]: 6 | 0"}},
		{"one in ten may lack the key", "[" + listOf(0, 10, "1", `{"id":%d,"v":%s}`) + `,{"v":1}]`, `[{"id":99,"v":9},` + listOf(0, 10, "2", `{"id":%d,"v":%s}`) + `,{"v":1}]`, append([]string{
			`length $ at $: 11 elements | 12 elements, only here: [0] {"id":99,"v":9}`}, valuesAt(0, 10, "$[%d].v", "$[*].v", "1 | 2")...)},
		{"a key that is there twice is none", `[{"id":1,"v":1},{"id":1,"v":2}]`, `[{"id":1,"v":1.5},{"id":1,"v":2.5}]`, []string{
			"value $[*].v at $[0].v: 1 | 1.5", "value $[*].v at $[1].v: 2 | 2.5"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			checkLines(t, compare.Exchanges(jsonAnswer(tt.legacy), jsonAnswer(tt.new), nil), tt.want)
		})
	}
}

// valuesAt is the lines of one value difference in each of several elements.
func valuesAt(from, to int, at, path, values string) []string {
	var lines []string
	for i := from; i < to; i++ {
		lines = append(lines, fmt.Sprintf("value %s at %s: %s", path, fmt.Sprintf(at, i), values))
	}
	return lines
}

func TestArraysByRule(t *testing.T) {
	ordered := compare.Rule{Path: "$.a", By: "$.id"}
	unordered := compare.Rule{Path: "$.a", By: "$.id", Unordered: true}
	tests := []struct {
		reason      string
		rule        compare.Rule
		legacy, new string
		want        []string
	}{
		{"another order is reported once", ordered, `{"a":[{"id":1,"v":1},{"id":2,"v":2}]}`, `{"a":[{"id":2,"v":2},{"id":1,"v":1}]}`, []string{
			`order $.a at $.a: [{"id":1,"v":1},{"id":2,"v":2}] | [{"id":2,"v":2},{"id":1,"v":1}]`}},
		{"another order is forgiven, another value is not", unordered, `{"a":[{"id":1,"v":1},{"id":2,"v":2}]}`, `{"a":[{"id":2,"v":3},{"id":1,"v":1}]}`, []string{
			"value $.a[*].v at $.a[1].v: 2 | 3", "forgiven 1 order $.a: rule $.a unordered by $.id"}},
		{"a key on one side alone", ordered, `{"a":[{"id":1,"v":1},{"id":2,"v":2}]}`, `{"a":[{"id":1,"v":1},{"id":3,"v":2}]}`, []string{
			`missing $.a[*] at $.a[1]: {"id":2,"v":2} | `, `added $.a[*] at $.a[1]:  | {"id":3,"v":2}`}},
		{"repeated keys in order", ordered, `{"a":[{"id":1,"v":1},{"id":1,"v":2},{"id":2}]}`, `{"a":[{"id":1,"v":1},{"id":1,"v":3},{"id":2}]}`, []string{
			"value $.a[*].v at $.a[1].v: 2 | 3"}},
		{"one repeated too often", ordered, `{"a":[{"id":1,"v":1},{"id":2,"v":2}]}`, `{"a":[{"id":1,"v":1},{"id":1,"v":7},{"id":2,"v":2}]}`, []string{
			`length $.a at $.a: 2 elements | 3 elements, only here: [1] {"id":1,"v":7}`}},
		{"without a key by minimal edit among themselves", ordered, `{"a":[{"v":1},{"id":1},{"v":2}]}`, `{"a":[{"v":0},{"v":1},{"id":1},{"v":2}]}`, []string{
			`length $.a at $.a: 3 elements | 4 elements, only here: [0] {"v":0}`}},
		{"null is no key", ordered, `{"a":[{"id":null,"v":1},{"id":null,"v":2}]}`, `{"a":[{"id":null,"v":1},{"id":null,"v":3}]}`, []string{
			"value $.a[*].v at $.a[1].v: 2 | 3"}},
		{"a key further in", compare.Rule{Path: "$.a", By: "$.p.sku", Unordered: true}, `{"a":[{"p":{"sku":"x"},"n":1},{"p":{"sku":"y"},"n":2}]}`, `{"a":[{"p":{"sku":"y"},"n":2},{"n":3,"p":{"s\u006bu":"x"}}]}`, []string{
			"value $.a[*].n at $.a[0].n: 1 | 3", "forgiven 1 order $.a: rule $.a unordered by $.p.sku"}},
		{"timestamps as keys are told apart", compare.Rule{Path: "$.a", By: "$.at"}, `{"a":[{"at":"2026-03-04T05:06:07Z","v":1},{"at":"2026-03-04T05:06:08Z","v":2}]}`, `{"a":[{"at":"2026-03-04T05:06:08Z","v":2},{"at":"2026-03-04T05:06:07Z","v":1}]}`, []string{
			`order $.a at $.a: [{"at":"2026-03-04T05:06:07Z","v":1},{"at":"2026-03-04T05:06:08Z","v":2}] | [{"at":"2026-03-04T05:06:08Z","v":2},{"at":"2026-03-04T05:06:07Z","v":1}]`}},
		{"elements that are no objects", ordered, `{"a":[1,2]}`, `{"a":[1,3]}`, []string{"value $.a[*] at $.a[1]: 2 | 3"}},
		{"a difference far into what is alike", unordered, `{"a":[{"id":1,"text":"alike on both sides"},{"id":2,"v":2},{"id":3,"v":3}]}`, `{"a":[{"id":1,"text":"alike on both sides"},{"id":3,"v":3},{"id":2,"v":4}]}`, []string{
			"value $.a[*].v at $.a[1].v: 2 | 4", "forgiven 1 order $.a: rule $.a unordered by $.id"}},
		{"not an array", ordered, `{"a":1}`, `{"a":2}`, []string{"value $.a at $.a: 1 | 2"}},
		{"unordered without a key looks for one", compare.Rule{Path: "$.a", Unordered: true}, `{"a":[{"id":1,"v":1},{"id":2,"v":2},{"id":3,"v":3}]}`, `{"a":[{"id":3,"v":3},{"id":2,"v":22},{"id":1,"v":11}]}`, []string{
			"value $.a[*].v at $.a[0].v: 1 | 11", "value $.a[*].v at $.a[1].v: 2 | 22", "forgiven 1 order $.a: rule $.a unordered"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			checkLines(t, compare.Exchanges(jsonAnswer(tt.legacy), jsonAnswer(tt.new), mustCompile(t, tt.rule)), tt.want)
		})
	}
}

// TestInsertedInFrontOfTenThousand is what the pairing by keys is for.
func TestInsertedInFrontOfTenThousand(t *testing.T) {
	const stamped = `{"id":%d,"name":"n","seen_at":"2026-03-04T05:06:0%sZ"}`
	tests := []struct {
		reason, format string
		differences    int // listed and left out
		forgiven       int
	}{
		{"each with a timestamp that differs", stamped, 1, 10_000},
		{"each with a value that differs, and an id", `{"id":%d,"name":"n","total":%s}`, 10_001, 0},
		{"each with a value that differs, and no id", `{"n%[1]d":1,"order":%[1]d,"total":%[2]s}`, 10_001, 0},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			legacy := `{"list":[` + listOf(0, 10_000, "1", tt.format) + "]}"
			new := `{"list":[` + listOf(20_000, 20_001, "2", tt.format) + "," + listOf(0, 10_000, "2", tt.format) + "]}"
			r := compare.Exchanges(jsonAnswer(legacy), jsonAnswer(new), nil)
			forgiven := 0
			for _, f := range r.Forgiven {
				forgiven += f.Count
			}
			if len(r.Differences)+r.Truncated != tt.differences || forgiven != tt.forgiven || r.Differences[0].Kind != compare.KindLength {
				t.Errorf("%d differences and %d left out, %d forgiven: %.3000q", len(r.Differences), r.Truncated, forgiven, lines(r))
			}
			for _, d := range r.Differences[1:] {
				if d.Path != "$.list[*].total" || d.Kind != compare.KindValue {
					t.Fatalf("%s at %s", d.Kind, d.At)
				}
			}
		})
	}
}
