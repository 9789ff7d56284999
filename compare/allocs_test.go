package compare_test

import (
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

func TestEqualBytesAllocateNothing(t *testing.T) {
	rules := mustCompile(t, compare.Rule{Path: "$..id", Same: "x"}, compare.Rule{Path: "header:X-Cache", Ignore: true})
	one := func() *compare.Exchange {
		e := jsonAnswer(orders(10_000, 1))
		e.Header = header("Content-Type: application/json", "Date: x", "Set-Cookie: a=1", "Set-Cookie: b=1", "Quack-Footprint: f")
		e.Trailer = header("Grpc-Status: 0")
		e.Footprint = compare.Footprint{{Table: "accounts", Inserted: 1}}
		return e
	}
	legacy, new := one(), one()
	new.Header.Del("Quack-Footprint")
	var r compare.Result
	if n := testing.AllocsPerRun(100, func() { r = compare.Exchanges(legacy, new, rules) }); n != 0 || !r.Match() {
		t.Errorf("%v allocations, match %v", n, r.Match())
	}
}

// TestUsualAnswersAllocateLittle holds what a shadow pays for each request: a
// Date, a request id, an entity tag and one timestamp in 1 KiB that differ.
func TestUsualAnswersAllocateLittle(t *testing.T) {
	one := func(second string) *compare.Exchange {
		e := jsonAnswer(strings.Replace(orders(1000, 1), `"seen_at":"2026-03-04T05:06:00`, `"seen_at":"2026-03-04T05:06:0`+second, 1))
		e.Header.Set("Date", "Wed, 04 Mar 2026 05:06:0"+second+" GMT")
		e.Header.Set("X-Request-Id", "request-"+second)
		e.Header.Set("ETag", `"tag`+second+`"`)
		return e
	}
	legacy, new := one("1"), one("2")
	var r compare.Result
	n := testing.AllocsPerRun(100, func() { r = compare.Exchanges(legacy, new, nil) })
	if !r.Match() || len(r.Forgiven) != 4 {
		t.Fatalf("%q", lines(r))
	}
	if n > 40 { // 30, and what the race detector takes out of pools
		t.Errorf("%v allocations", n)
	}
}

// TestForgivenPlacesAllocateOnce holds that what many places of one path cost
// does not grow with their number.
func TestForgivenPlacesAllocateOnce(t *testing.T) {
	rules := mustCompile(t, compare.Rule{Path: "$.orders[*].trace", Ignore: true})
	allocs := func(size int) float64 {
		legacy, new := jsonAnswer(orders(size, 1)), jsonAnswer(orders(size, 2))
		return testing.AllocsPerRun(20, func() {
			if !compare.Exchanges(legacy, new, rules).Match() {
				t.Fatal("no match")
			}
		})
	}
	if small, large := allocs(2_000), allocs(200_000); large > 2*small+20 {
		t.Errorf("%v allocations for 2 kB, %v for 200 kB", small, large)
	}
}
