package compare_test

import (
	"fmt"
	"net/http"

	"github.com/quackproxy/quack/compare"
)

func exchange(body string) *compare.Exchange {
	return &compare.Exchange{
		Status: http.StatusOK,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   []byte(body), Size: int64(len(body)),
	}
}

func ExampleExchanges() {
	legacy := exchange(`{"id":7,"price":19.99,"created_at":"2026-03-04T05:06:07.120Z"}`)
	new := exchange(`{"created_at":"2026-03-04T05:06:07.350Z","id":7.0,"price":18.99}`)

	result := compare.Exchanges(legacy, new, nil)
	for _, d := range result.Differences {
		fmt.Println(d.Kind, d.Path, d.Legacy, d.New)
	}
	for _, f := range result.Forgiven {
		fmt.Println("forgiven:", f.Path, f.Reason)
	}
	// Output:
	// value $.price 19.99 18.99
	// forgiven: $.created_at timestamp
}

func ExampleCompile() {
	rules, errs := compare.Compile([]compare.Rule{
		{Path: "$..id", Same: "account"},
		{Path: "$.tags", Unordered: true},
		{Path: "$.debug", Ignore: true, Owner: "payments", Until: "2027-01-31"},
	})
	if errs != nil {
		fmt.Println(errs)
		return
	}
	legacy := exchange(`{"id":101,"owner":{"id":101},"tags":["a","b"],"debug":1}`)
	new := exchange(`{"id":205,"owner":{"id":205},"tags":["b","a"]}`)
	fmt.Println(compare.Exchanges(legacy, new, rules).Match())
	// Output: true
}

func ExampleCompile_refused() {
	_, errs := compare.Compile([]compare.Rule{{Path: "$.*", Ignore: true}})
	fmt.Println(errs[0])
	// Output:
	// rule 1: path: ignore of "$.*" forgives a whole answer
	// name the fields that may differ, one rule for each
}
