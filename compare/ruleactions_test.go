package compare_test

import (
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

// ruleTest is two JSON answers under rules, and what is found.
type ruleTest struct {
	reason      string
	rules       []compare.Rule
	legacy, new string
	want        []string
}

func checkRules(t *testing.T, tests []ruleTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			r := compare.Exchanges(jsonAnswer(tt.legacy), jsonAnswer(tt.new), mustCompile(t, tt.rules...))
			checkLines(t, r, tt.want)
			for _, f := range r.Forgiven {
				if (f.Rule >= 0) != strings.HasPrefix(f.Reason, "rule ") || f.Rule >= 0 && f.Reason != "rule "+tt.rules[f.Rule].String() {
					t.Errorf("rule %d, reason %q", f.Rule, f.Reason)
				}
			}
		})
	}
}

func TestMatches(t *testing.T) {
	type R = compare.Rule
	ref := []R{{Path: "$.a", Matches: `[A-Z]{2}-\d+`}}
	onNew := []R{{Path: "$.a", Matches: `[A-Z]{2}-\d+`, Side: "new"}}
	onLegacy := []R{{Path: "$.a", Matches: `[A-Z]{2}-\d+`, Side: "legacy"}}
	const by = "forgiven 1 value $.a: rule $.a matches [A-Z]{2}-\\d+"
	checkRules(t, []ruleTest{
		{"both match", ref, `{"a":"AB-1","b":1}`, `{"a":"CD-22","b":1}`, []string{by}},
		{"only legacy matches", ref, `{"a":"AB-1"}`, `{"a":"C-22"}`, []string{`value $.a at $.a: "AB-1" | "C-22"`}},
		{"only new matches", ref, `{"a":"C-22"}`, `{"a":"AB-1"}`, []string{`value $.a at $.a: "C-22" | "AB-1"`}},
		{"the whole value", ref, `{"a":"AB-1 "}`, `{"a":"CD-2 "}`, []string{`value $.a at $.a: "AB-1 " | "CD-2 "`}},
		{"the longest of alternatives", []R{{Path: "$.a", Matches: `x|xy`}}, `{"a":"x"}`, `{"a":"xy"}`, []string{"forgiven 1 value $.a: rule $.a matches x|xy"}},
		{"a string by its value", []R{{Path: "$.a", Matches: `é\n.`}}, `{"a":"\u00e9\n1"}`, `{"a":"é\n2"}`, []string{"forgiven 1 value $.a: rule $.a matches é\\n."}},
		{"numbers as written", []R{{Path: "$.a", Matches: `1\.\d0`}}, `{"a":1.10}`, `{"a":1.20}`, []string{`forgiven 1 value $.a: rule $.a matches 1\.\d0`}},
		{"numbers by value do not", []R{{Path: "$.a", Matches: `1\.\d0`}}, `{"a":1.10}`, `{"a":1.2}`, []string{"value $.a at $.a: 1.10 | 1.2"}},
		{"booleans as written", []R{{Path: "$.a", Matches: `true|false`}}, `{"a":true}`, `{"a":false}`, []string{"forgiven 1 value $.a: rule $.a matches true|false"}},
		{"not another type", []R{{Path: "$.a", Matches: `\d`}}, `{"a":1}`, `{"a":"1"}`, []string{`type $.a at $.a: 1 | "1"`}},
		{"not null", []R{{Path: "$.a", Matches: `.*`}}, `{"a":"1"}`, `{"a":null}`, []string{`type $.a at $.a: "1" | null`}},
		{"not an absence", []R{{Path: "$.a", Matches: `.*`}}, `{"a":"1"}`, `{}`, []string{`missing $.a at $.a: "1" | `}},
		{"not what is below", []R{{Path: "$.a", Matches: `.*`}}, `{"a":{"b":1}}`, `{"a":{"b":2}}`, []string{"value $.a.b at $.a.b: 1 | 2"}},
		{"new alone has to match", onNew, `{"a":"7"}`, `{"a":"CD-22"}`, []string{by + " side new"}},
		{"new alone, and does not", onNew, `{"a":"CD-22"}`, `{"a":"7"}`, []string{`value $.a at $.a: "CD-22" | "7"`}},
		{"legacy alone has to match", onLegacy, `{"a":"CD-22"}`, `{"a":"7"}`, []string{by + " side legacy"}},
		{"legacy alone, and does not", onLegacy, `{"a":"7"}`, `{"a":"CD-22"}`, []string{`value $.a at $.a: "7" | "CD-22"`}},
		{"timestamps in two formats that both match", []R{{Path: "$.a", Matches: `2026-.*`}}, `{"a":"2026-03-04T05:06:07Z"}`, `{"a":"2026-03-04 05:06:07Z"}`, []string{"forgiven 1 format $.a: rule $.a matches 2026-.*"}},
		{"of a value only", []R{{Path: "$.a", Matches: `2026-.*`, Kind: compare.KindValue}}, `{"a":"2026-03-04T05:06:07Z"}`, `{"a":"2026-03-04 05:06:07Z"}`, []string{
			`format $.a at $.a: "2026-03-04T05:06:07Z" | "2026-03-04 05:06:07Z"`}},
	})
}

