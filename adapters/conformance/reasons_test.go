package conformance

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// One list of reasons holds for all adapters: each word that stands whole in a
// source is in docs/writes.md.
func TestReasonsAreInTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/writes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(page), "\n## Reasons\n")
	list, _, _ = strings.Cut(list, "\n## ")
	word := regexp.MustCompile(`unsupported:([a-z][a-z_-]*[a-z])["'` + "`" + `]`)
	for _, root := range []string{"../../txshadow", "../rails/lib", "../django/quack_shadow", "../node/lib"} {
		found := 0
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, m := range word.FindAllStringSubmatch(string(source), -1) {
				found++
				if !strings.Contains(list, "`"+m[1]+"`") {
					t.Errorf("%s: unsupported:%s is not among the reasons of docs/writes.md", path, m[1])
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if found < 20 {
			t.Errorf("%s: %d reasons were found", root, found)
		}
	}
}
