package compare_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

func TestRules(t *testing.T) {
	type R = compare.Rule
	tests := []ruleTest{
		{"ignore a member", []R{{Path: "$.debug", Ignore: true}}, `{"a":1,"debug":1}`, `{"a":1,"debug":2}`, []string{"forgiven 1 value $.debug: rule $.debug ignore"}},
		{"ignore what is below", []R{{Path: "$.debug", Ignore: true}}, `{"debug":{"x":[1,2],"y":null}}`, `{"debug":{"x":[1],"z":0}}`, []string{
			"forgiven 1 length $.debug.x: rule $.debug ignore", "forgiven 1 missing $.debug.y: rule $.debug ignore", "forgiven 1 added $.debug.z: rule $.debug ignore"}},
		{"ignore that one side lacks", []R{{Path: "$.debug", Ignore: true}}, `{"a":1,"debug":1}`, `{"a":1}`, []string{"forgiven 1 missing $.debug: rule $.debug ignore"}},
		{"ignore forgives nothing beside it", []R{{Path: "$.a", Ignore: true}}, `{"a":1,"aa":1,"b":{"a":1}}`, `{"a":2,"aa":2,"b":{"a":2}}`, []string{
			"value $.aa at $.aa: 1 | 2", "value $.b.a at $.b.a: 1 | 2", "forgiven 1 value $.a: rule $.a ignore"}},
		{"wildcard over elements", []R{{Path: "$.items[*].trace", Ignore: true}}, `{"items":[{"trace":1,"n":1},{"trace":2,"n":1}]}`, `{"items":[{"trace":3,"n":1},{"trace":4,"n":2}]}`, []string{
			"value $.items[*].n at $.items[1].n: 1 | 2", "forgiven 2 value $.items[*].trace: rule $.items[*].trace ignore"}},
		{"wildcard over members", []R{{Path: "$.*.v", Ignore: true}}, `{"x":{"v":1},"v":1}`, `{"x":{"v":2},"v":2}`, []string{"value $.v at $.v: 1 | 2", "forgiven 1 value $.x.v: rule $.*.v ignore"}},
		{"index", []R{{Path: "$[1]", Ignore: true}}, `[1,1,1]`, `[1,2,2]`, []string{"value $[*] at $[2]: 1 | 2", "forgiven 1 value $[*]: rule $[1] ignore"}},
		{"brackets are names", []R{{Path: `$['a b']["c.d"]`, Ignore: true}}, `{"a b":{"c.d":1,"e":0}}`, `{"a b":{"c.d":2,"e":0}}`, []string{`forgiven 1 value $['a b'].*: rule $['a b']["c.d"] ignore`}},
		{"an escaped name in the body", []R{{Path: "$.trace", Ignore: true}}, `{"\u0074race":1}`, `{"trace":2}`, []string{"forgiven 1 value $.trace: rule $.trace ignore"}},
		{"descendants at any depth, not prefixes", []R{{Path: "$..id", Ignore: true}}, `{"id":1,"a":[{"id":1,"b":{"id":1}}],"idx":1}`, `{"id":2,"a":[{"id":2,"b":{"id":2}}],"idx":2}`, []string{
			"value $.idx at $.idx: 1 | 2", "forgiven 1 value $.id: rule $..id ignore", "forgiven 1 value $.a[*].id: rule $..id ignore", "forgiven 1 value $.a[*].b.id: rule $..id ignore"}},
		{"a descendant and what follows it", []R{{Path: "$..a.b", Ignore: true}}, `{"x":{"a":{"b":1,"c":{"b":1}}},"b":1}`, `{"x":{"a":{"b":2,"c":{"b":2}}},"b":2}`, []string{
			"value $.x.a.c.b at $.x.a.c.b: 1 | 2", "value $.b at $.b: 1 | 2", "forgiven 1 value $.x.a.b: rule $..a.b ignore"}},
		{"nested descendants", []R{{Path: "$..a..b", Ignore: true}}, `{"b":1,"x":{"a":{"a":{"c":[{"b":1}]}}}}`, `{"b":2,"x":{"a":{"a":{"c":[{"b":2}]}}}}`, []string{
			"value $.b at $.b: 1 | 2", "forgiven 1 value $.x.a.a.c[*].b: rule $..a..b ignore"}},
		{"a descendant index", []R{{Path: "$..[0]", Ignore: true}}, `{"a":[1,[1,1]]}`, `{"a":[2,[2,2]]}`, []string{
			"value $.a[*][*] at $.a[1][1]: 1 | 2", "forgiven 1 value $.a[*]: rule $..[0] ignore", "forgiven 1 value $.a[*][*]: rule $..[0] ignore"}},
		{"a plain rule beside a descendant one stays at its depth", []R{{Path: "$.b", Ignore: true}, {Path: "$..a", Ignore: true}}, `{"x":{"b":1}}`, `{"x":{"b":2}}`, []string{"value $.x.b at $.x.b: 1 | 2"}},
		{"the first rule is named", []R{{Path: "$..a", Ignore: true}, {Path: "$.a", Ignore: true}}, `{"a":1}`, `{"a":2}`, []string{"forgiven 1 value $.a: rule $..a ignore"}},

		{"within sets another bound", []R{{Path: "$.at", Within: "2s"}}, `{"at":"2026-03-04T05:06:07Z","b":"2026-03-04T05:06:07Z"}`, `{"at":"2026-03-04T05:06:10Z","b":"2026-03-04T05:06:10Z"}`, []string{
			`value $.at at $.at: "2026-03-04T05:06:07Z" | "2026-03-04T05:06:10Z"`, "forgiven 1 value $.b: timestamp"}},
		{"within a longer time", []R{{Path: "$.at", Within: "96h"}}, `{"at":"2026-03-04T05:06:07Z"}`, `{"at":"2026-03-07T05:06:10Z"}`, []string{"forgiven 1 value $.at: rule $.at within 96h"}},
		{"within asks for one format", []R{{Path: "$.at", Within: "96h"}}, `{"at":"2026-03-04T05:06:07Z"}`, `{"at":"2026-03-07 05:06:10Z"}`, []string{`format $.at at $.at: "2026-03-04T05:06:07Z" | "2026-03-07 05:06:10Z"`}},
		{"within for days", []R{{Path: "$.due", Within: "24h"}}, `{"due":"2026-03-04"}`, `{"due":"2026-03-05"}`, []string{"forgiven 1 value $.due: rule $.due within 24h"}},
		{"within for an epoch of any name", []R{{Path: "$.n", Within: "5s"}}, `{"n":1772600767}`, `{"n":1772600770}`, []string{"forgiven 1 value $.n: rule $.n within 5s"}},
		{"within is not for numbers", []R{{Path: "$.n", Within: "5s"}}, `{"n":1}`, `{"n":2}`, []string{"value $.n at $.n: 1 | 2"}},

		{"tolerance, absolute", []R{{Path: "$[*]", Tolerance: "0.001"}}, `[0.3,1.000,1.000]`, `[0.30000000000000004,1.001,1.0011]`, []string{
			"value $[*] at $[2]: 1.000 | 1.0011", "forgiven 2 value $[*]: rule $[*] tolerance 0.001"}},
		{"tolerance, relative to the larger", []R{{Path: "$[*]", Tolerance: "1%"}}, `[99,98,0,-99]`, `[100,100,1,-100]`, []string{
			"value $[*] at $[1]: 98 | 100", "value $[*] at $[2]: 0 | 1", "forgiven 2 value $[*]: rule $[*] tolerance 1%"}},
		{"tolerance in strings of one type", []R{{Path: "$.p", Tolerance: "0.01"}}, `{"p":"12.30"}`, `{"p":"12.31"}`, []string{"forgiven 1 value $.p: rule $.p tolerance 0.01"}},
		{"tolerance is not for another type", []R{{Path: "$.p", Tolerance: "0.01"}}, `{"p":"12.30"}`, `{"p":12.30}`, []string{`type $.p at $.p: "12.30" | 12.30`}},
		{"tolerance of numbers of another size ends", []R{{Path: "$", Tolerance: "0.01"}}, `1e999999999`, `1`, []string{"value $ at $: 1e999999999 | 1"}},
		{"relative tolerance of huge numbers", []R{{Path: "$", Tolerance: "10%"}}, `1.0e999999999`, `1.05e999999999`, []string{"forgiven 1 value $: rule $ tolerance 10%"}},

		{"unordered", []R{{Path: "$.tags", Unordered: true}}, `{"tags":["a","b","b"]}`, `{"tags":["b","a","b"]}`, []string{"forgiven 1 order $.tags: rule $.tags unordered"}},
		{"unordered counts", []R{{Path: "$.tags", Unordered: true}}, `{"tags":["a","b","b"]}`, `{"tags":["b","a","a"]}`, []string{
			`value $.tags[*] at $.tags[2]: "b" | "a"`, "forgiven 1 order $.tags: rule $.tags unordered"}},
		{"unordered of other lengths", []R{{Path: "$.tags", Unordered: true}}, `{"tags":["a","b"]}`, `{"tags":["c","b","a"]}`, []string{
			`length $.tags at $.tags: 2 elements | 3 elements, only here: [0] "c"`, "forgiven 1 order $.tags: rule $.tags unordered"}},
		{"unordered objects with one changed", []R{{Path: "$", Unordered: true}}, `[{"id":1,"v":1},{"id":2,"v":2},{"id":3,"v":3}]`, `[{"v":3,"id":3},{"id":1,"v":9},{"id":2,"v":2}]`, []string{
			"value $[*].v at $[0].v: 1 | 9", "forgiven 1 order $: rule $ unordered"}},
		{"unordered with two others", []R{{Path: "$", Unordered: true}}, `[1,2,3]`, `[4,1,5]`, []string{
			"missing $[*] at $[1]: 2 | ", "missing $[*] at $[2]: 3 | ", "added $[*] at $[0]:  | 4", "added $[*] at $[2]:  | 5"}},
		{"unordered in unordered", []R{{Path: "$", Unordered: true}, {Path: "$[*].t", Unordered: true}}, `[{"t":[1,2]},{"t":[3,4]}]`, `[{"t":[4,3]},{"t":[2,1]}]`, []string{
			"forgiven 1 order $: rule $ unordered", "forgiven 2 order $[*].t: rule $[*].t unordered"}},
		{"unordered under ignore and same", []R{{Path: "$", Unordered: true}, {Path: "$[*].id", Same: "x"}, {Path: "$[*].trace", Ignore: true}},
			`[{"id":1,"n":"a","trace":1},{"id":2,"n":"b"}]`, `[{"id":12,"n":"b","trace":5},{"id":11,"n":"a","trace":7}]`, []string{
				"forgiven 1 order $: rule $ unordered", "forgiven 2 value $[*].id: rule $[*].id same x",
				"forgiven 1 value $[*].trace: rule $[*].trace ignore", "forgiven 1 added $[*].trace: rule $[*].trace ignore"}},

		{"same maps one to one", []R{{Path: "$..id", Same: "account"}, {Path: "$.owner", Same: "account"}}, `{"id":101,"owner":101,"x":{"id":102}}`, `{"id":201,"owner":201,"x":{"id":202}}`, []string{
			"forgiven 1 value $.id: rule $..id same account", "forgiven 1 value $.owner: rule $.owner same account", "forgiven 1 value $.x.id: rule $..id same account"}},
		{"same, broken from legacy's side", []R{{Path: "$[*]", Same: "x"}}, `[101,101]`, `[201,202]`, []string{"value $[*] at $[1]: 101 | 202", "forgiven 1 value $[*]: rule $[*] same x"}},
		{"same, broken from new's side", []R{{Path: "$[*]", Same: "x"}}, `[101,102]`, `[201,201]`, []string{"value $[*] at $[1]: 102 | 201", "forgiven 1 value $[*]: rule $[*] same x"}},
		{"equal values match before others are mapped", []R{{Path: "$[*]", Same: "x"}}, `[5,5,7]`, `[7,5,7]`, []string{"value $[*] at $[0]: 5 | 7"}},
		{"mappings of other names do not meet", []R{{Path: "$.a", Same: "x"}, {Path: "$.b", Same: "y"}}, `{"a":1,"b":1}`, `{"a":2,"b":3}`, []string{
			"forgiven 1 value $.a: rule $.a same x", "forgiven 1 value $.b: rule $.b same y"}},
		{"same for strings and UUIDs", []R{{Path: "$.*", Same: "x"}}, `{"a":"k1","b":"00000000-0000-0000-0000-000000000001"}`, `{"a":"k2","b":"00000000-0000-0000-0000-000000000002"}`, []string{
			"forgiven 1 value $.a: rule $.* same x", "forgiven 1 value $.b: rule $.* same x"}},
		{"a UUID is not mapped to another string", []R{{Path: "$.a", Same: "x"}}, `{"a":"00000000-0000-0000-0000-000000000001"}`, `{"a":"1"}`, []string{
			`value $.a at $.a: "00000000-0000-0000-0000-000000000001" | "1"`}},
		{"an integer is not mapped to a string", []R{{Path: "$.a", Same: "x"}}, `{"a":1}`, `{"a":"1"}`, []string{`type $.a at $.a: 1 | "1"`}},
		{"fractions are not ids", []R{{Path: "$.a", Same: "x"}}, `{"a":1.5}`, `{"a":2.5}`, []string{"value $.a at $.a: 1.5 | 2.5"}},
		{"spellings of one id are one id", []R{{Path: "$[*]", Same: "x"}}, `[1,1.0,1e0]`, `[2,20e-1,2]`, []string{"forgiven 3 value $[*]: rule $[*] same x"}},
		{"ignore comes before same", []R{{Path: "$.a", Same: "x"}, {Path: "$.a", Ignore: true}}, `{"a":1,"b":1}`, `{"a":2,"b":1}`, []string{"forgiven 1 value $.a: rule $.a ignore"}},
		{"a broken same does not weigh in", []R{{Path: "$..id", Same: "x"}}, `{"id":1,"n":{"id":2}}`, `{"id":3,"n":{"id":4}}`, []string{
			"forgiven 1 value $.id: rule $..id same x", "forgiven 1 value $.n.id: rule $..id same x"}},
	}
	checkRules(t, tests)
}

