package compare_test

import (
	"testing"

	"github.com/quackproxy/quack/compare"
)

func TestAnd(t *testing.T) {
	ignoreA := compare.Rule{Path: "$.a", Ignore: true}
	first, errs := compare.Compile([]compare.Rule{ignoreA})
	if errs != nil {
		t.Fatal(errs)
	}
	first = first.With(compare.Options{Numbers: compare.AsWritten})
	tests := []struct {
		reason      string
		rules       *compare.Rules
		more        compare.Rule
		legacy, new string
		match       bool
	}{
		{"what is added holds", nil, compare.Rule{Path: "$.b", Ignore: true}, `{"b":1}`, `{"b":2}`, true},
		{"what was there still does", first, compare.Rule{Path: "$.b", Ignore: true}, `{"a":1,"b":1}`, `{"a":2,"b":2}`, true},
		{"and nothing else", first, compare.Rule{Path: "$.b", Ignore: true}, `{"c":1}`, `{"c":2}`, false},
	}
	for _, tt := range tests {
		rules, errs := tt.rules.And(tt.more)
		if errs != nil {
			t.Fatalf("%s: %v", tt.reason, errs)
		}
		if r := compare.Exchanges(answer("application/json", tt.legacy), answer("application/json", tt.new), rules); r.Match() != tt.match {
			t.Errorf("%s: match %v, want %v: %+v", tt.reason, r.Match(), tt.match, r.Differences)
		}
	}
	if len(first.List()) != 1 {
		t.Errorf("the rules that were added to have changed: %v", first.List())
	}
	_, errs = first.And(compare.Rule{Path: "$.b", Ignore: true}, compare.Rule{Path: "status", Ignore: true})
	if len(errs) != 1 || errs[0].Index != 1 || errs[0].Field != "path" {
		t.Errorf("errors %+v, want one of the second that was added, at its path", errs)
	}
}
