package compare_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/quackproxy/quack/compare"
)

// builtins is a JSON body of about size bytes that differs from side to side
// in what is forgiven without a rule: a timestamp in each element, and with
// ids also a UUID.
func builtins(size, salt int, ids bool) string {
	var b bytes.Buffer
	b.WriteString(`{"orders":[`)
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"number":%d,"customer":{"name":"Customer number %d","email":"c%d@example.com","active":true},"total":65.22`, i, i, i)
		if ids {
			fmt.Fprintf(&b, `,"id":%q`, version4(salt*1_000_000+i))
		}
		fmt.Fprintf(&b, `,"note":null,"seen_at":"2026-03-04T05:06:%02d.%03dZ"}`, i%60, salt)
	}
	b.WriteString(`]}`)
	return b.String()
}

// version4 is a UUID that looks made up, the same for the same n.
func version4(n int) string {
	x := uint64(n+1) * 0x9e3779b97f4a7c15
	y := (x ^ x>>29) * 0xbf58476d1ce4e5b9
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", x>>32, x>>16&0xffff, x&0xfff, y>>52, y&0xffffffffffff)
}

// BenchmarkTimestampsOnly compares 1 MiB that differs in timestamps only.
func BenchmarkTimestampsOnly(b *testing.B) { benchmarkBuiltins(b, false) }

// BenchmarkGeneratedIDs compares 1 MiB that differs in timestamps and UUIDs.
func BenchmarkGeneratedIDs(b *testing.B) { benchmarkBuiltins(b, true) }

func benchmarkBuiltins(b *testing.B, ids bool) {
	legacy, new := jsonAnswer(builtins(1<<20, 1, ids)), jsonAnswer(builtins(1<<20, 2, ids))
	b.SetBytes(legacy.Size)
	b.ReportAllocs()
	for b.Loop() {
		if !compare.Exchanges(legacy, new, nil).Match() {
			b.Fatal("no match")
		}
	}
}