func TestFormat(t *testing.T) {
	type R = compare.Rule
	const v4a, v4b, v7 = "3f2c8a10-0b5e-4c52-9d38-0123456789ab", "ffffffff-0b5e-4fff-8fff-0123456789ab", "0190f5c2-7a00-7c52-9d38-0123456789ab"
	holds := []struct{ reason, format, legacy, new string }{
		{"uuids of two versions", "uuid", `"` + v4a + `"`, `"` + v7 + `"`},
		{"ulids", "ulid", `"01ARZ3NDEKTSV4RRFFQ69G5FAV"`, `"01arz3ndektsv4rrffq69g5fax"`},
		{"timestamps of two styles", "timestamp", `"2026-03-04T05:06:07Z"`, `"2020-03-04 05:06:07"`},
		{"epochs", "timestamp", `1772600767`, `1700000000000`},
		{"dates", "date", `"2026-03-04"`, `"1999-12-31"`},
		{"integers by value", "integer", `1`, `20.0`},
		{"integers in strings", "integer", `"0017"`, `"-4"`},
		{"numbers", "number", `1`, `2.5e3`},
		{"numbers in strings", "number", `"1.5"`, `"007"`},
		{"addresses", "email", `"a.b+c@example.com"`, `"ü@bücher.example"`},
		{"links", "uri", `"https://a.example/x?y#z"`, `"urn:isbn:0451450523"`},
		{"hex of two lengths", "hex", `"abc"`, `"00FF"`},
		{"base64 of both alphabets", "base64", `"a+b/"`, `"a-_b"`},
		{"base64 with padding and without", "base64", `"YQ=="`, `"YWI"`},
		{"the same version of UUID", "same", `"` + v4a + `"`, `"` + v4b + `"`},
		{"one style of timestamp, years apart", "same", `"2026-03-04T05:06:07Z"`, `"1999-03-04T05:06:07Z"`},
		{"one unit of epoch", "same", `1772600767`, `1700000000`},
		{"two integers", "same", `7`, `123`},
		{"two fractions", "same", `7.5`, `0.25`},
		{"hex of one length", "same", `"deadbeefdeadbeef"`, `"0123456789012345"`},
		{"in no known format", "same", `"window"`, `"facade"`},
		{"booleans", "same", `true`, `false`},
	}
	var tests []ruleTest
	for _, h := range holds {
		rule := R{Path: "$.a", Format: h.format}
		for _, flip := range []bool{false, true} {
			l, n := h.legacy, h.new
			if flip {
				l, n = n, l
			}
			tests = append(tests, ruleTest{h.reason, []R{rule}, `{"a":` + l + `}`, `{"a":` + n + `}`, []string{"forgiven 1 value $.a: rule $.a format " + h.format}})
		}
	}
	broken := []struct{ reason, format, legacy, new string }{
		{"not a uuid", "uuid", `"` + v4a + `"`, `"17"`},
		{"neither is one", "uuid", `"18"`, `"17"`},
		{"a letter that ULIDs lack", "ulid", `"01ARZ3NDEKTSV4RRFFQ69G5FAV"`, `"01ARZ3NDEKTSV4RRFFQ69G5FAU"`},
		{"a date is no timestamp", "timestamp", `"2026-03-04T05:06:07Z"`, `"2026-03-04"`},
		{"a day that there is not", "date", `"2026-02-28"`, `"2026-02-30"`},
		{"a fraction", "integer", `1`, `1.5`},
		{"a boolean is no number", "integer", `true`, `false`},
		{"not a number", "number", `"1"`, `"1e"`},
		{"no host", "email", `"a@b.example"`, `"a@"`},
		{"a relative reference", "uri", `"https://a.example"`, `"/x"`},
		{"not hex", "hex", `"ab"`, `"xy"`},
		{"a length that base64 can not have", "base64", `"YWI="`, `"YWI=="`},
		{"two versions of UUID", "same", `"` + v4a + `"`, `"` + v7 + `"`},
		{"seconds and milliseconds", "same", `1772600767`, `1772600767000`},
		{"two styles of timestamp", "same", `"2026-03-04T05:06:07Z"`, `"2026-03-04T05:06:07"`},
		{"a date and a timestamp", "same", `"2026-03-04"`, `"2026-03-04T05:06:07"`},
		{"hex of two lengths under same", "same", `"deadbeefdeadbeef"`, `"deadbeefdeadbeef00"`},
		{"one in a known format", "same", `"a@b.example"`, `"nobody"`},
		{"an integer and a fraction", "same", `7`, `7.5`},
	}
	for _, b := range broken {
		rule := R{Path: "$.a", Format: b.format}
		tests = append(tests,
			ruleTest{b.reason, []R{rule}, `{"a":` + b.legacy + `}`, `{"a":` + b.new + `}`, []string{"format $.a at $.a: " + b.legacy + " | " + b.new}},
			ruleTest{b.reason + ", sides swapped", []R{rule}, `{"a":` + b.new + `}`, `{"a":` + b.legacy + `}`, []string{"format $.a at $.a: " + b.new + " | " + b.legacy}})
	}
	hexOn := func(side string) []R { return []R{{Path: "$.a", Format: "hex", Side: side}} }
	checkRules(t, append(tests, []ruleTest{
		{"not another type", []R{{Path: "$.a", Format: "integer"}}, `{"a":1}`, `{"a":"1"}`, []string{`type $.a at $.a: 1 | "1"`}},
		{"not an absence", []R{{Path: "$.a", Format: "same"}}, `{"a":1}`, `{}`, []string{"missing $.a at $.a: 1 | "}},
		{"new alone", hexOn("new"), `{"a":"17-x"}`, `{"a":"ab"}`, []string{"forgiven 1 value $.a: rule $.a format hex side new"}},
		{"new alone, and has it not", hexOn("new"), `{"a":"ab"}`, `{"a":"17-x"}`, []string{`format $.a at $.a: "ab" | "17-x"`}},
		{"legacy alone", hexOn("legacy"), `{"a":"ab"}`, `{"a":"17-x"}`, []string{"forgiven 1 value $.a: rule $.a format hex side legacy"}},
		{"legacy alone, and has it not", hexOn("legacy"), `{"a":"17-x"}`, `{"a":"ab"}`, []string{`format $.a at $.a: "17-x" | "ab"`}},
		{"another rule may still forgive", []R{{Path: "$.a", Format: "uuid"}, {Path: "$.a", Ignore: true, Kind: compare.KindFormat}}, `{"a":"1"}`, `{"a":"2"}`, []string{"forgiven 1 format $.a: rule $.a ignore kind format"}},
	}...))
}

