package compare_test

import (
	"fmt"
	"math/bits"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
)

func joined(n int, each func(i int) string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(each(i))
	}
	return b.String()
}

func array(n int, each func(i int) string) string  { return "[" + joined(n, each) + "]" }
func object(n int, each func(i int) string) string { return "{" + joined(n, each) + "}" }

// hostile is a pair of bodies that grow with n and are hard to compare.
type hostile struct {
	reason string
	rules  []compare.Rule
	kind   string // media type; "" for JSON
	n      int
	pair   func(n int) (legacy, new string)
}

var hostiles = []hostile{
	{"an array reversed", nil, "", 250_000, func(n int) (string, string) {
		return array(n, func(i int) string { return fmt.Sprint(i) }), array(n, func(i int) string { return fmt.Sprint(n - i) })
	}},
	{"an array reversed, unordered", []compare.Rule{{Path: "$", Unordered: true}}, "", 250_000, func(n int) (string, string) {
		return array(n, func(i int) string { return fmt.Sprint(i) }), array(n, func(i int) string { return fmt.Sprint(n - i) })
	}},
	{"an array all different", nil, "", 250_000, func(n int) (string, string) {
		return array(n, func(i int) string { return fmt.Sprint(2 * i) }), array(n, func(i int) string { return fmt.Sprint(2*i + 1) })
	}},
	{"all equal, unordered, one fewer", []compare.Rule{{Path: "$", Unordered: true}}, "", 250_000, func(n int) (string, string) {
		return array(n, func(i int) string { return "1" }), array(n-1, func(i int) string { return "1" })
	}},
	{"all equal and one fewer, with different ends", nil, "", 250_000, func(n int) (string, string) {
		return array(n, func(i int) string { return "1" }), "[2," + array(n-3, func(i int) string { return "1" })[1:]
	}},
	{"shifted by a few hundred", nil, "", 50_000, func(n int) (string, string) {
		return array(n, func(i int) string { return fmt.Sprint(i) }), array(n, func(i int) string { return fmt.Sprint(i + 300) })
	}},
	{"alternating", nil, "", 50_000, func(n int) (string, string) {
		return array(n, func(i int) string { return fmt.Sprint(i % 2) }), array(n, func(i int) string { return fmt.Sprint((i + 1) % 2) })
	}},
	{"a member name a million times", nil, "", 1_000_000, func(n int) (string, string) {
		return object(n, func(i int) string { return `"k":1` }), object(n, func(i int) string { return `"k":2` })
	}},
	{"a member name many times, spelled otherwise", nil, "", 100_000, func(n int) (string, string) {
		return object(n, func(i int) string { return `"k":1` }), object(n, func(i int) string { return `"\u006b":1` })
	}},
	{"a member name many times, more on one side", nil, "", 50_000, func(n int) (string, string) {
		return object(n, func(i int) string { return `"k":1` }), object(2*n, func(i int) string { return `"\u006b":1` })
	}},
	{"many names reversed", nil, "", 125_000, func(n int) (string, string) {
		return object(n, func(i int) string { return fmt.Sprintf(`"k%d":1`, i) }), object(n, func(i int) string { return fmt.Sprintf(`"k%d":1`, n-1-i) })
	}},
	{"many names all different", nil, "", 125_000, func(n int) (string, string) {
		return object(n, func(i int) string { return fmt.Sprintf(`"k%d":1`, i) }), object(n, func(i int) string { return fmt.Sprintf(`"n%d":1`, i) })
	}},
	{"1 MB names", nil, "", 1_000_000, func(n int) (string, string) {
		return `{"a` + strings.Repeat("n", n) + `":1,"b":1}`, `{"b":2,"a` + strings.Repeat("n", n) + `":2}`
	}},
	{"long names nested", nil, "", 10_000, func(n int) (string, string) {
		name := `{"` + strings.Repeat("n", n) + `":`
		return strings.Repeat(name, 500) + "1" + strings.Repeat("}", 500), strings.Repeat(name, 500) + "2" + strings.Repeat("}", 500)
	}},
	{"long names nested, many differences", nil, "", 10_000, func(n int) (string, string) {
		name := `{"` + strings.Repeat("n", n) + `":`
		many := func(v int) string { return object(500, func(i int) string { return fmt.Sprintf(`"m%d":%d`, i, v) }) }
		return strings.Repeat(name, 500) + many(1) + strings.Repeat("}", 500), strings.Repeat(name, 500) + many(2) + strings.Repeat("}", 500)
	}},
	{"arrays in arrays differing at each level", nil, "", 500, func(n int) (string, string) {
		l, w := "", ""
		for i := range n {
			l, w = fmt.Sprintf("[%d,%s", i, l), fmt.Sprintf("[%d,%d,%s", i+1000, i+2000, w)
		}
		return l + "0" + strings.Repeat("]", n), w + "0" + strings.Repeat("]", n)
	}},
	{"arrays in arrays, wide", nil, "", 2000, func(n int) (string, string) {
		l, w := "1", "2"
		pad := strings.Repeat("7,", n)
		for i := range 100 {
			l, w = fmt.Sprintf("[%d,%s%s]", i, pad, l), fmt.Sprintf("[%s%s,%d]", pad, w, i)
		}
		return l, w
	}},
	{"objects in objects in another order, wide", nil, "", 1000, func(n int) (string, string) {
		l, w := "1", "2"
		pad := joined(n, func(i int) string { return fmt.Sprintf(`"p%d":1`, i) })
		for range 100 {
			l, w = fmt.Sprintf(`{"x":%s,%s}`, l, pad), fmt.Sprintf(`{%s,"x":%s}`, pad, w)
		}
		return l, w
	}},
	{"arrays in arrays, two in each", nil, "", 1 << 15, func(n int) (string, string) {
		n = bits.Len(uint(n)) - 1
		var tree func(n, v int) string
		tree = func(n, v int) string {
			if n == 0 {
				return fmt.Sprint(v)
			}
			return "[" + tree(n-1, 2*v) + "," + tree(n-1, 2*v+1) + "]"
		}
		return tree(n, 0), tree(n, 1)
	}},
	{"unordered at every level", []compare.Rule{{Path: "$", Unordered: true}, {Path: "$..*", Unordered: true}}, "", 1 << 15, func(n int) (string, string) {
		n = bits.Len(uint(n)) - 1
		var tree func(n, v int, flip bool) string
		tree = func(n, v int, flip bool) string {
			if n == 0 {
				return fmt.Sprint(v)
			}
			a, b := tree(n-1, 2*v, flip), tree(n-1, 2*v+1, flip)
			if flip {
				a, b = b, a
			}
			return "[" + a + "," + b + "]"
		}
		return tree(n, 0, false), tree(n, 0, true)
	}},
	{"same, all mapped", []compare.Rule{{Path: "$[*]", Same: "x"}}, "", 125_000, func(n int) (string, string) {
		return array(n, func(i int) string { return fmt.Sprint(i) }), array(n, func(i int) string { return fmt.Sprint(i + 10_000_000) })
	}},
	{"same, equal", []compare.Rule{{Path: "$[*]", Same: "x"}}, "", 125_000, func(n int) (string, string) {
		return array(n, func(i int) string { return fmt.Sprint(i) }), array(n, func(i int) string { return fmt.Sprintf("%d ", i) })
	}},
	{"descendants of many rules", []compare.Rule{{Path: "$..a..a..a..a.b", Ignore: true}, {Path: "$..a..*..a.c", Ignore: true}, {Path: "$..*..*..*..d", Ignore: true}}, "", 500, func(n int) (string, string) {
		one := func(v int) string {
			return strings.Repeat(`{"a":`, n) + array(1000, func(int) string { return fmt.Sprint(v) }) + strings.Repeat("}", n)
		}
		return one(1), one(2)
	}},
	{"10 MB string, first differs", nil, "", 10_000_000, func(n int) (string, string) {
		return `"a` + strings.Repeat("x", n) + `"`, `"b` + strings.Repeat("x", n) + `"`
	}},
	{"10 MB string escaped", nil, "", 1_600_000, func(n int) (string, string) {
		return `"` + strings.Repeat(`\u0041`, n) + `"`, `"` + strings.Repeat(`A`, n) + `"`
	}},
	{"long numbers", []compare.Rule{{Path: "$", Tolerance: "1%"}}, "", 5_000_000, func(n int) (string, string) {
		return strings.Repeat("1", n), strings.Repeat("1", n-1) + "2"
	}},
	{"long fractions", []compare.Rule{{Path: "$", Tolerance: "1%"}}, "", 5_000_000, func(n int) (string, string) {
		return "0." + strings.Repeat("1", n), "0." + strings.Repeat("1", n-1) + "2"
	}},
	{"many numbers of 4,900 digits with a tolerance", []compare.Rule{{Path: "$[*]", Tolerance: "0.0001%"}}, "", 2_000, func(n int) (string, string) {
		d := strings.Repeat("9", 4900)
		return array(n, func(int) string { return "1" + d }), array(n, func(int) string { return "2" + d })
	}},
	{"long exponents", nil, "", 2_000_000, func(n int) (string, string) {
		return "1e1" + strings.Repeat("0", n), "10e1" + strings.Repeat("0", n)
	}},
	{"exponents huge, many", nil, "", 200, func(n int) (string, string) {
		return array(n, func(int) string { return "1e1" + strings.Repeat("0", 20000) }), array(n, func(int) string { return "1e1" + strings.Repeat("0", 19999) + "1" })
	}},
	{"lines reversed", nil, "text/plain", 125_000, func(n int) (string, string) {
		var a, b strings.Builder
		for i := range n {
			fmt.Fprintf(&a, "line %d\n", i)
			fmt.Fprintf(&b, "line %d\n", n-i)
		}
		return a.String(), b.String()
	}},
	{"empty lines", nil, "text/plain", 1_250_000, func(n int) (string, string) {
		return "a" + strings.Repeat("\n", n), "b\n" + strings.Repeat("\n", n)
	}},
	{"brackets 100,000 deep", nil, "", 100_000, func(n int) (string, string) {
		return strings.Repeat("[", n) + strings.Repeat("]", n), strings.Repeat("[", n) + "1" + strings.Repeat("]", n)
	}},
	{"10 MB of brackets", nil, "", 10_000_000, func(n int) (string, string) { return strings.Repeat("[", n), "[]" }},
	{"10 MB nothing closed", nil, "", 10_000_000, func(n int) (string, string) { return "[" + strings.Repeat("1,", n/2), "[]" }},
	{"empty containers", nil, "", 500_000, func(n int) (string, string) {
		return array(n, func(int) string { return "[]" }), array(n, func(int) string { return "{}" })
	}},
	{"timestamps, all forgiven", nil, "", 75_000, func(n int) (string, string) {
		return array(n, func(int) string { return `"2026-03-04T05:06:07Z"` }), array(n, func(int) string { return `"2026-03-04T05:06:08Z"` })
	}},
	{"invalid UTF-8", nil, "", 3_000_000, func(n int) (string, string) {
		return `"` + strings.Repeat("\xff", n) + `"`, `"` + strings.Repeat("\xfe", n) + `"`
	}},
	{"records all different", nil, "application/x-ndjson", 2_000_000, func(n int) (string, string) {
		return strings.Repeat("1\n", n), strings.Repeat("2\n", n)
	}},
	{"records all different, the last one broken", nil, "application/x-ndjson", 2_000_000, func(n int) (string, string) {
		return strings.Repeat("1\n", n), strings.Repeat("2\n", n) + "x"
	}},
	{"records in a sequence", nil, "application/json-seq", 1_000_000, func(n int) (string, string) {
		return strings.Repeat("\x1e1\n", n), strings.Repeat("\x1e2\n", n)
	}},
	{"more elements than are paired", nil, "", 2_000_000, both(func(v, _ int) string { return fmt.Sprint(v) })},
	{"more elements than are paired, unordered", []compare.Rule{{Path: "$", Unordered: true}}, "", 2_000_000, both(func(v, _ int) string { return fmt.Sprint(v) })},
	{"more elements than are paired, by a key", []compare.Rule{{Path: "$", By: "$.i"}}, "", 2_000_000, both(func(v, _ int) string { return fmt.Sprint(v) })},
	{"many elements with one member that differs", nil, "", 400_000, both(func(v, _ int) string { return fmt.Sprintf(`{"a":%d}`, v) })},
	{"many elements with a member of another name", nil, "", 250_000, both(func(v, i int) string { return fmt.Sprintf(`{"%c%d":1}`, 'a'+v, i) })},
	{"many arrays that are out of step", nil, "", 200_000, both(func(v, _ int) string { return []string{"", "[[1,2],[3]]", "[[2,1],[4,3]]"}[v] })},
	{"arrays in arrays, each too long", nil, "", 1_000_000, func(n int) (string, string) {
		one := func(v string) string {
			return "[[" + strings.Repeat(v+",", n) + v + "],[" + strings.Repeat(v+",", n) + v + "]]"
		}
		return one("1"), one("2")
	}},
	{"same, one pair very often", []compare.Rule{{Path: "$[*]", Same: "x"}}, "", 2_000_000, both(func(v, _ int) string { return fmt.Sprint(v) })},
	{"same, one value very often", []compare.Rule{{Path: "$[*]", Same: "x"}}, "", 2_000_000, func(n int) (string, string) {
		return array(n, func(int) string { return "1" }), "[2" + array(n, func(int) string { return "1" })[2:]
	}},
	{"a tolerance, very often", []compare.Rule{{Path: "$.a[*]", Tolerance: "5"}}, "", 1_000_000, func(n int) (string, string) {
		one := func(v string) string { return `{"a":` + array(n, func(int) string { return v }) + "}" }
		return one("1"), one("2")
	}},
	{"lines all different", nil, "text/plain", 2_000_000, func(n int) (string, string) {
		return strings.Repeat("1\n", n), strings.Repeat("2\n", n)
	}},
	{"events all different", nil, "text/event-stream", 500_000, func(n int) (string, string) {
		return strings.Repeat("id\n\n", n), strings.Repeat("event\n\n", n)
	}},
	{"names all different in a form", nil, "application/x-www-form-urlencoded", 60_000, func(n int) (string, string) {
		return joined(n, func(i int) string { return fmt.Sprintf("&a%d=1", i) }), joined(n, func(i int) string { return fmt.Sprintf("&b%d=1", i) })
	}},
	{"scripts of JSON", nil, "text/html", 20_000, func(n int) (string, string) {
		const script = `<script type="application/json">[%d]</script>`
		return strings.Repeat(fmt.Sprintf(script, 1), n), strings.Repeat(fmt.Sprintf(script, 2), n)
	}},
	{"parts with many lines", nil, "multipart/form-data; boundary=x", 4_000, func(n int) (string, string) {
		one := func(v string) string {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, "--x\r\nContent-Disposition: form-data; name=a%d\r\n\r\n%s\r\n", i, strings.Repeat(v+"\n", 100))
			}
			return b.String() + "--x--"
		}
		return one("1"), one("2")
	}},
}

