package compare

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

func TestNamesOfDataBothWays(t *testing.T) {
	name := rapid.StringMatching(`[a-zA-Z_0-9.\- é$]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		n := name.Draw(t, "name")
		text := []byte(`"` + n + `":12345678`)
		if end, plain := jsontext.ScanPlainName(text, 0); end != len(n)+3 || plain && looksLikeData([]byte(n)) {
			t.Fatalf("%q ends at %d; plain: %v", n, end, plain)
		}
	})
}

// TestPairingStaysWithinItsBounds compares many arrays of which each would
// fill a table by itself: together they take no more than one walk may.
func TestPairingStaysWithinItsBounds(t *testing.T) {
	for _, element := range []string{`{"a%d":%s,"b":1},`, `{"id":%d,"v":%s},`, `1%d%s,`, `[1%d%s],`} {
		text := func(v string) []byte {
			var list strings.Builder
			for i := range 400 {
				fmt.Fprintf(&list, element, i, v)
			}
			return []byte("[" + strings.Repeat("["+list.String()+`"end"],`, 100) + `"end"]`)
		}
		a, b := text("1"), text("2")
		w := newWalk(a, b, nil)
		if failed := w.compare(); failed != 0 {
			t.Fatalf("%s: %d", element, failed)
		}
		if w.steps < 0 || w.counting() != 40_000 {
			t.Errorf("%s: %d steps left, %d differences", element, w.steps, w.counting())
		}
		w.free()
	}
}
