package reports

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every reason for which a request is skipped says what it means, in the pages,
// in the report and in the docs.
func TestSkipReasonsAreExplained(t *testing.T) {
	source, err := os.ReadFile("skips.go")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("../docs/comparison.md")
	if err != nil {
		t.Fatal(err)
	}
	reasons := regexp.MustCompile(`(?m)^\tSkip\w+\s+= "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(reasons) < 15 {
		t.Fatalf("only %d reasons are found in the source", len(reasons))
	}
	for _, m := range reasons {
		if means := SkipMeans(m[1]); means == "" || !strings.Contains(string(docs), "| `"+m[1]+"` | "+means+" |") {
			t.Errorf("docs/comparison.md has no line | `%s` | %s |", m[1], means)
		}
	}
}