// both makes two arrays of elements that differ in v, which is 1 and 2.
func both(element func(v, i int) string) func(n int) (legacy, new string) {
	return func(n int) (string, string) {
		return array(n, func(i int) string { return element(1, i) }), array(n, func(i int) string { return element(2, i) })
	}
}

// TestHostileBodies holds what a comparison takes: memory in proportion to the
// bodies, held and in all, and no more than ten times as long for bodies of four
// times the size. The time is that of the processor, so that a busy machine
// changes little.
func TestHostileBodies(t *testing.T) {
	for _, h := range hostiles {
		t.Run(h.reason, func(t *testing.T) {
			rules := mustCompile(t, h.rules...)
			n := h.n / lessUnderRace
			small, large := h.cost(n/4, rules), h.cost(n, rules)
			for range 3 { // others may have been in the way
				if large.took <= 10*max(small.took, 3*time.Millisecond) {
					break
				}
				small, large = h.cost(n/4, rules), h.cost(n, rules)
			}
			if large.took > 10*max(small.took, 3*time.Millisecond) {
				t.Errorf("%d bytes took %v, %d bytes %v", small.size, small.took, large.size, large.took)
			}
			if most := 200*large.size + 32<<20; large.allocated > most {
				t.Errorf("%d bytes were allocated for %d", large.allocated, large.size)
			}
			if most := 24*large.size + 48<<20; large.held > most {
				t.Errorf("%d bytes were held for %d", large.held, large.size)
			}
		})
	}
}

// cost is what a comparison took.
type cost struct {
	size, allocated uint64
	held            uint64 // the most that was in use, as far as it was seen: what the collector left
	took            time.Duration
}

func (h hostile) cost(n int, rules *compare.Rules) cost {
	kind := h.kind
	if kind == "" {
		kind = "application/json"
	}
	a, b := h.pair(n)
	legacy, new := answer(kind, a), answer(kind, b)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	stop, held := make(chan struct{}), make(chan uint64)
	go func() { held <- mostInUse(stop) }()
	begun := threadTime()
	r := compare.Exchanges(legacy, new, rules)
	took := threadTime() - begun
	close(stop)
	most := <-held
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(r)
	return cost{uint64(len(a) + len(b)), after.TotalAlloc - before.TotalAlloc, most - min(most, before.HeapAlloc), took}
}

// mostInUse is the most that a collection has left in use, until it is stopped.
func mostInUse(stop <-chan struct{}) (most uint64) {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for {
		metrics.Read(sample)
		most = max(most, sample[0].Value.Uint64())
		select {
		case <-stop:
			return most
		case <-time.After(2 * time.Millisecond):
		}
	}
}
