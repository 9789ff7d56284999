package txshadow_test

import (
	"os"
	"strings"
	"testing"
)

// The guide shows the table of layers as the tests have found it.
func TestTheGuideHasTheTable(t *testing.T) {
	table, err := os.ReadFile("testdata/layers.md")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../docs/writes.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(guide), string(table)) {
		t.Error("docs/writes.md does not have the table of testdata/layers.md in it")
	}
}
