package compare_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

// TestVeryManyAreComparedByPosition holds what is said of sequences that are
// too long for their elements to be paired: where, and all that differs by position.
func TestVeryManyAreComparedByPosition(t *testing.T) {
	const n = 1_100_000
	list := func(first, rest, last string) string {
		return "[" + first + strings.Repeat(","+rest, n-2) + "," + last + "]"
	}
	lines := func(first, rest string) string { return first + strings.Repeat("\n"+rest, n-1) }
	unordered := []compare.Rule{{Path: "$.a", Unordered: true}, {Path: "$.b", By: "$.id"}}
	tests := []struct {
		reason, kind string
		rules        []compare.Rule
		legacy, new  string
		at, first    string
		count        int
	}{
		{"all but one", "application/json", nil, list("0", "1", "1"), list("0", "2", "2"), "$", "value $[1]: 1 | 2", n - 1},
		{"one more", "application/json", nil, list("0", "1", "1"), list("0", "2", "2,3"), "$", "length $: 1100000 elements | 1100001 elements, only here: [1100000] 3", n},
		{"one fewer", "application/json", nil, list("0", "1", "1, 4"), list("0", "2", "2"), "$", "length $: 1100001 elements, only here: [1100000] 4 | 1100000 elements", n},
		{"none on one side", "application/json", nil, `{"a":` + list("0", "1", "1") + `}`, `{"a":[ ]}`, "$.a", "length $.a: 1100000 elements, only here: [0] 0, [1] 1", 1},
		{"unordered", "application/json", unordered, `{"a":` + list("0", "1", "2") + `,"b":1}`, `{"a":` + list("2", "1", "0") + `,"b":1}`, "$.a", "value $.a[0]: 0 | 2", 2},
		{"by a key", "application/json", unordered, `{"a":1,"b":` + list("0", "1", "2") + `}`, `{"a":1,"b":` + list("2", "1", "0") + `}`, "$.b", "value $.b[0]: 0 | 2", 2},
		{"records", "application/x-ndjson", nil, lines("0", "1"), lines("0", "2"), "$", "value $[1]: 1 | 2", n - 1},
		{"lines", "text/plain", nil, lines("0", "1"), lines("0", "2") + "\n3", "body", "value body:2: 1 | 2", n},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			r := compare.Exchanges(answer(tt.kind, tt.legacy), answer(tt.kind, tt.new), mustCompile(t, tt.rules...))
			if !slices.Equal(r.ByPosition, []string{tt.at}) {
				t.Errorf("by position: %q, want %q", r.ByPosition, tt.at)
			}
			if len(r.Differences) == 0 {
				t.Fatalf("no difference: %+v", r)
			}
			d := r.Differences[0]
			if got := fmt.Sprintf("%s %s: %s | %s", d.Kind, d.At, d.Legacy, d.New); !strings.HasPrefix(got, tt.first) {
				t.Errorf("got  %.100s\nwant %s", got, tt.first)
			}
			if got := len(r.Differences) + r.Truncated; got != tt.count {
				t.Errorf("%d differences, want %d", got, tt.count)
			}
		})
	}
}

// TestBrokenBehindVeryManyIsNotJSON holds that what is wrong behind the elements
// that are compared by position is seen.
func TestBrokenBehindVeryManyIsNotJSON(t *testing.T) {
	many := strings.Repeat("1,", 1_100_000)
	for _, end := range []string{"1,]", "1 1]", "1", "1,tru]", "1}", "1]]"} {
		r := compare.Exchanges(jsonAnswer("[2,"+many+"1]"), jsonAnswer("[3,"+many+end), nil)
		if len(r.Differences) != 1 || r.Differences[0].Kind != compare.KindBody {
			t.Errorf("%s: %d differences, the first %+v", end, len(r.Differences), r.Differences[:min(1, len(r.Differences))])
		}
	}
}
