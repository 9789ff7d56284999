package compare_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

// lines writes a Result for tests: a line for each difference and each
// forgiven entry, and one for what was left out.
func lines(r compare.Result) []string {
	var out []string
	for _, d := range r.Differences {
		out = append(out, fmt.Sprintf("%s %s at %s: %s | %s", d.Kind, d.Path, d.At, d.Legacy, d.New))
	}
	for _, f := range r.Forgiven {
		out = append(out, fmt.Sprintf("forgiven %d %s %s: %s", f.Count, f.Kind, f.Path, f.Reason))
	}
	if r.Truncated > 0 {
		out = append(out, fmt.Sprintf("and %d more", r.Truncated))
	}
	if r.Err != nil {
		out = append(out, "error: "+r.Err.Error())
	}
	return out
}

func checkLines(t *testing.T, got compare.Result, want []string) {
	t.Helper()
	if g := lines(got); !slices.Equal(g, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(g, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestJSON(t *testing.T) {
	const ts = `"2026-03-04T05:06:07.123Z"`
	tests := []struct {
		reason      string
		legacy, new string
		want        []string
	}{
		{"member order does not matter", `{"a":1,"b":2}`, `{"b":2,"a":1}`, nil},
		{"white space does not matter", "{\"a\" : [1, 2]}", "\n{\"a\":[1,2\t]}\r\n", nil},
		{"one price", `{"id":1,"price":19.99}`, `{"id":1,"price":18.99}`, []string{"value $.price at $.price: 19.99 | 18.99"}},
		{"numbers compare by value", `[1,1.0,100,0,-0.0,1e2]`, `[1.0,1e0,1E+2,-0,0e9,100.00]`, nil},
		{"one above 2^53", `9007199254740993`, `9007199254740992`, []string{"value $ at $: 9007199254740993 | 9007199254740992"}},
		{"the last digit of a long fraction", `0.1000000000000000000001`, `0.1`, []string{"value $ at $: 0.1000000000000000000001 | 0.1"}},
		{"huge exponents are equal without being written out", `1e1000000000000000000000`, `10e999999999999999999999`, nil},
		{"huge exponents differ", `1e1000000000000000000000`, `1e1000000000000000000001`, []string{"value $ at $: 1e1000000000000000000000 | 1e1000000000000000000001"}},
		{"exponents 2^64 apart", `1e18446744073709551616`, `1e0`, []string{"value $ at $: 1e18446744073709551616 | 1e0"}},
		{"signs differ from the first character on", `[-1,2]`, `[1,2]`, []string{"value $[*] at $[0]: -1 | 1"}},
		{"null is not missing", `{"a":null}`, `{}`, []string{"missing $.a at $.a: null | "}},
		{"what new has is added", `{}`, `{"a":null}`, []string{"added $.a at $.a:  | null"}},
		{"null is a type", `{"a":null}`, `{"a":""}`, []string{`type $.a at $.a: null | ""`}},
		{"a number is not its string", `{"a":1}`, `{"a":"1"}`, []string{`type $.a at $.a: 1 | "1"`}},
		{"true and false have one type", `{"a":true}`, `{"a":false}`, []string{"value $.a at $.a: true | false"}},
		{"an object is not an array", `{"a":{}}`, `{"a":[]}`, []string{"type $.a at $.a: {} | []"}},
		{"scalar root", `true`, `null`, []string{"type $ at $: true | null"}},
		{"array root", `[1,2]`, `[1,3]`, []string{"value $[*] at $[1]: 2 | 3"}},
		{"root of another type", `[]`, `{}`, []string{"type $ at $: [] | {}"}},

		{"escapes are spellings", `"\u0041\/\n\ud83d\ude00"`, "\"A/\\u000A\U0001F600\"", nil},
		{"escapes in names are spellings", `{"\u0061b":1}`, `{"ab":2}`, []string{"value $.ab at $.ab: 1 | 2"}},
		{"a lone surrogate equals itself", `"\ud800x"`, `"\uD800\u0078"`, nil},
		{"a lone surrogate is not the replacement character", `"\ud800"`, `"\ufffd"`, []string{`value $ at $: "\ud800" | "\ufffd"`}},
		{"two halves in the wrong order are no pair", `"\ude00\ud83d"`, `"\ud83d\ude00"`, []string{`value $ at $: "\ude00\ud83d" | "\ud83d\ude00"`}},
		{"invalid UTF-8 equals itself", "{\"a\":\"\xff\"}", "{\"a\":\"\xff\" }", nil},
		{"invalid UTF-8 is shown", "\"a\xff\"", `"a\ufffd"`, []string{`value $ at $: "a\xff" | "a\ufffd"`}},
		{"composed characters are not normalised", `"é"`, "\"e\u0301\"", []string{"value $ at $: \"é\" | \"e\u0301\""}},

		{"duplicate names on both sides", `{"a":1,"a":2}`, `{ "a":1,"a":2}`, nil},
		{"duplicate names differ one by one", `{"a":1,"a":2}`, `{"a":1,"a":3}`, []string{"value $.a at $.a: 2 | 3"}},
		{"a name that legacy repeats", `{"a":1,"b":0,"a":2}`, `{"a":1,"b":0}`, []string{"body $.a at $.a: 2 | "}},
		{"a name that new repeats", `{"a":1}`, `{"a":1,"\u0061":2}`, []string{"body $.a at $.a:  | 2"}},

		{"in the order of legacy, added ones last", `{"b":1,"a":1,"c":1}`, `{"x":0,"a":2,"b":2}`, []string{
			"value $.b at $.b: 1 | 2", "value $.a at $.a: 1 | 2", "missing $.c at $.c: 1 | ", "added $.x at $.x:  | 0",
		}},
		{"names that need brackets", `{"a b":1,"it's":{"content-type":1},"ok":0}`, `{"a b":2,"it's":{"content-type":2},"ok":0}`, []string{
			"value $['a b'] at $['a b']: 1 | 2", `value $['it\'s']['content-type'] at $['it\'s']['content-type']: 1 | 2`,
		}},
		{"names beyond ASCII do not", `{"größe":1}`, `{"größe":2}`, []string{"value $.größe at $.größe: 1 | 2"}},
		{"the empty name", `{"":{"a":1}}`, `{"":{"a":2}}`, []string{"value $[''].a at $[''].a: 1 | 2"}},

		{"timestamps of one format, close", `{"created_at":` + ts + `}`, `{"created_at":"2026-03-04T05:06:08.001Z"}`, []string{"forgiven 1 value $.created_at: timestamp"}},
		{"a fraction on one side only", `{"created_at":` + ts + `}`, `{"created_at":"2026-03-04T05:06:08Z"}`, []string{
			`format $.created_at at $.created_at: "2026-03-04T05:06:07.123Z" | "2026-03-04T05:06:08Z"`}},
		{"the length of the fraction is free", `{"created_at":` + ts + `}`, `{"created_at":"2026-03-04T05:06:08.9Z"}`, []string{"forgiven 1 value $.created_at: timestamp"}},
		{"exactly the bound", `"2026-03-04T05:06:07Z"`, `"2026-03-04T05:07:07Z"`, []string{"forgiven 1 value $: timestamp"}},
		{"a nanosecond beyond the bound", `"2026-03-04T05:06:07.000000000Z"`, `"2026-03-04T05:07:07.000000001Z"`, []string{
			`value $ at $: "2026-03-04T05:06:07.000000000Z" | "2026-03-04T05:07:07.000000001Z"`}},
		{"three days off", `"2026-03-04T05:06:07Z"`, `"2026-03-07T05:06:07Z"`, []string{`value $ at $: "2026-03-04T05:06:07Z" | "2026-03-07T05:06:07Z"`}},
		{"Z is not +00:00", `"2026-03-04T05:06:07Z"`, `"2026-03-04T05:06:07+00:00"`, []string{`format $ at $: "2026-03-04T05:06:07Z" | "2026-03-04T05:06:07+00:00"`}},
		{"another zone", `"2026-03-04T05:06:07+01:00"`, `"2026-03-04T06:06:07+02:00"`, []string{`format $ at $: "2026-03-04T05:06:07+01:00" | "2026-03-04T06:06:07+02:00"`}},
		{"an escaped plus", `"2026-03-04T05:06:07\u002B01:00"`, `"2026-03-04T05:06:08+01:00"`, []string{"forgiven 1 value $: timestamp"}},
		{"RFC 3339 against SQL", `"2026-03-04T05:06:07Z"`, `"2026-03-04 05:06:07Z"`, []string{`format $ at $: "2026-03-04T05:06:07Z" | "2026-03-04 05:06:07Z"`}},
		{"SQL timestamps", `["2026-03-04 05:06:07.1+00"]`, `["2026-03-04 05:06:07.25+00"]`, []string{"forgiven 1 value $[*]: timestamp"}},
		{"HTTP dates", `"Wed, 04 Mar 2026 05:06:07 GMT"`, `"Wed, 04 Mar 2026 05:06:08 GMT"`, []string{"forgiven 1 value $: timestamp"}},
		{"a day is not a timestamp", `{"born":"1990-01-02"}`, `{"born":"1990-01-03"}`, []string{`value $.born at $.born: "1990-01-02" | "1990-01-03"`}},
		{"a timestamp against null", `{"at":` + ts + `}`, `{"at":null}`, []string{`type $.at at $.at: "2026-03-04T05:06:07.123Z" | null`}},
		{"a timestamp against text", `{"at":` + ts + `}`, `{"at":"never"}`, []string{`value $.at at $.at: "2026-03-04T05:06:07.123Z" | "never"`}},
		{"epoch seconds by name", `{"created_at":1772600767}`, `{"created_at":1772600768}`, []string{"forgiven 1 value $.created_at: timestamp"}},
		{"epoch milliseconds by name", `{"expiresAt":1772600767001}`, `{"expiresAt":1772600767999}`, []string{"forgiven 1 value $.expiresAt: timestamp"}},
		{"the same numbers under another name", `{"views":1772600767}`, `{"views":1772600768}`, []string{"value $.views at $.views: 1772600767 | 1772600768"}},
		{"a name that only contains a word of time", `{"candidate":1772600767}`, `{"candidate":1772600768}`, []string{"value $.candidate at $.candidate: 1772600767 | 1772600768"}},
		{"no epoch in the year 1980", `{"created_at":330000000}`, `{"created_at":330000001}`, []string{"value $.created_at at $.created_at: 330000000 | 330000001"}},
		{"another unit", `{"created_at":1772600767}`, `{"created_at":1772600767000}`, []string{"format $.created_at at $.created_at: 1772600767 | 1772600767000"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			checkLines(t, compare.Exchanges(jsonAnswer(tt.legacy), jsonAnswer(tt.new), nil), tt.want)
		})
	}
}

func TestArrays(t *testing.T) {
	tests := []struct {
		reason      string
		legacy, new string
		want        []string
	}{
		{"one inserted is one difference", `{"a":[1,2,3]}`, `{"a":[0,1,2,3]}`, []string{"length $.a at $.a: 3 elements | 4 elements, only here: [0] 0"}},
		{"one removed", `[{"id":1},{"id":2},{"id":3}]`, `[{"id":1},{"id":3}]`, []string{`length $ at $: 3 elements, only here: [1] {"id":2} | 2 elements`}},
		{"an empty one", `[]`, `[1]`, []string{"length $ at $: 0 elements | 1 element, only here: [0] 1"}},
		{"inserted and changed", `[{"id":1,"v":1},{"id":2,"v":2},{"id":3,"v":3}]`, `[{"id":0,"v":0},{"id":1,"v":1},{"id":2,"v":2},{"id":3,"v":9}]`, []string{
			`length $ at $: 3 elements | 4 elements, only here: [0] {"id":0,"v":0}`, "value $[*].v at $[2].v: 3 | 9"}},
		{"inserted among timestamps", `[{"id":1,"at":"2026-03-04T05:06:07.1Z"},{"id":2,"at":"2026-03-04T05:06:07.1Z"}]`,
			`[{"id":0,"at":"2026-03-04T05:06:07.2Z"},{"id":1,"at":"2026-03-04T05:06:07.2Z"},{"id":2,"at":"2026-03-04T05:06:07.2Z"}]`, []string{
				`length $ at $: 2 elements | 3 elements, only here: [0] {"id":0,"at":"2026-03-04T05:06:07.2Z"}`,
				"forgiven 2 value $[*].at: timestamp"}},
		{"another order is one difference", `{"t":["a","b","c"]}`, `{"t":["c","a","b"]}`, []string{`order $.t at $.t: ["a","b","c"] | ["c","a","b"]`}},
		{"two swapped", `[1,2]`, `[2,1]`, []string{"order $ at $: [1,2] | [2,1]"}},
		{"another order, and timestamps in it", `[{"id":1,"at":"2026-03-04T05:06:07Z"},{"id":2,"at":"2026-03-04T05:06:07Z"}]`,
			`[{"id":2,"at":"2026-03-04T05:06:08Z"},{"id":1,"at":"2026-03-04T05:06:08Z"}]`, []string{
				`order $ at $: [{"id":1,"at":"2026-03-04T05:06:07Z"},{"id":2,"at":"2026-03-04T05:06:07Z"}] | [{"id":2,"at":"2026-03-04T05:06:08Z"},{"id":1,"at":"2026-03-04T05:06:08Z"}]`,
				"forgiven 2 value $[*].at: timestamp"}},
		{"first gone and a new last one", `["a","b","c","d"]`, `["b","c","d","e"]`, []string{`missing $[*] at $[0]: "a" | `, `added $[*] at $[3]:  | "e"`}},
		{"each changed", `[{"p":1},{"p":2},{"p":3}]`, `[{"p":1.5},{"p":2.5},{"p":3.5}]`, []string{
			"value $[*].p at $[0].p: 1 | 1.5", "value $[*].p at $[1].p: 2 | 2.5", "value $[*].p at $[2].p: 3 | 3.5"}},
		{"repeated elements count", `[1,1,2]`, `[1,2,2]`, []string{"value $[*] at $[1]: 1 | 2"}},
		{"arrays in arrays", `[[1,2],[3,4]]`, `[[1,2],[3,5]]`, []string{"value $[*][*] at $[1][1]: 4 | 5"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			checkLines(t, compare.Exchanges(jsonAnswer(tt.legacy), jsonAnswer(tt.new), nil), tt.want)
		})
	}
}

func TestMapsAreOnePath(t *testing.T) {
	many := func(v int) string {
		var b strings.Builder
		for i := range 51 {
			fmt.Fprintf(&b, `"k%c%c":%d,`, 'a'+i/26, 'a'+i%26, v)
		}
		return "{" + strings.TrimSuffix(b.String(), ",") + "}"
	}
	long := strings.Repeat("n", 101)
	tests := []struct {
		reason      string
		legacy, new string
		paths       []string
	}{
		{"more than 50 names", many(1), many(2), []string{"$.*"}},
		{"dates", `{"days":{"2026-01-02":1,"2026-01-03":1}}`, `{"days":{"2026-01-02":2,"2026-01-03":1}}`, []string{"$.days.*"}},
		{"below a map", `{"by_id":{"17":{"n":1}}}`, `{"by_id":{"17":{"n":2}}}`, []string{"$.by_id.*.n"}},
		{"addresses", `{"a@x.org":1,"b@x.org":1}`, `{"a@x.org":2,"b@x.org":2}`, []string{"$.*", "$.*"}},
		{"UUIDs that begin with a letter", `{"abcdef01-2345-6789-abcd-ef0123456789":1}`, `{"abcdef01-2345-6789-abcd-ef0123456789":2}`, []string{"$.*"}},
		{"a very long name", `{"` + long + `":1}`, `{"` + long + `":2}`, []string{"$.*"}},
		{"a map on one side is one on both", `{"1":1}`, `{"2":1}`, []string{"$.*", "$.*"}},
		{"names with - and _", `{"a-b":1,"a_b":1}`, `{"a-b":2,"a_b":2}`, []string{"$['a-b']", "$.a_b"}},
		{"names with $ or @ in front", `{"$ref":1,"@id":1}`, `{"$ref":2,"@id":2}`, []string{"$['$ref']", "$['@id']"}},
		{"one odd name does not make a map", `{"a":1,"b":1,"c.d":1}`, `{"a":2,"b":1,"c.d":1}`, []string{"$.a"}},
		{"exactly 50 names", `{"x":` + strings.Replace(many(1), `"kay":1,`, "", 1) + `}`, `{"x":` + strings.Replace(strings.Replace(many(1), `"kay":1,`, "", 1), `"kab":1`, `"kab":2`, 1) + `}`, []string{"$.x.kab"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			r := compare.Exchanges(jsonAnswer(tt.legacy), jsonAnswer(tt.new), nil)
			var got []string
			for _, d := range r.Differences {
				got = append(got, d.Path)
				if d.At == d.Path && strings.Contains(d.Path, "*") {
					t.Errorf("At %q is not exact", d.At)
				}
			}
			if tt.reason == "more than 50 names" {
				if len(got) != 50 || r.Truncated != 1 {
					t.Errorf("%d listed, %d left out, want 50 and 1", len(got), r.Truncated)
				}
				got = slices.Compact(got)
			}
			if !slices.Equal(got, tt.paths) {
				t.Errorf("got %q, want %q", got, tt.paths)
			}
		})
	}
}

func TestWeight(t *testing.T) {
	r := compare.Exchanges(
		jsonAnswer(`{"a":1,"b":2,"c":3,"d":{"x":1,"y":2},"e":[1,2]}`),
		jsonAnswer(`{"a":1,"b":2,"c":4,"d":{"x":1,"y":3},"e":[1]}`), nil)
	want := map[string]float64{"$.c": 0.6, "$.d.y": 0.5, "$.e": 0.6}
	if len(r.Differences) != len(want) {
		t.Fatalf("got %q", lines(r))
	}
	for _, d := range r.Differences {
		if d.Weight != want[d.Path] {
			t.Errorf("%s weighs %v, want %v", d.Path, d.Weight, want[d.Path])
		}
	}
	if r := compare.Exchanges(jsonAnswer(`[]`), jsonAnswer(`{}`), nil); r.Differences[0].Weight != 1 {
		t.Errorf("another root weighs %v, want 1", r.Differences[0].Weight)
	}
}

func TestLimits(t *testing.T) {
	list := func(n, v int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i, v)
		}
		return "[" + strings.TrimSuffix(b.String(), ",") + "]"
	}
	t.Run("one place does not push out the others", func(t *testing.T) {
		r := compare.Exchanges(
			jsonAnswer(`{"l":`+list(900, 1, `{"i":%d,"v":%d},`)+`,"total":1}`),
			jsonAnswer(`{"l":`+list(900, 2, `{"i":%d,"v":%d},`)+`,"total":2}`), nil)
		if n := len(r.Differences); n != 51 || r.Truncated != 850 || r.Differences[50].Path != "$.total" {
			t.Errorf("%d listed, %d left out", n, r.Truncated)
		}
	})
	t.Run("500 differences in all", func(t *testing.T) {
		var l, n strings.Builder
		for i := range 20 {
			fmt.Fprintf(&l, `"m%c":%s,`, 'a'+i, list(40, 1, `{"v":[%d,%d]},`))
			fmt.Fprintf(&n, `"m%c":%s,`, 'a'+i, list(40, 2, `{"v":[%d,%d]},`))
		}
		r := compare.Exchanges(jsonAnswer("{"+l.String()+`"z":0}`), jsonAnswer("{"+n.String()+`"z":0}`), nil)
		if len(r.Differences) != 500 || r.Truncated != 300 {
			t.Errorf("%d listed, %d left out", len(r.Differences), r.Truncated)
		}
	})
	t.Run("forgiven places beyond 1,000 are summed up", func(t *testing.T) {
		doc := func(s int) string {
			var b strings.Builder
			for i := range 30 {
				fmt.Fprintf(&b, `"m%c%c":{`, 'a'+i/26, 'a'+i%26)
				for j := range 40 {
					fmt.Fprintf(&b, `"k%c%c":"2026-03-04T05:06:%02dZ",`, 'a'+j/26, 'a'+j%26, s)
				}
				b.WriteString(`"z":0},`)
			}
			return "{" + b.String() + `"z":0}`
		}
		r := compare.Exchanges(jsonAnswer(doc(1)), jsonAnswer(doc(2)), nil)
		last := r.Forgiven[len(r.Forgiven)-1]
		sum := 0
		for _, f := range r.Forgiven {
			sum += f.Count
		}
		if !r.Match() || len(r.Forgiven) != 1001 || sum != 1200 || last.Path != compare.OtherPlaces || last.Count != 200 {
			t.Errorf("%d entries for %d, the last %+v", len(r.Forgiven), sum, last)
		}
	})
	t.Run("values are cut at 1 KiB between characters", func(t *testing.T) {
		r := compare.Exchanges(jsonAnswer(`"a`+strings.Repeat("é", 2000)+`"`), jsonAnswer(`"`+strings.Repeat("\xff", 2000)+`"`), nil)
		d := r.Differences[0]
		if n := len(d.Legacy); n > 1024 || n < 1020 || !strings.HasSuffix(d.Legacy, "é…") {
			t.Errorf("legacy has %d bytes and ends in %q", n, d.Legacy[n-6:])
		}
		if n := len(d.New); n > 1024 || n < 1018 || !strings.HasSuffix(d.New, "…") {
			t.Errorf("new has %d bytes and ends in %q", n, d.New[n-6:])
		}
	})
	t.Run("depth", func(t *testing.T) {
		deep := func(n int, v string) string { return strings.Repeat("[", n) + v + strings.Repeat("]", n) }
		if r := compare.Exchanges(jsonAnswer(deep(512, "1")), jsonAnswer(deep(512, "2")), nil); len(r.Differences) != 1 || r.Err != nil {
			t.Errorf("512 deep: %q", lines(r))
		}
		for _, pair := range [][2]string{{deep(513, "1"), deep(513, "2")}, {deep(513, "1"), "{}"}, {deep(2, "1"), deep(600, "1")}} {
			if r := compare.Exchanges(jsonAnswer(pair[0]), jsonAnswer(pair[1]), nil); r.Err == nil {
				t.Errorf("deeper than 512: %q", lines(r))
			}
		}
	})
}
