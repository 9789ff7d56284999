package routes

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/quackproxy/quack/compare"
)

func TestParseRule(t *testing.T) {
	tests := []struct {
		reason, text string
		want         compare.Rule
		err          string
	}{
		{"as in the file", `{path: $.score, tolerance: 0.01}`, compare.Rule{Path: "$.score", Tolerance: "0.01"}, ""},
		{"as an entry of the list", `- {path: "$.items[*].at", within: 2m, why: "a: b"}`, compare.Rule{Path: "$.items[*].at", Within: "2m", Why: "a: b"}, ""},
		{"over lines", "path: $.tags\nunordered: true\n", compare.Rule{Path: "$.tags", Unordered: true}, ""},
		{"nothing", " ", compare.Rule{}, "rule:1:1: there is no rule\n  write it as in routes.yaml: {path: $.score, tolerance: 0.01}"},
		{"a text", `$.score`, compare.Rule{}, "rule:1:1: the rule takes a mapping, not a text\n  write it as in routes.yaml: {path: $.score, tolerance: 0.01}"},
		{"two rules", `[{path: $.a, ignore: true}, {path: $.b, ignore: true}]`, compare.Rule{}, "rule:1:1: there are 2 rules\n  give one rule at a time"},
		{"a key that is not known", `{path: $.a, ignored: true}`, compare.Rule{}, "rule:1:13: unknown key \"ignored\" in a rule\n  did you mean \"ignore\"?"},
		{"the field at fault", `{path: $.a, within: soon}`, compare.Rule{}, "rule:1:21: \"soon\" is not a positive duration\n  write it with a unit, such as 500ms, 2s or 1h30m"},
		{"a whole answer", `{path: status, ignore: true}`, compare.Rule{}, "rule:1:8: a rule for \"status\" forgives a whole answer\n  name the fields of the answer that may differ; a status that may differ is a change of the endpoint"},
	}
	for _, tt := range tests {
		got, err := ParseRule("rule", tt.text)
		says := ""
		if err != nil {
			says = err.Error()
		}
		if got != tt.want || !strings.HasPrefix(says, tt.err) || (says == "") != (tt.err == "") {
			t.Errorf("%s: %+v, error\n%s\nwant %+v, error\n%s", tt.reason, got, says, tt.want, tt.err)
		}
	}
}

func TestFormatRule(t *testing.T) {
	tests := []struct {
		reason string
		rule   compare.Rule
		want   string
	}{
		{"plain", compare.Rule{Path: "$.score", Tolerance: "0.1%"}, `- {path: $.score, tolerance: 0.1%}`},
		{"what would end a flow mapping", compare.Rule{Path: "$.items[*].at", Within: "2m"}, `- {path: "$.items[*].at", within: 2m}`},
		{"a header", compare.Rule{Path: "header:X-Cache", Ignore: true}, `- {path: header:X-Cache, ignore: true}`},
		{"a name with quotes and lines", compare.Rule{Path: `$["a\"b"]`, Ignore: true, Why: "two\nlines"}, `- {path: "$[\"a\\\"b\"]", ignore: true, why: "two\x0alines"}`},
		{"what YAML takes for something else", compare.Rule{Path: "$.a", Same: "true", Until: "2027-01-31", Why: "5"}, `- {path: $.a, same: "true", until: 2027-01-31, why: "5"}`},
		{"a mapping in it", compare.Rule{Path: "$..href", Rewrite: compare.Rewrite{From: "http://new:4000/", To: "http://old/"}, Side: "new"}, `- {path: $..href, rewrite: {from: http://new:4000/, to: http://old/}, side: new}`},
		{"one kind only", compare.Rule{Path: "$.a", Ignore: true, Kind: compare.KindValue}, `- {path: $.a, ignore: true, kind: value}`},
		{"a comment and a colon", compare.Rule{Path: "$.a", Ignore: true, Why: "a: b #c"}, `- {path: $.a, ignore: true, why: "a: b #c"}`},
	}
	for _, tt := range tests {
		got := FormatRule(tt.rule)
		if got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.reason, got, tt.want)
		}
		if back, err := ParseRule("rule", got); err != nil || back != tt.rule {
			t.Errorf("%s: %s is read as %+v, %v", tt.reason, got, back, err)
		}
	}
}

// FuzzFormatRule holds that what is written is read back as it was.
func FuzzFormatRule(f *testing.F) {
	f.Add("$.a", "why", "owner")
	f.Add(`$["]"]`, "- a: b", "{}")
	f.Add("$.a", "1e3", "~")
	f.Add("$.a", " x ", "a:")
	f.Fuzz(func(t *testing.T, path, why, owner string) {
		rule := compare.Rule{Path: path, Ignore: true, Why: why, Owner: owner}
		if _, errs := compare.Compile([]compare.Rule{rule}); errs != nil || !utf8.ValidString(why+owner) || !readableText(path+why+owner) {
			t.Skip()
		}
		line := FormatRule(rule)
		got, err := ParseRule("rule", line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if got != rule {
			t.Fatalf("%s is read as %+v, was %+v", line, got, rule)
		}
	})
}

// readableText reports whether a file may have the text.
func readableText(s string) bool {
	for _, c := range s {
		if c == 0xfffd || c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == 0xfeff {
			return false
		}
	}
	return true
}
