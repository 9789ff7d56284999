package demo

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestTheReadmeListsWhatIsPlanted(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows int
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "| `") {
			rows++
		}
	}
	for _, p := range plants {
		row := fmt.Sprintf("| `%s` | `%s` | %s | %s |\n", p.Route, p.Path, p.Kind, p.What)
		if p.Verdict == "forgiven" {
			row = fmt.Sprintf("| `%s` | `%s` | %s |\n", p.Route, p.Path, p.What)
		}
		if !strings.Contains(string(b), row) {
			t.Errorf("README.md does not have the row\n%s", row)
		}
	}
	if rows != len(plants) {
		t.Errorf("README.md has %d rows, and %d differences are planted", rows, len(plants))
	}
	if !strings.Contains(string(b), "`"+slower+"` is slower") {
		t.Errorf("README.md does not say that %s is slower", slower)
	}
}