func TestCompileRefuses(t *testing.T) {
	type R = compare.Rule
	const supported = "\nsupported: names (.a, ['a']), wildcards (.*, [*]), indexes ([0]) and descendants (..a)"
	whole := func(p string) string {
		return fmt.Sprintf("path: ignore of %q forgives a whole answer\nname the fields that may differ, one rule for each", p)
	}
	tests := []struct {
		reason string
		rule   R
		want   string
	}{
		{"the root", R{Path: "$", Ignore: true}, whole("$")},
		{"everything", R{Path: "$..*", Ignore: true}, whole("$..*")},
		{"all members", R{Path: "$.*", Ignore: true}, whole("$.*")},
		{"all elements", R{Path: "$[*]", Ignore: true}, whole("$[*]")},
		{"all of all", R{Path: "$[*].*", Ignore: true}, whole("$[*].*")},
		{"the status", R{Path: "status", Ignore: true}, "path: a rule for \"status\" forgives a whole answer\nname the fields of the answer that may differ; a status that may differ is a change of the endpoint"},
		{"the body", R{Path: "body", Ignore: true}, "path: a rule for \"body\" forgives a whole answer\nname the fields of the answer that may differ; a status that may differ is a change of the endpoint"},
		{"all headers", R{Path: "header:*", Ignore: true}, "path: \"header:*\" names no header\nname one, one rule for each"},
		{"no header", R{Path: "header:", Ignore: true}, "path: \"header:\" names no header\nname one, one rule for each"},
		{"not a header", R{Path: "header:a b", Ignore: true}, "path: \"header:a b\" is not the name of a header\nwrite the name alone, such as header:X-Cache"},
		{"Quack's own", R{Path: "header:quack-footprint", Ignore: true}, "path: \"header:quack-footprint\" is never compared\nleave the rule out: Quack's own fields are not part of the answer"},
		{"all cookies", R{Path: "header:Set-Cookie", Ignore: true}, "path: cookies are compared one by one\nwrite cookie:NAME for each that may differ"},
		{"tolerance of a header", R{Path: "header:X", Tolerance: "1"}, "path: \"header:X\" holds neither arrays, numbers nor members\nunordered, by, tolerance and rename are for JSON paths; here take ignore, within, same, matches, format, empty, case or rewrite"},
		{"unordered table", R{Path: "table:a", Unordered: true}, "path: \"table:a\" is a table, whose rows are paired in whatever order they were written\nleave the rule out; a column that holds a JSON array is table:a.COLUMN"},
		{"within of a table", R{Path: "table:a", Within: "1s"}, "path: \"table:a\" is a table\nhere take ignore; within is for a column: table:a.COLUMN"},
		{"no table", R{Path: "table:", Ignore: true}, "path: \"table:\" names no table\nname one, one rule for each"},
		{"all tables", R{Path: "table:*", Ignore: true}, "path: \"table:*\" names no table\nname one, one rule for each"},
		{"all columns of all tables", R{Path: "table:*.*", Ignore: true}, "path: \"table:*.*\" names no table\nname one, one rule for each; table:*.updated_at is a column in all of them"},
		{"a broken column", R{Path: "table:a.b[", Ignore: true}, `path: path "table:a.b[", at character 11: a bracket holds a quoted name, an index or *` + supported + "\nbehind table: stands a table and what is in its rows, such as table:accounts.email"},
		{"a quote that is open", R{Path: `table:"a.b`, Ignore: true}, "path: \"table:\\\"a.b\" has a double quote that is not closed\nclose it, or write a double quote in a name twice"},
		{"a side of a table", R{Path: "table:a", Ignore: true, Side: "new"}, "side: counts are compared only where both sides are known\nleave side out"},
		{"a kind that tables have not", R{Path: "table:a", Ignore: true, Kind: compare.KindValue}, "kind: ignore forgives no difference of kind value here\nuse footprint or writes, or leave kind out"},
		{"a kind that columns have not", R{Path: "table:a.b", Within: "1h", Kind: compare.KindFootprint}, "kind: within forgives no difference of kind footprint here\nuse writes, or leave kind out"},
		{"no path", R{Ignore: true}, "path: the rule has no path\nwrite one such as $.items[*].price or header:NAME"},
		{"not a path", R{Path: "items.price", Ignore: true}, "path: \"items.price\" is not a path\nwrite a JSONPath that begins with $, or header:NAME, trailer:NAME, cookie:NAME, table:NAME, table:NAME.COLUMN, effect:NAME"},

		{"no action", R{Path: "$.a"}, "path: the rule for \"$.a\" accepts nothing\ngive it one of ignore, within, tolerance, unordered, by, same, matches, format, empty, case, rewrite, rename"},
		{"two actions", R{Path: "$.a", Ignore: true, Same: "x"}, "same: the rule for \"$.a\" has both \"ignore\" and \"same\"\nsplit it into one rule for each"},
		{"a bare number as duration", R{Path: "$.a", Within: "2"}, "within: \"2\" is not a positive duration\nwrite it with a unit, such as 500ms, 2s or 1h30m"},
		{"a negative duration", R{Path: "$.a", Within: "-2s"}, "within: \"-2s\" is not a positive duration\nwrite it with a unit, such as 500ms, 2s or 1h30m"},
		{"not a number", R{Path: "$.a", Tolerance: "1,5"}, "tolerance: \"1,5\" is not a number\nwrite a difference such as 0.001, or a share of the larger value such as 0.1%"},
		{"zero", R{Path: "$.a", Tolerance: "0.0"}, "tolerance: \"0.0\" forgives nothing\nwrite a number above zero, or leave the rule out: numbers are equal by value, however they are written"},
		{"a negative number", R{Path: "$.a", Tolerance: "-1"}, "tolerance: \"-1\" forgives nothing\nwrite a number above zero, or leave the rule out: numbers are equal by value, however they are written"},
		{"everything is within 100%", R{Path: "$.a", Tolerance: "100%"}, "tolerance: \"100%\" forgives any number\nwrite a share below 100%"},
		{"an absurd number", R{Path: "$.a", Tolerance: "1e99999"}, "tolerance: \"1e99999\" is out of range\nwrite a number between 1e-1000 and 1e1000"},
		{"not a day", R{Path: "$.a", Ignore: true, Until: "2026-02-30"}, "until: \"2026-02-30\" is not a date\nwrite the last day as YYYY-MM-DD, such as 2027-01-31"},

		{"hop by hop", R{Path: "header:transfer-encoding", Ignore: true}, "path: \"header:transfer-encoding\" is never compared\nleave the rule out: fields that end with the connection (RFC 9110 section 7.6.1) are not part of the answer"},
		{"a trailer that ends with the connection", R{Path: "trailer:TE", Case: "ignore"}, "path: \"trailer:TE\" is never compared\nleave the rule out: fields that end with the connection (RFC 9110 section 7.6.1) are not part of the answer"},
		{"rename of a header", R{Path: "header:X", Rename: "Y"}, "path: \"header:X\" holds neither arrays, numbers nor members\nunordered, by, tolerance and rename are for JSON paths; here take ignore, within, same, matches, format, empty, case or rewrite"},
		{"matches of a table", R{Path: "table:a", Matches: "x"}, "path: \"table:a\" is a table\nhere take ignore; matches is for a column: table:a.COLUMN"},
		{"rename of the root", R{Path: "$", Rename: "a"}, "path: \"$\" does not end in a name\nrename is for a member: end the path in the name that it has on one side"},
		{"a kind of tables in JSON", R{Path: "$.a", Ignore: true, Kind: compare.KindFootprint}, "kind: ignore forgives no difference of kind footprint here\nuse value, type, missing, added, order, length, format or body, or leave kind out"},
		{"a kind of a header's absence", R{Path: "header:X", Empty: "missing", Kind: compare.KindType}, "kind: empty forgives no difference of kind type here\nuse missing or added, or leave kind out"},
		{"kind and side that do not meet", R{Path: "$.a", Empty: "missing", Side: "legacy", Kind: compare.KindAdded}, "side: a difference of kind added is not one that legacy alone has\nleave side out, or write kind: missing"},
		{"a side of case", R{Path: "$.a", Case: "ignore", Side: "new"}, "side: case is about both sides\nleave side out: it is for ignore, empty, matches, format, rewrite and rename"},
		{"a key with a wildcard", R{Path: "$.a", By: "$.*"}, "by: \"$.*\" may stand for more than one value or for another in each answer\nwrite the names that lead from the element to its key, such as $.id or $.product.sku"},
		{"a key without $", R{Path: "$.a", Unordered: true, By: "id"}, "by: \"id\" is not a path in the element\nwrite the names that lead from the element to its key, such as $.id or $.product.sku"},
		{"no key", R{Path: "$.a", By: "$"}, "by: \"$\" is the whole element\nwrite the names that lead from the element to its key, such as $.id or $.product.sku; elements without a key are paired by their values with unordered alone"},
		{"a broken key", R{Path: "$.a", By: "$.a."}, `by: path "$.a.", at character 5: a name is missing behind the dot` + supported},

		{"a filter", R{Path: "$.a[?@.b]", Ignore: true}, `path: path "$.a[?@.b]", at character 5: filters are not supported` + supported},
		{"a slice", R{Path: "$.a[1:2]", Ignore: true}, `path: path "$.a[1:2]", at character 6: slices are not supported` + supported},
		{"a slice from the start", R{Path: "$.a[:2]", Ignore: true}, `path: path "$.a[:2]", at character 5: slices are not supported` + supported},
		{"a union", R{Path: "$['a','b']", Ignore: true}, `path: path "$['a','b']", at character 6: several selectors in one bracket are not supported: write one rule for each` + supported},
		{"a function", R{Path: "$.a.length()", Ignore: true}, `path: path "$.a.length()", at character 11: functions are not supported` + supported},
		{"an index from the end", R{Path: "$.a[-1]", Ignore: true}, `path: path "$.a[-1]", at character 5: an index from the end is not supported: it may mean other elements on the two sides` + supported},
		{"an index with a zero in front", R{Path: "$.a[01]", Ignore: true}, `path: path "$.a[01]", at character 5: "01" is not an index` + supported},
		{"a name with a dash", R{Path: "$.content-type", Ignore: true}, `path: path "$.content-type", at character 10: a name with '-' in it needs brackets: ['content-…']` + supported},
		{"a name with a digit in front", R{Path: "$.1st", Ignore: true}, `path: path "$.1st", at character 3: a name that begins with a digit needs brackets: ['1st'], an index [0]` + supported},
		{"no name", R{Path: "$.a.", Ignore: true}, `path: path "$.a.", at character 5: a name is missing behind the dot` + supported},
		{"three dots", R{Path: "$...a", Ignore: true}, `path: path "$...a", at character 4: a name is missing behind the dot` + supported},
		{"a bracket behind a dot", R{Path: "$.['a']", Ignore: true}, `path: path "$.['a']", at character 3: a bracket behind a dot: leave the dot out` + supported},
		{"an open bracket", R{Path: "$['a'", Ignore: true}, `path: path "$['a'", at character 6: the closing bracket is missing` + supported},
		{"an open quote", R{Path: "$['a]", Ignore: true}, `path: path "$['a]", at character 6: the closing quote is missing` + supported},
		{"a bare name in brackets", R{Path: "$[a]", Ignore: true}, `path: path "$[a]", at character 3: a bracket holds a quoted name, an index or *` + supported},
		{"an unknown escape", R{Path: `$['\x']`, Ignore: true}, `path: path "$['\\x']", at character 7: an escape that JSON does not have` + supported},
		{"the other quote's escape", R{Path: `$["\'"]`, Ignore: true}, `path: path "$[\"\\'\"]", at character 7: an escape that JSON does not have` + supported},
		{"no dot", R{Path: "$a", Ignore: true}, `path: path "$a", at character 2: a dot or a bracket is missing` + supported},
		{"blanks at the end", R{Path: "$.a ", Ignore: true}, `path: path "$.a ", at character 5: blanks at the end` + supported},
		{"not UTF-8", R{Path: "$.\xff", Ignore: true}, `path: path "$.\xff" is not UTF-8` + supported},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			rules, errs := compare.Compile([]R{{Path: "$.fine", Ignore: true}, tt.rule})
			if len(errs) != 1 || rules != nil {
				t.Fatalf("got %d errors: %v", len(errs), errs)
			}
			if got := errs[0].Error(); got != "rule 2: "+tt.want || errs[0].Index != 1 {
				t.Errorf("got  %q\nwant %q", got, "rule 2: "+tt.want)
			}
		})
	}
	t.Run("all errors at once", func(t *testing.T) {
		_, errs := compare.Compile([]R{{Path: "$", Ignore: true, Until: "soon"}, {Path: "$.a"}, {Path: "$.b", Within: "x", Tolerance: "y"}})
		var got []string
		for _, e := range errs {
			got = append(got, fmt.Sprintf("%d %s", e.Index, e.Field))
		}
		if s := strings.Join(got, ", "); s != "0 until, 0 path, 1 path, 2 tolerance, 2 within, 2 tolerance" {
			t.Errorf("got %s", s)
		}
	})
}