func TestEmpty(t *testing.T) {
	type R = compare.Rule
	rule := []R{{Path: "$.a", Empty: "missing"}}
	var tests []ruleTest
	empties := []string{`null`, `""`, `[]`, `[ ]`, `{}`}
	for _, l := range empties {
		tests = append(tests,
			ruleTest{l + " and nothing", rule, `{"a":` + l + `}`, `{}`, []string{"forgiven 1 missing $.a: rule $.a empty missing"}},
			ruleTest{"nothing and " + l, rule, `{}`, `{"a":` + l + `}`, []string{"forgiven 1 added $.a: rule $.a empty missing"}})
		for _, n := range empties {
			if l[0] != n[0] {
				tests = append(tests, ruleTest{l + " and " + n, rule, `{"a":` + l + `}`, `{"a":` + n + `}`, []string{"forgiven 1 type $.a: rule $.a empty missing"}})
			}
		}
		for _, n := range []string{`0`, `false`, `" "`, `[null]`, `{"b":null}`} {
			if l[0] != n[0] {
				tests = append(tests, ruleTest{l + " and " + n, rule, `{"a":` + l + `}`, `{"a":` + n + `}`, []string{"type $.a at $.a: " + l + " | " + n}})
			}
		}
	}
	onLegacy, onNew := []R{{Path: "$.a", Empty: "missing", Side: "legacy"}}, []R{{Path: "$.a", Empty: "missing", Side: "new"}}
	checkRules(t, append(tests, []ruleTest{
		{"a value and nothing", rule, `{"a":0}`, `{}`, []string{"missing $.a at $.a: 0 | "}},
		{"an empty string and another", rule, `{"a":""}`, `{"a":"x"}`, []string{`value $.a at $.a: "" | "x"`}},
		{"an empty array and another", rule, `{"a":[]}`, `{"a":[1]}`, []string{"length $.a at $.a: 0 elements | 1 element, only here: [0] 1"}},
		{"legacy alone has it", onLegacy, `{"a":null}`, `{}`, []string{"forgiven 1 missing $.a: rule $.a empty missing side legacy"}},
		{"legacy alone may have it", onLegacy, `{}`, `{"a":null}`, []string{"added $.a at $.a:  | null"}},
		{"new alone has it", onNew, `{}`, `{"a":[]}`, []string{"forgiven 1 added $.a: rule $.a empty missing side new"}},
		{"new alone may have it", onNew, `{"a":[]}`, `{}`, []string{"missing $.a at $.a: [] | "}},
		{"a side is about absence", onNew, `{"a":[]}`, `{"a":null}`, []string{"type $.a at $.a: [] | null"}},
		{"null and a string, of kind type alone", []R{{Path: "$.a", Empty: "missing", Kind: compare.KindType}, {Path: "$.b", Empty: "missing", Kind: compare.KindType}}, `{"a":null,"b":null}`, `{"a":""}`, []string{
			"missing $.b at $.b: null | ", "forgiven 1 type $.a: rule $.a empty missing kind type"}},
		{"anywhere", []R{{Path: "$..*", Empty: "missing"}}, `{"a":{"b":null,"c":1}}`, `{"a":{"c":2}}`, []string{
			"value $.a.c at $.a.c: 1 | 2", "forgiven 1 missing $.a.b: rule $..* empty missing"}},
	}...))
}

