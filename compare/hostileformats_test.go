package compare_test

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
)

var hostileSize = flag.Int("hostile", 1<<18/lessUnderRace, "bytes of a hostile body; 10485760 takes two minutes")

// TestHostileFormats holds that bodies made to be slow come to an end, in memory
// that is a multiple of theirs: the time limit of the test run is what fails
// when they do not.
func TestHostileFormats(t *testing.T) {
	size := *hostileSize
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	unit := size / 10_000
	number := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	const levels = 100_000
	deep := func(open, inner, closed string) string {
		return strings.Repeat(open, levels) + inner + strings.Repeat(closed, levels)
	}
	multi := "multipart/form-data; boundary=x"
	tests := []struct{ reason, contentType, legacy, new string }{
		{"levels of JSON", "application/json", deep("[", "1", "]"), deep("[", "2", "]")},
		{"levels in records", "application/x-ndjson", deep("[", "1", "]"), deep("[", "2", "]")},
		{"levels of XML", "text/xml", deep("<a>", "1", "</a>"), deep("<a>", "2", "</a>")},
		{"levels of HTML", "text/html", deep("<div>", "1", "</div>"), deep("<div>", "2", "</div>")},
		{"levels of parts", multi, "--x\r\nContent-Type: " + multi + "\r\n\r\n" + fill("--x\r\n\r\n\r\n") + "--x--", "--x\r\nContent-Type: " + multi + "\r\n\r\n--x--"},
		{"many records", "application/x-ndjson", fill("1\n"), fill("2\n")},
		{"records that reorder", "application/jsonl", number("[%d]\n", 600*unit), "[-1]\n" + number("[%d]\n", 600*unit+1)},
		{"many events", "text/event-stream", fill("data:1\n\n"), fill("data:2\n\n")},
		{"data in many lines", "text/event-stream", fill("data:\n"), fill("data:1\n")},
		{"many lines", "text/plain", fill("a\n"), fill("b\n")},
		{"many elements", "text/xml", "<r>" + fill("<a/>") + "</r>", "<r>" + fill("<b/>") + "</r>"},
		{"as many as are compared", "text/xml", "<r>" + strings.Repeat("<a/>", min(950*unit, 1_000_000)) + "</r>", "<r>" + strings.Repeat("<b/>", min(950*unit, 1_000_000)) + "</r>"},
		{"many names", "text/xml", "<r>" + number("<a%d>x</a%[1]d>", 380*unit) + "</r>", "<r>" + number("<a%d>y</a%[1]d>", 380*unit) + "</r>"},
		{"names in pairs, to be aligned again and again", "text/xml", "<r>" + number("<a>%d</a><b>x</b>", 190*unit) + "</r>", "<r>" + number("<b>%d</b><a>y</a>", 190*unit) + "</r>"},
		{"comments between letters", "text/xml", "<r>" + fill("a<!---->") + "</r>", "<r>" + fill("b<!---->") + "</r>"},
		{"many attributes", "text/xml", "<r" + number(" a%d='1'", 600*unit) + "/>", "<r" + number(" a%d='2'", 600*unit) + "/>"},
		{"one attribute, many times", "text/html", "<a" + fill(" a") + ">", "<a" + fill(" b") + ">"},
		{"a billion laughs", "text/xml", "<!DOCTYPE r [<!ENTITY a 'x'>" + number("<!ENTITY a%d '&a;&a;&a;&a;'>", 1000) + "]><r>&a999;</r>", "<r/>"},
		{"elements left open", "text/html", number("<b a=%d>", 400) + fill("<p>x"), number("<b a=%d>", 400) + fill("<p>y")},
		{"end tags of nothing", "text/html", "<x>" + fill("</y>"), "<x>" + fill("</y>") + "z"},
		{"cells left open", "text/html", "<table>" + fill("<tr><td>1"), "<table>" + fill("<tr><td>2")},
		{"many fields", "application/x-www-form-urlencoded", fill("a&"), fill("b&")},
		{"many values of a name", "application/x-www-form-urlencoded", number("a=%d&", 380*unit), number("a=1%d&", 380*unit)},
		{"many parts", multi, fill("--x\r\n\r\n\r\n") + "--x--", fill("--x\r\n\r\n1\r\n") + "--x--"},
		{"boundaries that are none", multi, "--x\r\n\r\n" + fill("\r\n--") + "\r\n--x--", "--x\r\n\r\n" + fill("\r\n-") + "\r\n--x--"},
		{"UTF-16", "text/plain; charset=utf-16", fill("a\x00\n\x00"), fill("b\x00\n\x00")},
	}
	rules := mustCompile(t, compare.Rule{Path: "$..a", Same: "x"}, compare.Rule{Path: "$..b..c", Ignore: true}, compare.Rule{Path: "$..u", Unordered: true})
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			for _, r := range []*compare.Rules{nil, rules} {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				result := compare.Exchanges(answer(tt.contentType, tt.legacy), answer(tt.contentType, tt.new), r)
				runtime.ReadMemStats(&after)
				used := (after.TotalAlloc - before.TotalAlloc) >> 20
				t.Logf("%v, %d MiB allocated, %d differences, %d more, %v", time.Since(start), used, len(result.Differences), result.Truncated, result.Err)
				if result.Match() && len(result.Forgiven) == 0 {
					t.Error("they match")
				}
				if limit := uint64(1024*size>>20) + 16; used > limit {
					t.Errorf("%d MiB were allocated, more than %d", used, limit)
				}
			}
		})
	}
}
