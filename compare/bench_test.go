package compare_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quackproxy/quack/compare"
)

// jsonAnswer is an answer with a JSON body.
func jsonAnswer(body string) *compare.Exchange {
	return &compare.Exchange{
		Status: 200,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   []byte(body), Size: int64(len(body)),
	}
}

// orders is a JSON body of about size bytes; what varies from side to side is
// trace and seen_at.
func orders(size, salt int) string {
	var b bytes.Buffer
	b.WriteString(`{"orders":[`)
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"customer":{"name":"Customer number %d","email":"c%d@example.com","active":true},`+
			`"items":[{"sku":"A-%d","quantity":3,"price":19.99},{"sku":"B-%d","quantity":1,"price":5.25}],"total":65.22,"note":null,`+
			`"trace":"req-%d-%d","seen_at":"2026-03-04T05:06:%02d.%03dZ"}`, i, i, i, i, i, salt, i, i%60, salt%1000)
	}
	b.WriteString(`]}`)
	return b.String()
}

// failer is what tests, benchmarks and properties have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func mustCompile(t failer, rules ...compare.Rule) *compare.Rules {
	t.Helper()
	r, errs := compare.Compile(rules)
	for _, err := range errs {
		t.Fatal(err)
	}
	return r
}

func BenchmarkEqualBytes(b *testing.B) {
	legacy, new := jsonAnswer(orders(1<<20, 1)), jsonAnswer(orders(1<<20, 1))
	b.SetBytes(legacy.Size)
	b.ReportAllocs()
	for b.Loop() {
		if !compare.Exchanges(legacy, new, nil).Match() {
			b.Fatal("no match")
		}
	}
}

// BenchmarkIgnoredOnly compares 1 MiB that differs in ignored fields only.
func BenchmarkIgnoredOnly(b *testing.B) {
	legacy, new := jsonAnswer(orders(1<<20, 1)), jsonAnswer(orders(1<<20, 2))
	b.Run("quack", func(b *testing.B) {
		rules := mustCompile(b, compare.Rule{Path: "$.orders[*].trace", Ignore: true}, compare.Rule{Path: "$.orders[*].seen_at", Ignore: true})
		b.SetBytes(legacy.Size)
		b.ReportAllocs()
		for b.Loop() {
			if !compare.Exchanges(legacy, new, rules).Match() {
				b.Fatal("no match")
			}
		}
	})
	b.Run("quack-descendant", func(b *testing.B) {
		rules := mustCompile(b, compare.Rule{Path: "$..trace", Ignore: true}, compare.Rule{Path: "$..seen_at", Ignore: true})
		b.SetBytes(legacy.Size)
		for b.Loop() {
			if !compare.Exchanges(legacy, new, rules).Match() {
				b.Fatal("no match")
			}
		}
	})
	b.Run("decode-and-cmp", func(b *testing.B) {
		ignored := cmpopts.IgnoreMapEntries(func(k string, _ any) bool { return k == "trace" || k == "seen_at" })
		b.SetBytes(legacy.Size)
		for b.Loop() {
			var l, n any
			if err := json.Unmarshal(legacy.Body, &l); err != nil {
				b.Fatal(err)
			}
			if err := json.Unmarshal(new.Body, &n); err != nil {
				b.Fatal(err)
			}
			if d := cmp.Diff(l, n, ignored); d != "" {
				b.Fatal(d)
			}
		}
	})
}

// BenchmarkShuffledMembers compares objects whose members stand in another order.
func BenchmarkShuffledMembers(b *testing.B) {
	l := orders(1<<20, 1)
	n := bytes.ReplaceAll([]byte(l), []byte(`"total":65.22,"note":null`), []byte(`"note":null,"total":65.22`))
	legacy, new := jsonAnswer(l), jsonAnswer(string(n))
	b.SetBytes(legacy.Size)
	for b.Loop() {
		if !compare.Exchanges(legacy, new, nil).Match() {
			b.Fatal("no match")
		}
	}
}

// BenchmarkInsertedElement compares arrays of which one has an element more, in front.
func BenchmarkInsertedElement(b *testing.B) {
	l := orders(1<<20, 1)
	legacy, new := jsonAnswer(l), jsonAnswer(`{"orders":[{"id":-1},`+l[len(`{"orders":[`):])
	b.SetBytes(legacy.Size)
	for b.Loop() {
		if n := len(compare.Exchanges(legacy, new, nil).Differences); n != 1 {
			b.Fatal(n)
		}
	}
}