func TestCase(t *testing.T) {
	type R = compare.Rule
	rule := []R{{Path: "$.a", Case: "ignore"}}
	const by = "forgiven 1 value $.a: rule $.a case ignore"
	checkRules(t, []ruleTest{
		{"letters of ASCII", rule, `{"a":"Open"}`, `{"a":"OPEN"}`, []string{by}},
		{"letters beyond", rule, `{"a":"ÄΣ"}`, `{"a":"\u00e4ς"}`, []string{by}},
		{"the sign for kelvin is a k", rule, `{"a":"\u212a"}`, `{"a":"K"}`, []string{by}},
		{"another word", rule, `{"a":"Open"}`, `{"a":"Opened"}`, []string{`value $.a at $.a: "Open" | "Opened"`}},
		{"halves of pairs are not letters", rule, `{"a":"\ud800"}`, `{"a":"\ud801"}`, []string{`value $.a at $.a: "\ud800" | "\ud801"`}},
		{"names keep their case", []R{{Path: "$..*", Case: "ignore"}}, `{"a":"x"}`, `{"A":"x"}`, []string{`missing $.a at $.a: "x" | `, `added $.A at $.A:  | "x"`}},
		{"timestamps with small letters", rule, `{"a":"2026-03-04T05:06:07Z"}`, `{"a":"2026-03-04t05:06:07z"}`, []string{"forgiven 1 format $.a: rule $.a case ignore"}},
	})
}

func TestRewrite(t *testing.T) {
	type R = compare.Rule
	type W = compare.Rewrite
	host := W{From: "http://new:8080", To: "https://shop.example"}
	rule := []R{{Path: "$..*", Rewrite: host}}
	onLegacy := []R{{Path: "$.a", Rewrite: host, Side: "legacy"}}
	const text = `rewrite "http://new:8080" to "https://shop.example"`
	checkRules(t, []ruleTest{
		{"a link", rule, `{"a":{"href":"https://shop.example/1"}}`, `{"a":{"href":"http://new:8080/1"}}`, []string{"forgiven 1 value $.a.href: rule $..* " + text}},
		{"every occurrence, escapes or not", rule, `{"a":"https://shop.example https://shop.example"}`, `{"a":"http:\/\/new:8080 http://new:8080"}`, []string{"forgiven 1 value $.a: rule $..* " + text}},
		{"what is left differs", rule, `{"a":"https://shop.example/1"}`, `{"a":"http://new:8080/2"}`, []string{`value $.a at $.a: "https://shop.example/1" | "http://new:8080/2"`}},
		{"only new's", rule, `{"a":"http://new:8080/1"}`, `{"a":"https://shop.example/1"}`, []string{`value $.a at $.a: "http://new:8080/1" | "https://shop.example/1"`}},
		{"only legacy's", onLegacy, `{"a":"http://new:8080/1"}`, `{"a":"https://shop.example/1"}`, []string{"forgiven 1 value $.a: rule $.a " + text + " side legacy"}},
		{"only legacy's, and it is new's", onLegacy, `{"a":"https://shop.example/1"}`, `{"a":"http://new:8080/1"}`, []string{`value $.a at $.a: "https://shop.example/1" | "http://new:8080/1"`}},
		{"equal as they came", rule, `{"a":"http://new:8080/1","b":1}`, `{"a":"http://new:8080/1","b":1.0}`, nil},
		{"not a name", rule, `{"https://shop.example":1}`, `{"http://new:8080":1}`, []string{`missing $.* at $['https://shop.example']: 1 | `, `added $.* at $['http://new:8080']:  | 1`}},
		{"two rewritings, one after the other", []R{{Path: "$.a", Rewrite: W{From: "b", To: "c"}}, {Path: "$.a", Rewrite: W{From: "c", To: "d"}}}, `{"a":"d"}`, `{"a":"b"}`, []string{`forgiven 1 value $.a: rule $.a rewrite "c" to "d"`}},
		{"then a timestamp", []R{{Path: "$.a", Rewrite: W{From: "at ", To: ""}}}, `{"a":"2026-03-04T05:06:07Z"}`, `{"a":"at 2026-03-04T05:06:08Z"}`, []string{"forgiven 1 value $.a: timestamp"}},
		{"then within", []R{{Path: "$.a", Rewrite: W{From: "Z", To: "+00:00"}}, {Path: "$.a", Within: "1h"}}, `{"a":"2026-03-04T05:06:07+00:00"}`, `{"a":"2026-03-04T05:26:07Z"}`, []string{"forgiven 1 value $.a: rule $.a within 1h"}},
		{"then case", []R{{Path: "$.a", Rewrite: W{From: "x", To: "y"}}, {Path: "$.a", Case: "ignore"}}, `{"a":"AY"}`, `{"a":"ax"}`, []string{"forgiven 1 value $.a: rule $.a case ignore"}},
		{"then same", []R{{Path: "$[*]", Rewrite: W{From: "n-", To: ""}}, {Path: "$[*]", Same: "id"}}, `["1","1","2"]`, `["n-7","7","n-7"]`, []string{
			`value $[*] at $[2]: "2" | "n-7"`, "forgiven 2 value $[*]: rule $[*] same id"}},
	})
}