func TestCompileAccepts(t *testing.T) {
	for _, path := range []string{
		"$", "$.a", "$['a']", `$["a"]`, "$[0]", "$[*].a", "$..a", "$..*.a", "$..['a b']", "$..[0].x", `$['\'']`, `$["\u0041"]`,
		"$ .a [ 'b' ]", "$.größe", "$._x1", "header:etag", "trailer:Grpc-Status", "cookie:session",
	} {
		if _, errs := compare.Compile([]compare.Rule{{Path: path, Same: "x"}}); errs != nil {
			t.Errorf("%s: %v", path, errs)
		}
	}
}

func TestRulesList(t *testing.T) {
	rule := compare.Rule{Path: "$.score", Tolerance: "0.001", Owner: "payments"}
	rules := mustCompile(t, rule)
	if got := rules.List(); len(got) != 1 || got[0] != rule || got[0].String() != "$.score tolerance 0.001" {
		t.Errorf("got %v", got)
	}
	var none *compare.Rules
	if none.List() != nil || new(compare.Rules).List() != nil {
		t.Error("no rules have a list")
	}
	if r := compare.Exchanges(jsonAnswer(`{"a":1}`), jsonAnswer(`{"a":2}`), new(compare.Rules)); len(r.Differences) != 1 {
		t.Errorf("zero Rules: %q", lines(r))
	}
}
