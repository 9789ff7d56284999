package txshadow_test

import (
	"os"
	"strings"
	"testing"

	"github.com/quackproxy/quack/txshadow/internal/harness"
)

// The guide shows the table of layers as TestEscapes has found it.
func TestTheGuideHasTheTable(t *testing.T) {
	const file, begin, end = "../docs/writes.md", "<!-- table: go test ./txshadow -update -->\n\n", "\n<!-- end of table -->\n"
	table, err := os.ReadFile("testdata/layers.md")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(guide), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", file)
	}
	harness.Golden(t, *update, file, before+begin+string(table)+end+after)
}