func TestRename(t *testing.T) {
	type R = compare.Rule
	rule := []R{{Path: "$.a", Rename: "b"}}
	const by = "forgiven 1 missing $.a: rule $.a rename b"
	back := []R{{Path: "$.a", Rename: "b", Side: "legacy"}}
	checkRules(t, []ruleTest{
		{"another name", rule, `{"a":1,"c":2}`, `{"b":1,"c":2}`, []string{by}},
		{"another name and value", rule, `{"a":1,"c":2}`, `{"c":2,"b":3}`, []string{"value $.a at $.a: 1 | 3", by}},
		{"values below it", rule, `{"a":{"x":1}}`, `{"b":{"x":2}}`, []string{"value $.a.x at $.a.x: 1 | 2", by}},
		{"other rules know legacy's name", append(rule, R{Path: "$.a.x", Tolerance: "1"}, R{Path: "$.b", Ignore: true}), `{"a":{"x":1,"y":1}}`, `{"b":{"x":2,"y":2}}`, []string{
			"value $.a.y at $.a.y: 1 | 2", by, "forgiven 1 value $.a.x: rule $.a.x tolerance 1"}},
		{"the old name still", rule, `{"a":1}`, `{"a":1}`, nil},
		{"both names on new", rule, `{"a":1}`, `{"a":1,"b":1}`, []string{"added $.b at $.b:  | 1"}},
		{"both names on legacy", rule, `{"b":2,"a":1}`, `{"b":2}`, []string{"missing $.a at $.a: 1 | "}},
		{"both names on legacy, the other way round", rule, `{"a":1,"b":2}`, `{"b":2}`, []string{"missing $.a at $.a: 1 | "}},
		{"the other way", rule, `{"b":1}`, `{"a":1}`, []string{"missing $.b at $.b: 1 | ", "added $.a at $.a:  | 1"}},
		{"none of the names", rule, `{"a":1}`, `{}`, []string{"missing $.a at $.a: 1 | "}},
		{"legacy has the other name", back, `{"b":1}`, `{"a":1}`, []string{"forgiven 1 missing $.b: rule $.a rename b side legacy"}},
		{"legacy has the other name, new the path's", back, `{"a":1}`, `{"b":1}`, []string{"missing $.a at $.a: 1 | ", "added $.b at $.b:  | 1"}},
		{"at any depth, with escapes", []R{{Path: "$..a", Rename: "é"}}, `{"x":[{"\u0061":1,"b":0}]}`, `{"x":[{"b":0,"\u00e9":1}]}`, []string{"forgiven 1 missing $.x[*].a: rule $..a rename é"}},
		{"not at another depth", rule, `{"x":{"a":1}}`, `{"x":{"b":1}}`, []string{"missing $.x.a at $.x.a: 1 | ", "added $.x.b at $.x.b:  | 1"}},
		{"in elements that are paired anew", []R{{Path: "$[*].a", Rename: "b"}}, `[{"a":1},{"a":2},{"a":3},{"a":4}]`, `[{"b":0},{"b":1},{"b":2},{"b":3},{"b":4}]`, []string{
			`length $ at $: 4 elements | 5 elements, only here: [0] {"b":0}`, "forgiven 4 missing $[*].a: rule $[*].a rename b"}},
	})
}

