package compare

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

func TestCovers(t *testing.T) {
	tests := []struct {
		above, path string
		want        bool
	}{
		{"$.a", "$.a.b", true}, {"$.a", "$.a", false}, {"$.a", "$.b.a", false}, {"$.a", "$['a'][0]..x", true}, {"$.a", "$..a.b", false},
		{"$.*.x", "$.a.x.y", true}, {"$.*.x", "$[3].x.y", true}, {"$.a.x", "$.*.x.y", false}, {"$[0]", "$[0].a", true}, {"$[0]", "$[1].a", false}, {"$[0]", "$['0'].a", false},
		{"$..a", "$.a.b", true}, {"$..a", "$.x.a.b", true}, {"$..a", "$..a.b", true}, {"$..a", "$..a..b", true}, {"$..a", "$.a", false}, {"$..a", "$.x..y.a", false},
		{"$..a", "$..a", false}, {"$..a..b", "$.a.x.b.c", true}, {"$..a..b", "$.b.a.c", false}, {"$..a.b", "$.a.x.b.c", false}, {"$..a.b", "$.a.a.b.c", true},
		{"$..['']", "$.*.x", false}, {"$.a[*]", "$.a[*].b", true}, {"$.a[*].b", "$.a..b.c", false},
		{"$" + strings.Repeat("..a", 40) + ".b", "$" + strings.Repeat("..a", 80), false},
	}
	for _, tt := range tests {
		above, errA := parsePath(tt.above)
		path, errP := parsePath(tt.path)
		if errA != nil || errP != nil {
			t.Fatal(errA, errP)
		}
		if got := covers(above, path); got != tt.want {
			t.Errorf("%s stands below %s: %v, want %v", tt.path, tt.above, got, tt.want)
		}
	}
}

