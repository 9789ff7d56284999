package main

import (
	"strings"
	"testing"
)

const benchOutput = `goos: linux
pkg: github.com/quackproxy/quack/compare
BenchmarkEqualBytes-2        	   10000	     21734 ns/op	48249.31 MB/s	       0 B/op	       0 allocs/op
BenchmarkIgnoredOnly/quack-2 	      81	   2741702 ns/op	 150.48 MB/s	   42337 B/op	      49 allocs/op
BenchmarkIgnoredOnly/decode-and-cmp-2           	       1	 273474158 ns/op	   3.83 MB/s	71056168 B/op	 2194214 allocs/op
PASS
pkg: github.com/quackproxy/quack/routes
BenchmarkMatch/route  	 1342365	       176.1 ns/op	      16 B/op	       3 allocs/op
pkg: github.com/quackproxy/quack/txshadow
BenchmarkShadowOverhead-2   	      24	         0.6270 added-ms	         0.2470 arming-ms	   95314 B/op	     439 allocs/op
ok  	github.com/quackproxy/quack/compare	1.522s
`

func TestBudgetsOfGoBenchmarks(t *testing.T) {
	all := parseBenchmarks([]byte(benchOutput))
	if len(all) != 5 {
		t.Fatalf("%+v", all)
	}
	var got []string
	for _, b := range all.budgets() {
		got = append(got, b.Got+" "+b.Verdict)
	}
	want := "0 met, 100 met, 150 NOT met, 0.63 met, 176 met, 3 NOT met"
	if strings.Join(got, ", ") != want {
		t.Errorf("budgets %q, want %q", got, want)
	}
	if row := all.table().Rows[4]; strings.Join(row, "|") != "txshadow.ShadowOverhead|||95314|439|0.627 added-ms, 0.247 arming-ms" {
		t.Errorf("row %q", row)
	}
	for _, b := range parseBenchmarks(nil).budgets() {
		if b.Verdict != notMeasured {
			t.Errorf("without a benchmark: %+v", b)
		}
	}
}