func TestSideAndKindOfIgnore(t *testing.T) {
	type R = compare.Rule
	adds := []R{{Path: "$..*", Ignore: true, Kind: compare.KindAdded}}
	at := func(k compare.Kind) []R { return []R{{Path: "$.a", Ignore: true, Kind: k}} }
	checkRules(t, []ruleTest{
		{"new may add", adds, `{"a":{"b":1}}`, `{"a":{"b":1,"c":[1]},"d":2}`, []string{
			"forgiven 1 added $.a.c: rule $..* ignore kind added", "forgiven 1 added $.d: rule $..* ignore kind added"}},
		{"and no more", adds, `{"a":1,"b":1,"c":1,"d":[1]}`, `{"b":2,"c":"1","d":[1,2]}`, []string{
			"missing $.a at $.a: 1 | ", "value $.b at $.b: 1 | 2", `type $.c at $.c: 1 | "1"`, "length $.d at $.d: 1 element | 2 elements, only here: [1] 2"}},
		{"side new is what new adds", []R{{Path: "$..*", Ignore: true, Side: "new"}}, `{"a":1}`, `{"b":1}`, []string{
			"missing $.a at $.a: 1 | ", "forgiven 1 added $.b: rule $..* ignore side new"}},
		{"side legacy is what new lacks", []R{{Path: "$.a", Ignore: true, Side: "legacy"}}, `{"a":1}`, `{}`, []string{"forgiven 1 missing $.a: rule $.a ignore side legacy"}},
		{"side legacy is not what new adds", []R{{Path: "$.a", Ignore: true, Side: "legacy"}}, `{}`, `{"a":1}`, []string{"added $.a at $.a:  | 1"}},
		{"side legacy is no value", []R{{Path: "$.a", Ignore: true, Side: "legacy"}}, `{"a":1}`, `{"a":2}`, []string{"value $.a at $.a: 1 | 2"}},
		{"values below the path", at(compare.KindValue), `{"a":{"b":[1,{"c":1}],"d":1},"e":1}`, `{"a":{"b":[2,{"c":2}],"d":"1"},"e":2}`, []string{
			`type $.a.d at $.a.d: 1 | "1"`, "value $.e at $.e: 1 | 2", "forgiven 1 value $.a.b[*]: rule $.a ignore kind value", "forgiven 1 value $.a.b[*].c: rule $.a ignore kind value"}},
		{"types", at(compare.KindType), `{"a":1,"b":1}`, `{"a":"1","b":"1"}`, []string{`type $.b at $.b: 1 | "1"`, "forgiven 1 type $.a: rule $.a ignore kind type"}},
		{"order", at(compare.KindOrder), `{"a":[1,2],"b":[1,2]}`, `{"a":[2,1],"b":[2,1]}`, []string{"order $.b at $.b: [1,2] | [2,1]", "forgiven 1 order $.a: rule $.a ignore kind order"}},
		{"length", at(compare.KindLength), `{"a":[1,2]}`, `{"a":[1]}`, []string{"forgiven 1 length $.a: rule $.a ignore kind length"}},
		{"format", at(compare.KindFormat), `{"a":"2026-03-04T05:06:07Z"}`, `{"a":"2026-03-04 05:06:07Z"}`, []string{"forgiven 1 format $.a: rule $.a ignore kind format"}},
		{"a repeated name", at(compare.KindBody), `{"a":1}`, `{"a":1,"a":2}`, []string{"forgiven 1 body $.a: rule $.a ignore kind body"}},
		{"timestamps close by are forgiven without it", at(compare.KindValue), `{"a":"2026-03-04T05:06:07Z"}`, `{"a":"2026-03-04T05:06:08Z"}`, []string{"forgiven 1 value $.a: timestamp"}},
		{"an outer and an inner rule, the first is named", []R{{Path: "$.a", Ignore: true, Kind: compare.KindValue}, {Path: "$.a.b", Ignore: true, Kind: compare.KindValue}}, `{"a":{"b":1}}`, `{"a":{"b":2}}`, []string{
			"forgiven 1 value $.a.b: rule $.a ignore kind value"}},
		{"elements that only lack a member are paired", []R{{Path: "$[*].x", Ignore: true, Kind: compare.KindMissing}}, `[{"id":1,"x":1},{"id":2},{"id":3,"x":1}]`, `[{"id":0},{"id":1},{"id":2},{"id":3}]`, []string{
			`length $ at $: 3 elements | 4 elements, only here: [0] {"id":0}`, "forgiven 2 missing $[*].x: rule $[*].x ignore kind missing"}},
		{"elements to which new adds a member are paired", adds, `[{"id":1},{"id":2},{"id":3}]`, `[{"id":0,"v":1},{"id":1,"v":1},{"id":2,"v":1},{"id":3,"v":1}]`, []string{
			`length $ at $: 3 elements | 4 elements, only here: [0] {"id":0,"v":1}`, "forgiven 3 added $[*].v: rule $..* ignore kind added"}},
	})
}