func TestRulesBesideEachOther(t *testing.T) {
	type R = Rule
	ignore := func(path string) R { return R{Path: path, Ignore: true} }
	same := func(path string) R { return R{Path: path, Same: "x"} }
	tests := []struct {
		reason         string
		inherited, own []R
		want           string // "index field", in order
	}{
		{"one below another", nil, []R{ignore("$.a"), same("$.a.b")}, "1 path"},
		{"in any order", nil, []R{same("$.a.b"), ignore("$.a")}, "0 path"},
		{"an own one below one that is inherited", []R{ignore("$..a")}, []R{same("$.x.a.b")}, "1 path"},
		{"one that is inherited below an own", []R{same("$.a.b")}, []R{ignore("$.a")}, ""},
		{"both inherited", []R{same("$.a.b"), ignore("$.a")}, []R{ignore("$.x")}, "0 path"},
		{"at the same place", nil, []R{ignore("$.a"), same("$.a")}, ""},
		{"below one that ignores one kind", nil, []R{{Path: "$.a", Ignore: true, Kind: KindMissing}, same("$.a.b")}, ""},
		{"below one that ignores one side", nil, []R{{Path: "$.a", Ignore: true, Side: "new"}, same("$.a.b")}, ""},
		{"below one that is at fault itself", nil, []R{{Path: "$.a", Ignore: true, Until: "soon"}, same("$.a.b")}, "0 until"},
		{"twice", nil, []R{same("$.a"), same("$['a']")}, "1 path"},
		{"twice, with another reason", []R{{Path: "$..a", Ignore: true, Why: "x"}}, []R{{Path: "$..['a']", Ignore: true, Why: "y"}}, "1 path"},
		{"twice, of other kinds", nil, []R{{Path: "$.a", Ignore: true, Kind: KindValue}, {Path: "$.a", Ignore: true, Kind: KindType}}, ""},
		{"twice, a field in other letters", nil, []R{ignore("header:x-a"), ignore("header:X-A")}, "1 path"},
		{"a header and a trailer", nil, []R{ignore("header:X-A"), ignore("trailer:X-A")}, ""},
		{"another mapping", nil, []R{same("$.a"), {Path: "$.a", Same: "y"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			rules, errs := CompileBelow(tt.inherited, tt.own)
			var got []string
			for _, e := range errs {
				got = append(got, fmt.Sprint(e.Index, " ", e.Field))
			}
			if s := strings.Join(got, ", "); s != tt.want || (rules == nil) != (tt.want != "") {
				t.Errorf("got %q, want %q: %v", s, tt.want, errs)
			}
		})
	}
}

// TestWholeAnswers lists what may and may not be said of all of an answer.
func TestWholeAnswers(t *testing.T) {
	refused := []Rule{
		{Ignore: true}, {Ignore: true, Kind: KindValue}, {Ignore: true, Kind: KindMissing}, {Ignore: true, Kind: KindType}, {Ignore: true, Kind: KindLength},
		{Ignore: true, Kind: KindBody}, {Ignore: true, Kind: KindFormat}, {Ignore: true, Side: "legacy"}, {Matches: ".*"}, {Matches: ".*", Side: "new"}, {Format: "same"}, {Format: "hex", Side: "new"}, {Same: "x"},
	}
	allowed := []Rule{
		{Ignore: true, Kind: KindAdded}, {Ignore: true, Side: "new"}, {Ignore: true, Kind: KindOrder}, {Rewrite: Rewrite{From: "a"}},
		{Case: "ignore"}, {Empty: "missing"}, {Tolerance: "1%"}, {Within: "1h"}, {Unordered: true}, {By: "$.id"}, {Unordered: true, By: "$.id"},
	}
	for _, r := range refused {
		r.Path = "$..*"
		if _, errs := Compile([]Rule{r}); len(errs) != 1 || errs[0].Field != "path" || !strings.Contains(errs[0].Error(), "forgives a whole answer\n") {
			t.Errorf("%s: %v", r, errs)
		}
		r.Path = "$..*.a"
		if _, errs := Compile([]Rule{r}); errs != nil {
			t.Errorf("%s: %v", r, errs)
		}
	}
	for _, r := range allowed {
		r.Path = "$..*"
		if _, errs := Compile([]Rule{r}); errs != nil {
			t.Errorf("%s: %v", r, errs)
		}
	}
}

func TestFaultsOfPatternsHaveAPlace(t *testing.T) {
	for pattern, want := range map[string]string{
		`a*(*)`:     "at character 4: missing argument to repetition operator: \"*\"",
		`é[b-a]`:    "at character 3: invalid character class range: \"b-a\"",
		`ab(c`:      "at character 3: missing closing ): \"ab(c\"",
		`ab)`:       "at character 3: unexpected ): \"ab)\"",
		`x(?=y)`:    "at character 2: invalid or unsupported Perl syntax: \"(?=\"",
		`x\`:        "at character 2: trailing backslash at end of expression: \"\"",
		`x{2000}`:   "at character 2: invalid repeat count: \"{2000}\"",
		`(a)((b)é`:  "at character 4: missing closing ): \"(a)((b)é\"",
		`[[:word`:   "at character 1: missing closing ]: \"[[:word\"",
		`\pX`:       "at character 1: invalid character class range: \"\\\\pX\"",
		`(?P<a>(x)`: "at character 1: missing closing ): \"(?P<a>(x)\"",
	} {
		_, err := parsePattern(pattern)
		if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("pattern %q, %s\n", pattern, want)) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

// FuzzMatches holds the whole-value match against a pattern that is anchored.
func FuzzMatches(f *testing.F) {
	for _, seed := range [][2]string{{`a|ab`, "ab"}, {`(?m)^a$`, "a\nb"}, {`\ba`, "a"}, {`(?i)K*`, "kK"}, {`[^\n]*`, "\xff"}, {`a*?`, "aa"}, {`(`, "("}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if len(pattern) > 100 || len(value) > 100 {
			return
		}
		re, err := parsePattern(pattern)
		if _, std := regexp.Compile(pattern); (std == nil) != (err == nil) {
			t.Fatalf("%q: %v, regexp says %v", pattern, err, std)
		}
		anchored, bad := regexp.Compile(`\A(?:` + pattern + `)\z`)
		if err != nil || bad != nil { // one that ends in an open \Q can not be put into another
			return
		}
		if got, want := matchesWhole(re, scalar{isString, []byte(value)}), anchored.MatchString(value); got != want {
			t.Fatalf("%q matches all of %q: %v, want %v", pattern, value, got, want)
		}
	})
}

// FuzzRuledJSON compares any bodies under rules with every action: no panic, a
// value equals itself, the same result every time, and rules make no difference
// of what is equal without them.
func FuzzRuledJSON(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":1,"c":[{"b":null}]}`, `{"b":1,"c":[{}]}`}, {`{"m":"x1","f":"00ff","e":[],"k":"K"}`, `{"m":"y2","f":"ff00","k":"\u212a"}`},
		{`[{"r":"old","a":2},{"r":"old"}]`, `[{"r":"new"},{"r":"new","b":2},{"b":1,"a":1}]`}, {`{"x":{"a":1},"x":2}`, `{"x":{"\u0062":1}}`}, {`{"e":{"f":[[1,2]]}}`, `{"e":{"f":[[2,1]],"g":0}}`}, {`{"r":true}`, `{"r":false}`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	rules, errs := Compile([]Rule{
		{Path: "$..a", Rename: "b"}, {Path: "$..c", Rename: "d", Side: "legacy"}, {Path: "$..m", Matches: "[a-z]+[0-9]"}, {Path: "$..f", Format: "hex"},
		{Path: "$..e", Empty: "missing"}, {Path: "$..k", Case: "ignore"}, {Path: "$..r", Rewrite: Rewrite{From: "new", To: "old"}}, {Path: "$..r", Same: "x"},
		{Path: "$..*", Ignore: true, Kind: KindAdded}, {Path: "$.x", Ignore: true, Side: "legacy"}, {Path: "$..e", Ignore: true, Kind: KindOrder}, {Path: "$.y", Ignore: true, Kind: KindType},
	})
	if errs != nil {
		f.Fatal(errs)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if max(len(a), len(b)) > 4096 {
			return
		}
		bare, ruled := Exchanges(jsonExchange(a), jsonExchange(b), nil), Exchanges(jsonExchange(a), jsonExchange(b), rules)
		if again := Exchanges(jsonExchange(a), jsonExchange(b), rules); !reflect.DeepEqual(ruled, again) && ruled.Err == nil {
			t.Fatalf("two results: %+v and %+v", ruled, again)
		}
		if bare.Match() && len(bare.Forgiven) == 0 && !ruled.Match() {
			t.Fatalf("rules made a difference of %q and %q: %+v", a, b, ruled)
		}
		if r := Exchanges(jsonExchange(a), jsonExchange(append([]byte(" "), a...)), rules); jsontext.ScanDocument(a) >= 0 && !r.Match() {
			t.Fatalf("%q differs from itself: %+v", a, r)
		}
	})
}
