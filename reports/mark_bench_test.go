package reports_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

// BenchmarkMarks are marks over 2,000 routes with 10 groups of differences each.
func BenchmarkMarks(b *testing.B) {
	r := fresh(b, reports.Config{EvidenceMax: 1 << 20})
	fill := func() {
		for route := range 2000 {
			for n := range 20 {
				c := differing(n, fmt.Sprint("$.p", n%10), compare.KindValue, reports.Mismatch)
				c.ID, c.Route, c.Legacy.Latency = "", fmt.Sprint("route", route), time.Duration(1+n*n)*time.Millisecond
				r.Record(c)
			}
		}
		flush(b, r)
	}
	fill()
	setMark(b, r, "v1")
	fill()
	setMark(b, r, "v2")
	fill()
	b.Run("report since a mark", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Report(b.Context(), reports.Filter{SinceMark: "v2"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("differences, new since the newest", func(b *testing.B) {
		for b.Loop() {
			differences(b, r, reports.Filter{Limit: 100})
		}
	})
	b.Run("differences since a mark", func(b *testing.B) {
		for b.Loop() {
			differences(b, r, reports.Filter{Limit: 100, SinceMark: "v2"})
		}
	})
	b.Run("compare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Compare(b.Context(), reports.Span{From: "v1"}, reports.Span{From: "v2"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	n := 0 // last, since the newest 50 are kept
	b.Run("mark", func(b *testing.B) {
		for b.Loop() {
			n++
			setMark(b, r, fmt.Sprint("n", n))
		}
	})
}