// TestForgivenElementsArePaired holds that elements which differ in what a rule
// forgives are taken for each other when one more stands in front.
func TestForgivenElementsArePaired(t *testing.T) {
	type R = compare.Rule
	tests := []struct {
		rule        R
		legacy, new [3]string
	}{
		{R{Matches: `[a-z]+`}, [3]string{`"a"`, `"b"`, `"c"`}, [3]string{`"x"`, `"y"`, `"z"`}},
		{R{Format: "uuid"}, [3]string{`"3f2c8a10-0b5e-4c52-9d38-0123456789ab"`, `"3f2c8a10-0b5e-4c52-9d38-0123456789ac"`, `"3f2c8a10-0b5e-4c52-9d38-0123456789ad"`}, [3]string{
			`"3f2c8a10-0b5e-4c52-9d38-012345678901"`, `"3f2c8a10-0b5e-4c52-9d38-012345678902"`, `"3f2c8a10-0b5e-4c52-9d38-012345678903"`}},
		{R{Format: "same"}, [3]string{`1`, `true`, `3.5`}, [3]string{`2`, `false`, `4.5`}},
		{R{Empty: "missing"}, [3]string{`null`, `""`, `[]`}, [3]string{`{}`, `[]`, `null`}},
		{R{Case: "ignore"}, [3]string{`"a"`, `"é"`, `"\u212a"`}, [3]string{`"A"`, `"É"`, `"k"`}},
		{R{Rewrite: compare.Rewrite{From: "new", To: "old"}}, [3]string{`"old/1"`, `"old/2"`, `"old/3"`}, [3]string{`"new/1"`, `"new/2"`, `"n\u0065w/3"`}},
		{R{Ignore: true, Kind: compare.KindValue}, [3]string{`1`, `"b"`, `{"c":[true]}`}, [3]string{`2`, `"x"`, `{"c":[false]}`}},
		{R{Ignore: true, Kind: compare.KindType}, [3]string{`1`, `"2"`, `null`}, [3]string{`"1"`, `2`, `3`}},
		{R{Ignore: true, Kind: compare.KindOrder}, [3]string{`[1,2]`, `[3,4]`, `[5,6]`}, [3]string{`[2,1]`, `[4,3]`, `[6,5]`}},
	}
	for _, tt := range tests {
		tt.rule.Path = "$[*].v"
		t.Run(tt.rule.String(), func(t *testing.T) {
			write := func(values [3]string, more ...string) string {
				items := more
				for i, v := range values {
					items = append(items, `{"id":`+string(rune('1'+i))+`,"v":`+v+`}`)
				}
				return "[" + strings.Join(items, ",") + "]"
			}
			rules := mustCompile(t, tt.rule)
			r := compare.Exchanges(jsonAnswer(write(tt.legacy)), jsonAnswer(write(tt.new, `{"id":0}`)), rules)
			if len(r.Differences) != 1 || r.Differences[0].Kind != compare.KindLength {
				t.Errorf("got %q", lines(r))
			}
			r = compare.Exchanges(jsonAnswer(write(tt.legacy, `{"id":0}`)), jsonAnswer(write(tt.new)), rules)
			if len(r.Differences) != 1 || r.Differences[0].Kind != compare.KindLength {
				t.Errorf("the other way, got %q", lines(r))
			}
		})
	}
}

