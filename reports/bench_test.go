package reports_test

import (
	"fmt"
	"strings"
	"syscall"
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

// BenchmarkBatch records and writes what a second brings at 5,000 comparisons,
// one in twenty of which differs, on as many routes; the store has the samples
// that it may have, so that each new one takes the place of an older.
func BenchmarkBatch(b *testing.B) {
	for _, routes := range []int{100, 2000} {
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			r := fresh(b, reports.Config{EvidenceMax: 8 << 20})
			list := second(routes)
			n := 0
			batch := func() {
				for _, c := range list {
					n++
					c.ID = fmt.Sprintf("b%08d", n)
					r.Served(c.Route, c.Stage, c.Live, 200, c.Legacy.Latency)
					r.Record(c)
				}
				flush(b, r)
			}
			for range 25 {
				batch()
			}
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				batch()
			}
			b.ReportMetric(float64((cpu()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// cpu is what this process has taken; the time that passes depends on what
// else the machine does.
func cpu() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// second is 5,000 comparisons with bodies of 1 KiB.
func second(routes int) []reports.Comparison {
	filler := strings.Repeat(`{"name":"Daisy Duck","street":"1313 Webfoot Walk"},`, 20)
	list := make([]reports.Comparison, 5000)
	for i := range list {
		switch {
		case i%20 == 7:
			list[i] = differing(i, fmt.Sprintf("$.field%d", i/20%5), compare.KindValue, reports.Mismatch)
		case i%3 == 0:
			list[i] = forgiving(i)
		default:
			list[i] = comparison(i)
		}
		c := &list[i]
		c.Route = fmt.Sprintf("route%04d", i%routes*7%routes)
		c.Legacy.Latency, c.New.Latency = time.Duration(1+i%97)*time.Millisecond, time.Duration(1+i%89)*time.Millisecond
		for _, s := range []*reports.Side{&c.Legacy, &c.New} {
			s.Answer.Body = []byte(fmt.Sprintf(`{"id":%d,"price":"10.00","ducks":[%s{}]}`, i, filler))
			s.Answer.Size = int64(len(s.Answer.Body))
		}
	}
	return list
}
