package compare_test

import (
	"slices"
	"testing"

	"github.com/quackproxy/quack/compare"
)

func TestAttributesOfCookies(t *testing.T) {
	tests := []struct {
		reason, legacy, new string
		match               bool
	}{
		{"of two paths the last counts", "a=1; Path=/x; Path=/y", "a=1; Path=/y; Path=/x", false},
		{"a path that does not count", "a=1; Path=/x; Path=/y", "a=1; path=/y", true},
		{"attributes in another order", "a=1; Path=/x; Secure", "a=1; secure; Path=/x", true},
		{"a dot in front of a domain", "a=1; Domain=.shop.example", "a=1; domain=Shop.example", true},
		{"another domain", "a=1; Domain=.shop.example", "a=1; Domain=www.shop.example", false},
		{"an attribute lost", "a=1; Secure", "a=1", false},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			l := &compare.Exchange{Status: 200, Header: header("Set-Cookie: " + tt.legacy)}
			n := &compare.Exchange{Status: 200, Header: header("Set-Cookie: " + tt.new)}
			if got := compare.Exchanges(l, n, nil); got.Match() != tt.match {
				t.Errorf("match is %v: %q", got.Match(), lines(got))
			}
		})
	}
}

func TestOneSideBrokenBehindAMark(t *testing.T) {
	got := compare.Exchanges(jsonAnswer("\ufeff{\"a\":1}"), jsonAnswer("\ufeff{\"a\":1"), nil)
	if len(got.Differences) != 1 || got.Differences[0].Kind != compare.KindBody {
		t.Errorf("got %q", lines(got))
	}
}

// TestOneKindIgnoredAround holds that a rule which ignores differences of one
// kind does so below its place too, in trees as in JSON.
func TestOneKindIgnoredAround(t *testing.T) {
	missing := []compare.Rule{{Path: "$.order", Ignore: true, Kind: compare.KindMissing}}
	tests := []struct {
		reason, kind, legacy, new string
		rules                     []compare.Rule
		want                      []string
	}{
		{"a member", "application/json", `{"order":{"a":1,"b":{"c":2,"d":3}}}`, `{"order":{"a":1,"b":{"c":2}}}`, missing, nil},
		{"an element", "application/xml", `<order><a>1</a><b><c>2</c><d>3</d></b></order>`, `<order><a>1</a><b><c>2</c></b></order>`, missing, nil},
		{"an attribute", "application/xml", `<order><a x="1">1</a></order>`, `<order><a>1</a></order>`, missing, nil},
		{"another kind", "application/xml", `<order><a>1</a></order>`, `<order><a>2</a></order>`, missing, []string{"$.order.a value"}},
		{"an element that stands elsewhere", "application/xml", `<all><order/><a>1</a></all>`, `<all><order/></all>`, missing, []string{"$.all.a missing"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			rules, errs := compare.Compile(tt.rules)
			if errs != nil {
				t.Fatal(errs)
			}
			answer := func(body string) *compare.Exchange {
				return &compare.Exchange{Status: 200, Header: header("Content-Type: " + tt.kind), Body: []byte(body), Size: int64(len(body))}
			}
			var got []string
			for _, d := range compare.Exchanges(answer(tt.legacy), answer(tt.new), rules).Differences {
				got = append(got, d.Path+" "+string(d.Kind))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