func TestRulesOfHeadersAndCookies(t *testing.T) {
	type R = compare.Rule
	type H = []string
	rewrite := compare.Rewrite{From: "http://new:8080", To: "https://shop.example"}
	tests := []struct {
		reason      string
		rules       []R
		legacy, new H
		want        []string
	}{
		{"matches", []R{{Path: "header:X-V", Matches: `v\d+`}}, H{"X-V: v1"}, H{"X-V: v22"}, H{`forgiven 1 header header:X-V: rule header:X-V matches v\d+`}},
		{"matches not", []R{{Path: "header:X-V", Matches: `v\d+`}}, H{"X-V: v1"}, H{"X-V: w1"}, H{"header header:X-V at header:X-V: v1 | w1"}},
		{"format", []R{{Path: "header:X-V", Format: "integer"}}, H{"X-V: 1"}, H{"X-V: 22"}, H{"forgiven 1 header header:X-V: rule header:X-V format integer"}},
		{"another format", []R{{Path: "header:X-V", Format: "integer"}}, H{"X-V: 1"}, H{"X-V: x"}, H{"format header:X-V at header:X-V: 1 | x"}},
		{"the same format, epochs", []R{{Path: "header:X-V", Format: "same"}}, H{"X-V: 1772600767"}, H{"X-V: 1672600767"}, H{"forgiven 1 header header:X-V: rule header:X-V format same"}},
		{"case", []R{{Path: "header:X-V", Case: "ignore"}}, H{"X-V: Hit"}, H{"X-V: HIT"}, H{"forgiven 1 header header:X-V: rule header:X-V case ignore"}},
		{"empty and missing", []R{{Path: "header:X-V", Empty: "missing"}}, H{"X-V: "}, H{}, H{"forgiven 1 missing header:X-V: rule header:X-V empty missing"}},
		{"missing and empty", []R{{Path: "header:X-V", Empty: "missing"}}, H{}, H{"X-V: "}, H{"forgiven 1 added header:X-V: rule header:X-V empty missing"}},
		{"not empty", []R{{Path: "header:X-V", Empty: "missing"}}, H{}, H{"X-V: 0"}, H{"added header:X-V at header:X-V:  | 0"}},
		{"rewrite", []R{{Path: "header:Location", Rewrite: rewrite}}, H{"Location: https://shop.example/1"}, H{"Location: http://new:8080/1"}, H{
			`forgiven 1 header header:Location: rule header:Location rewrite "http://new:8080" to "https://shop.example"`}},
		{"rewrite and same", []R{{Path: "header:Location", Rewrite: rewrite}, {Path: "header:Location", Same: "link"}, {Path: "header:Link", Same: "link"}},
			H{"Location: https://shop.example/1", "Link: https://shop.example/1"}, H{"Location: http://new:8080/2", "Link: https://shop.example/2"}, H{
				"forgiven 1 header header:Link: rule header:Link same link", "forgiven 1 header header:Location: rule header:Location same link"}},
		{"side", []R{{Path: "header:X-V", Ignore: true, Side: "new"}, {Path: "header:X-W", Ignore: true, Side: "new"}}, H{"X-W: 1"}, H{"X-V: 1"}, H{
			"missing header:X-W at header:X-W: 1 | ", "forgiven 1 added header:X-V: rule header:X-V ignore side new"}},
		{"kind", []R{{Path: "header:X-V", Ignore: true, Kind: compare.KindHeader}, {Path: "header:X-W", Ignore: true, Kind: compare.KindHeader}}, H{"X-V: 1", "X-W: 1"}, H{"X-V: 2"}, H{
			"missing header:X-W at header:X-W: 1 | ", "forgiven 1 header header:X-V: rule header:X-V ignore kind header"}},

		{"a cookie's value", []R{{Path: "cookie:s", Matches: `[a-z]+`}}, H{"Set-Cookie: s=abc; Path=/"}, H{"Set-Cookie: s=x; Path=/"}, H{"forgiven 1 header cookie:s: rule cookie:s matches [a-z]+"}},
		{"a cookie's value and attributes", []R{{Path: "cookie:s", Matches: `[a-z]+`}}, H{"Set-Cookie: s=abc; Path=/"}, H{"Set-Cookie: s=x"}, H{"header cookie:s at cookie:s: s=abc; Path=/ | s=x"}},
		{"a cookie in another format", []R{{Path: "cookie:s", Format: "hex"}}, H{"Set-Cookie: s=abc"}, H{"Set-Cookie: s=xyz"}, H{"format cookie:s at cookie:s: s=abc | s=xyz"}},
		{"a cookie's case", []R{{Path: "cookie:s", Case: "ignore"}}, H{"Set-Cookie: s=abc"}, H{"Set-Cookie: s=ABC"}, H{"forgiven 1 header cookie:s: rule cookie:s case ignore"}},
		{"an empty cookie and none", []R{{Path: "cookie:s", Empty: "missing"}}, H{"Set-Cookie: s=; Path=/"}, H{}, H{"forgiven 1 missing cookie:s: rule cookie:s empty missing"}},
		{"a cookie and none", []R{{Path: "cookie:s", Empty: "missing"}}, H{"Set-Cookie: s=1; Path=/"}, H{}, H{"missing cookie:s at cookie:s: s=1; Path=/ | "}},
		{"attributes by kind", []R{{Path: "cookie:s", Ignore: true, Kind: compare.KindHeader}}, H{"Set-Cookie: s=1; Path=/"}, H{"Set-Cookie: s=1"}, H{"forgiven 1 header cookie:s: rule cookie:s ignore kind header"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			l, n := answer("", "", tt.legacy...), answer("", "", tt.new...)
			checkLines(t, compare.Exchanges(l, n, mustCompile(t, tt.rules...)), tt.want)
			tl, tn := answer("", ""), answer("", "")
			tl.Trailer, tn.Trailer = header(tt.legacy...), header(tt.new...)
			if strings.HasPrefix(tt.rules[0].Path, "cookie:") {
				return
			}
			rules, want := []R{}, []string{}
			for _, r := range tt.rules {
				r.Path = strings.Replace(r.Path, "header:", "trailer:", 1)
				rules = append(rules, r)
			}
			for _, w := range tt.want {
				want = append(want, strings.ReplaceAll(w, "header:", "trailer:"))
			}
			checkLines(t, compare.Exchanges(tl, tn, mustCompile(t, rules...)), want)
		})
	}
}
