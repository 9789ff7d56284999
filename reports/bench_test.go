package reports_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

func BenchmarkServed(b *testing.B) {
	r := fresh(b, reports.Config{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Served("show", "shadow", "legacy", 200, 12*time.Millisecond)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	for name, c := range map[string]reports.Comparison{
		"match": comparison(1), "forgiven": forgiving(1), "mismatch": differing(1, "$.price", compare.KindValue, reports.Mismatch),
	} {
		b.Run(name, func(b *testing.B) {
			r := fresh(b, reports.Config{})
			b.ReportAllocs()
			for b.Loop() {
				r.Record(c)
			}
		})
	}
}

// BenchmarkIngest records and writes 5,000 comparisons, one in ten of which
// differs in one of ten places.
func BenchmarkIngest(b *testing.B) {
	list := make([]reports.Comparison, 5000)
	for i := range list {
		list[i] = forgiving(i)
		if i%10 == 0 {
			list[i] = differing(i, fmt.Sprintf("$.field%d", i/10%10), compare.KindValue, reports.Mismatch)
		}
	}
	for b.Loop() {
		r := fresh(b, reports.Config{})
		for i, c := range list {
			r.Record(c)
			if i%500 == 499 {
				flush(b, r)
			}
		}
	}
}
