package routes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quackproxy/quack/internal/golden"
)

// TestBadFiles holds the message of each fault. Most files have one fault, the
// one that they are named after.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			table, err := Parse("routes.yaml", src)
			if err == nil || table != nil {
				t.Fatalf("no error, or a table with it: %v", table)
			}
			checkPositions(t, src, err)
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret is in %q", err)
			}
			golden.Check(t, strings.TrimPrefix(strings.TrimSuffix(filepath.ToSlash(file), ".yaml"), "testdata/")+".txt", []byte(err.Error()+"\n"))
		})
	}
}

// checkPositions holds what is true of the errors of any file.
func checkPositions(t testing.TB, src []byte, err error) {
	t.Helper()
	errs, ok := err.(Errors)
	if !ok || len(errs) == 0 {
		t.Fatalf("not Errors: %T %v", err, err)
	}
	lines := strings.Split(strings.TrimPrefix(string(src), "\ufeff"), "\n")
	for i, e := range errs {
		if e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > len(lines[e.Line-1])+1 {
			t.Errorf("the position of %q is outside the file", e)
		}
		if e.Text == "" || e.Remedy == "" {
			t.Errorf("%q has no text or no remedy", e)
		}
		if i > 0 && (e.Line < errs[i-1].Line || e.Line == errs[i-1].Line && e.Column < errs[i-1].Column) {
			t.Errorf("%q is not in the order of the file", e)
		}
	}
}
